"""Editors and type checkers know the settings, and what they know is what textgen takes."""

import inspect
import os
import runpy
import subprocess
import sys
from pathlib import Path
from typing import get_type_hints

import pytest

import textgen
from textgen import config

ROOT = Path(__file__).parent.parent
TAKEN = {
    "PrepareSettings": set(config.PrepareConfig.__struct_fields__),
    "TrainSettings": {*config.ModelConfig.__struct_fields__, *config.TrainConfig.__struct_fields__},
    "ResumeSettings": {*config.ModelConfig.__struct_fields__, *config.TrainConfig.__struct_fields__} - config.FIXED,
    "SampleSettings": set(config.SampleConfig.__struct_fields__) - {"samples"},
    "ScoreSettings": set(config.ScoreConfig.__struct_fields__),
}
CALLS = {
    "PrepareSettings": [textgen.prepare],
    "TrainSettings": [textgen.train],
    "ResumeSettings": [textgen.resume],
    "SampleSettings": [textgen.Model.stream],
    "ScoreSettings": [textgen.Model.score, textgen.Model.surprise, textgen.Model.likeliest],
}


def test_the_settings_are_made_from_their_classes():
    made = runpy.run_path(str(ROOT / "docs" / "make_settings.py"))["settings_module"]()
    assert (ROOT / "textgen" / "settings.py").read_text() == made, "run python docs/make_settings.py"


@pytest.mark.parametrize("name", TAKEN)
def test_each_setting_has_a_type_and_a_line_of_help(name):
    settings = getattr(textgen, name)
    assert get_type_hints(settings).keys() == TAKEN[name]
    assert [field for field in TAKEN[name] if f"    {field}: " not in settings.__doc__] == []
    for call in CALLS[name]:
        (taken,) = (p for p in inspect.signature(call).parameters.values() if p.kind is p.VAR_KEYWORD)
        assert taken.annotation == f"Unpack[{name}]"


def test_help_says_ranges_and_defaults():
    told = inspect.getdoc(textgen.train)
    assert "units: int, 1 to 16,384, default 384. Width of each recurrent layer." in told
    assert "Settings of `textgen.train`" in told and "--" not in inspect.getdoc(textgen.SampleSettings)


WRONG = """
import textgen

textgen.train("data", "run", minutes=1.0, dropout=0.1)
textgen.train("data", "run", minuets=1.0)
textgen.prepare("a.txt", "data", split="middle")
textgen.resume("run", units=3)
model = textgen.load("run")
text: str = model.generate("a", temperature=0.5)
texts: list[str] = model.generate(["a", "b"], samples=3)
model.generate("a", tempreture=0.5)
bits: float = model.score("a", memory=1000)
lines: float = model.score(["a"])
"""


@pytest.mark.long
def test_a_type_checker_finds_wrong_settings(tmp_path):
    (tmp_path / "wrong.py").write_text(WRONG)
    command = [
        sys.executable,
        "-m",
        "mypy",
        "--strict",
        "--cache-dir",
        str(tmp_path / "cache"),
        str(tmp_path / "wrong.py"),
    ]
    done = subprocess.run(
        command, cwd=tmp_path, env={**os.environ, "MYPYPATH": str(ROOT)}, capture_output=True, text=True, check=False
    )
    found = {int(line.split(":")[1]) for line in done.stdout.splitlines() if "wrong.py:" in line and "error:" in line}
    assert found == {5, 6, 7, 11, 13}, done.stdout
