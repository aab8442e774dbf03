"""The documentation is true: its commands run, its help texts and figures are those of the tool."""

import ast
import hashlib
import json
import os
import re
import runpy
import signal
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import pytest
import yaml
from support import few, run_textgen, shared_starter

import textgen
from textgen import recipe
from textgen.runs.shipped import shipped_names

ROOT = Path(__file__).parent.parent
PAGES = [ROOT / "README.md", ROOT / "README.zh-CN.md", *sorted((ROOT / "docs").glob("*.md"))]


def console_commands(page: Path) -> list[str]:
    """What a reader would type: the lines after `$ ` in the console blocks of a page."""
    blocks = re.findall(r"^```console\n(.*?)^```$", page.read_text(encoding="utf-8"), re.M | re.S)
    return [
        re.sub(r"^> ", "", command, flags=re.M)
        for block in blocks
        for command in re.findall(r"^\$ (.*(?:\n> .*)*)", block, re.M)
    ]


@pytest.fixture
def readers_folder(tmp_path):
    """A folder with the texts that the documentation speaks of."""
    folder = tmp_path
    fables = (ROOT / "corpora" / "fables" / "fables.txt").read_text()[:30_000]
    (folder / "plays.txt").write_text("ROMEO:\n" + fables)
    novel = (ROOT / "corpora" / "yuanye" / "yuanye.txt").read_text(encoding="utf-8")[:20_000]
    (folder / "小说.txt").write_text(novel, encoding="gb18030")
    (folder / "notes").mkdir()
    (folder / "notes" / "one.md").write_text(fables)
    return folder


@pytest.fixture
def quick_command(tmp_path_factory) -> Path:
    """A folder with a `textgen` that starts at once."""
    folder = tmp_path_factory.mktemp("bin")
    shared_starter().put_command(folder)
    return folder


ABOUT_TRAINING = [ROOT / "docs" / "training.md", ROOT / "docs" / "distributed.md"]
GROUPS = {
    "front page": PAGES[:1],
    "writing": [page for page in PAGES if page not in ABOUT_TRAINING],
    "training": ABOUT_TRAINING,
}
"""Pages whose reader works in one folder: a command that several of them give runs once."""
QUICK = {"TEXTGEN_TRAIN_CELL": "rnn", "TEXTGEN_TRAIN_RECURRENT_DROPOUT": "0"}
"""A cell that compiles in a tenth of the time that an LSTM takes."""


@pytest.mark.parametrize("group", few(GROUPS))
def test_the_commands_of_the_documentation_run(group, readers_folder, quick_command):
    path = os.pathsep.join([str(quick_command), str(Path(sys.executable).parent), os.environ["PATH"]])
    # the reader's models are small here, and the reader's minutes a few steps
    environment = {**os.environ, "PATH": path, "TEXTGEN_TRAIN_UNITS": "32", **QUICK}
    for command in dict.fromkeys(command for page in GROUPS[group] for command in console_commands(page)):
        short = re.sub(r"--(minutes|epochs) [\d.]+", "--steps 10 --validations 1", command)
        done = subprocess.run(
            ["bash", "-c", f"set -o pipefail; {short}"],
            cwd=readers_folder,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
        # `head` ends a `sort` that still writes by SIGPIPE, which bash reports as 141; textgen itself it must not
        allowed = {0, 128 + signal.SIGPIPE} if re.search(r"\| sort [^|]*\| head", command) else {0}
        assert done.returncode in allowed, f"{command}\n{done.stderr}"


def python_code(page: Path) -> str:
    """The Python blocks of a page, one after another."""
    return "\n".join(re.findall(r"^```python\n(.*?)^```$", page.read_text(encoding="utf-8"), re.M | re.S))


@pytest.mark.parametrize("page", few(page for page in PAGES if python_code(page)), ids=lambda page: page.name)
def test_the_python_of_the_documentation_runs(page, corpus_path, run_path, readers_folder):
    code = python_code(page).replace('"ROMEO:"', '"the "').replace('"我爱你"', '"the "').replace("yuanye", "plays")
    # the reader's first model is small here, and what comes of it too
    code = code.replace('"runs/plays", minutes=1.0', '"runs/plays", minutes=1.0, units=16, cell="rnn"', 1)
    code = code.replace("minutes=1.0", "steps=10, validations=1")
    if "textgen.prepare(" not in code:
        for name, path in (("data", corpus_path), ("runs", run_path)):
            (readers_folder / name).mkdir()
            (readers_folder / name / "plays").symlink_to(path)
    if "plays.onnx" in code:
        assert run_textgen("export", run_path, readers_folder / "plays.onnx").returncode == 0
    done = subprocess.run([sys.executable, "-c", code], cwd=readers_folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_every_public_name_has_an_example():
    page = (ROOT / "docs" / "python.md").read_text(encoding="utf-8")
    assert [name for name in textgen.__all__ if f"textgen.{name}" not in page] == []


def test_the_help_texts_of_the_documentation_are_those_of_the_commands():
    made = runpy.run_path(str(ROOT / "docs" / "make_commands.py"))["commands_page"]()
    assert (ROOT / "docs" / "commands.md").read_text() == made, "run python docs/make_commands.py"


@pytest.mark.parametrize("name", shipped_names("corpora"))
def test_a_corpus_is_what_its_page_says(name):
    folder = ROOT / "corpora" / name
    data = (folder / f"{name}.txt").read_bytes()
    text = data.decode("utf-8")
    page = (folder / "README.md").read_text(encoding="utf-8")
    facts = {
        "Characters": f"{len(text):,}",
        "Distinct characters": f"{len(set(text)):,}",
        "Lines": f"{text.count(chr(10)):,}",
        "SHA-256": hashlib.sha256(data).hexdigest(),
    }
    for fact, value in facts.items():
        assert f"| {fact} | {value} |" in page


def test_corpora_are_as_large_as_promised():
    texts = {name: (ROOT / "corpora" / name / f"{name}.txt").read_text("utf-8") for name in shipped_names("corpora")}
    assert len(texts["fables"]) >= 100_000 and texts["fables"].isascii()
    assert len(texts["yuanye"]) >= 30_000 and "我爱你" in texts["yuanye"]
    names = texts["dinosaurs"].split()
    assert len(names) == len(set(names)) >= 1000 and names == sorted(names)


def anchors(page: Path) -> set[str]:
    """The fragments that lead to the headings of a page, as GitHub makes them."""
    headings = re.findall(r"^#+ (.*)$", page.read_text(encoding="utf-8"), re.M)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def test_links_between_pages_lead_somewhere():
    for page in [*PAGES, ROOT / "CONTRIBUTING.md"]:
        for name, anchor in re.findall(r"\]\(([^)#]*)#?([^)]*)\)", page.read_text(encoding="utf-8")):
            target = page.parent / name if name else page
            assert name.startswith("http") or target.exists(), f"{page.name}: {name}"
            assert not anchor or anchor in anchors(target), f"{page.name}: {name}#{anchor}"


def message_patterns() -> list[re.Pattern]:
    """What each text of the source can become, but for those that are mostly placeholders."""
    nodes = [node for path in (ROOT / "textgen").rglob("*.py") for node in ast.walk(ast.parse(path.read_text()))]
    texts = [node.values for node in nodes if isinstance(node, ast.JoinedStr)]
    texts += [[node] for node in nodes if isinstance(node, ast.Constant) and isinstance(node.value, str)]
    parts = [[part.value if isinstance(part, ast.Constant) else None for part in text] for text in texts]
    return [
        re.compile("".join(".*" if part is None else re.escape(part) for part in text), re.S)
        for text in parts
        if sum(len(part or "") for part in text) > 15
    ]


def test_the_messages_of_the_documentation_are_those_of_the_tool():
    page = (ROOT / "docs" / "troubleshooting.md").read_text(encoding="utf-8")
    quoted = re.findall(r"^textgen: (?:error: )?(.*)$", page, re.M)
    values, reason = recipe.choose(104_235, 1.0)
    printed, patterns = {f"{reason}: {recipe.describe(values)}"}, message_patterns()
    assert len(quoted) > 10
    assert not [m for m in quoted if m not in printed and not any(pattern.fullmatch(m) for pattern in patterns)]


def test_the_recording_is_whole_by_itself_and_shows_the_commands_of_its_script():
    script = runpy.run_path(str(ROOT / "docs" / "make_recording.py"))
    picture = ElementTree.fromstring(script["PICTURE"].read_text(encoding="utf-8"))
    rows = [element.text for element in picture.findall(".//{*}text")]
    assert max(map(len, rows)) <= script["COLUMNS"]
    assert [row for row in rows if row.startswith("$ ")] == [f"$ {command}" for command in script["COMMANDS"]]
    style = "".join(element.text for element in picture.findall(".//{*}style"))
    assert "url(" not in style and "@import" not in style
    assert not [value for element in picture.iter() for value in element.attrib.values() if "//" in value]


def test_the_readme_is_a_front_page():
    assert len((ROOT / "README.md").read_text(encoding="utf-8").splitlines()) <= 120


@pytest.mark.thorough
def test_the_slurm_script_starts_what_it_says(corpus_path, tmp_path, quick_command):
    """Under an `srun` that gives two tasks of this machine Slurm's variables, as it does."""
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "plays").symlink_to(corpus_path)
    srun = tmp_path / "srun"
    srun.write_text(
        "#!/bin/bash\nshift\n"
        "export SLURM_STEP_NUM_TASKS=2 SLURM_STEP_NODELIST=localhost SLURM_STEP_TASKS_PER_NODE=2\n"
        'SLURM_PROCID=1 "$@" --steps 4 & SLURM_PROCID=0 "$@" --steps 4 && wait $!\n'
    )
    srun.chmod(0o755)
    path = os.pathsep.join([str(tmp_path), str(quick_command), os.environ["PATH"]])
    small = {"TEXTGEN_TRAIN_UNITS": "8", "TEXTGEN_TRAIN_SEQ_LENGTH": "8", **QUICK}
    for expected in ("4 steps", "8 steps"):
        command = ["bash", str(ROOT / "docs" / "slurm.sh")]
        environment = {**os.environ, "PATH": path, **small}
        done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
        assert done.returncode == 0 and expected in done.stderr, done.stderr


def test_the_kubernetes_manifest_is_whole_and_its_script_makes_a_cluster():
    service, job = yaml.safe_load_all((ROOT / "docs" / "kubernetes.yaml").read_text())
    assert (service["kind"], service["spec"]["clusterIP"], job["kind"]) == ("Service", "None", "Job")
    spec, template = job["spec"], job["spec"]["template"]
    container = template["spec"]["containers"][0]
    assert service["spec"]["selector"].items() <= template["metadata"]["labels"].items()
    assert template["spec"]["subdomain"] == service["metadata"]["name"]
    assert spec["completions"] == spec["parallelism"] == int(container["env"][0]["value"])
    assert container["volumeMounts"][0]["name"] == template["spec"]["volumes"][0]["name"]
    script = container["command"][-1].replace("textgen train", "printenv TF_CONFIG #")
    environment = {**os.environ, "WORKERS": "4", "JOB_COMPLETION_INDEX": "2"}
    done = subprocess.run(["bash", "-ceu", script], env=environment, capture_output=True, text=True, check=True)
    config = json.loads(done.stdout)
    assert config["task"] == {"type": "worker", "index": 2}
    assert config["cluster"]["worker"] == [f"{job['metadata']['name']}-{i}.textgen:8888" for i in range(4)]
