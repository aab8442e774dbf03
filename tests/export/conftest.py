"""A browser, and exported pages in it."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from playwright.sync_api import sync_playwright
from support import SETTINGS, textgen_done

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "chrome")
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


@pytest.fixture(scope="session")
def network_run(corpus_path, made_once) -> Path:
    """A small run without n-gram counts."""
    settings = [*SETTINGS, "--ngram-order", "0", "--steps", "150", "--learning-rate", "0.02"]
    return made_once("network/fox", lambda path: textgen_done("train", corpus_path, "--out", path, *settings))


@pytest.fixture(scope="session")
def browser():
    """Chromium of this machine, or the one that playwright has installed."""
    with sync_playwright() as driver:
        found = next((path for name in BROWSERS if (path := shutil.which(name))), driver.chromium.executable_path)
        if not Path(found).exists():
            pytest.skip("no browser here: apt-get install chromium")
        browser = driver.chromium.launch(executable_path=found, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture
def open_page(browser):
    """Opens an exported page; in the end it must have made no request and no error."""
    contexts, complaints, requests = [], [], []

    def opened(path: Path, **settings):
        context = browser.new_context(**settings)
        contexts.append(context)
        page = context.new_page()
        page.on("console", lambda message: complaints.append(message.text))
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("dialog", lambda dialog: complaints.append(dialog.message))
        page.on("request", lambda request: requests.append(request.url))
        page.goto(path.as_uri())
        return page

    yield opened
    for context in contexts:
        context.close()
    assert not complaints and len(requests) == len(contexts)
