"""Make docs/page.png, a picture of an exported page: `python docs/make_screenshot.py RUN`.

Needs chromium and playwright.
"""

import shutil
import sys
import tempfile
from pathlib import Path

from playwright.sync_api import expect, sync_playwright

from textgen.export.forms import export


def screenshot(run: Path, picture: Path, seed_text: str = "ROMEO:", rng_seed: int = 2) -> None:
    """Let the page of a run write, shade what it wrote, and take a picture.

    Args:
        run: the run directory.
        picture: the PNG file to make.
        seed_text, rng_seed: what it writes.
    """
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as driver:
        file = Path(folder) / "plays.html"
        export(run, file)
        browser = driver.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": 800, "height": 1200}, device_scale_factor=1.5)
        page.goto(file.as_uri())
        page.fill("#seed-text", seed_text)
        page.fill("#length", "400")
        page.evaluate("seed => { document.getElementById('rng-seed').value = seed; }", str(rng_seed))
        page.click("#write")
        expect(page.get_by_role("status")).to_contain_text("bits")
        page.check("#shading")
        page.hover("#text b >> nth=49")
        page.evaluate("scrollTo(0, 0)")
        page.screenshot(path=picture)
        browser.close()


if __name__ == "__main__":
    screenshot(Path(sys.argv[1]), Path(__file__).with_name("page.png"))
