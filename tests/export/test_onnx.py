"""Runs as ONNX models, run by ONNX Runtime."""

import json
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
from exported import make_run
from support import few, one_line_error, run_textgen

import textgen

MODELS = [{"cell": "lstm", "num_layers": 2}, {"cell": "gru", "num_layers": 2}, {"cell": "rnn", "units": 7}]


@pytest.mark.parametrize("model", few(MODELS), ids=lambda model: model["cell"])
def test_onnx_runtime_gives_the_logits_of_a_run_whole_and_step_by_step(tmp_path, model):
    run = make_run(tmp_path / "run", **model)
    done = run_textgen("export", run, tmp_path / "run.onnx")
    assert done.returncode == 0, done.stderr
    onnx.checker.check_model(onnx.load(tmp_path / "run.onnx"), full_check=True)
    session = onnxruntime.InferenceSession(tmp_path / "run.onnx")
    ids = np.random.default_rng(0).integers(28, size=(3, 30))
    network = textgen.load(run).predictor
    state = network.initial_state(3)
    expected = np.stack([network.step(column, state).copy() for column in ids.T], 1)
    units = model.get("units", 20)
    states = {i.name: np.zeros((1, 3, units), np.float32) for i in session.get_inputs() if i.name != "ids"}
    whole, *_ = session.run(None, {"ids": ids, **states})
    assert whole.shape == expected.shape and np.abs(whole - expected).max() < 1e-4
    for column in range(30):
        logits, *after = session.run(None, {"ids": ids[:, column : column + 1], **states})
        assert np.abs(logits[:, 0] - expected[:, column]).max() < 1e-4
        states = {o.name.removeprefix("next_"): a for o, a in zip(session.get_outputs()[1:], after, strict=True)}
    metadata = session.get_modelmeta().custom_metadata_map
    vocabulary = textgen.load(run).vocabulary
    assert json.loads(metadata["vocabulary"]) == list(vocabulary.idx2char)
    assert int(metadata["start"]) == vocabulary.start


def test_the_example_of_the_documentation_samples_without_textgen(network_run, tmp_path):
    assert run_textgen("export", network_run, tmp_path / "plays.onnx").returncode == 0
    guide = (Path(__file__).parents[2] / "docs" / "export.md").read_text(encoding="utf-8")
    example = next(block for block in re.findall(r"```python\n(.*?)```", guide, re.S) if "onnxruntime" in block)
    assert len([line for line in example.splitlines() if line]) <= 15
    code = f"import sys\nsys.modules['textgen'] = None\n{example}".replace('"ROMEO:"', '"the "')
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0 and done.stdout.startswith("the ") and len(done.stdout) > 200, done.stderr


def test_without_the_package_one_line_says_how_to_install_it(tmp_path):
    run = make_run(tmp_path / "run")
    code = "import sys\nsys.modules['onnx'] = None\nfrom textgen.cli import main\nmain()"
    command = [sys.executable, "-c", code, "export", run, tmp_path / "run.onnx"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert "pip install 'textgen-keras[onnx]'" in one_line_error(done, 1)
    assert not (tmp_path / "run.onnx").exists()
