"""`textgen train` as a person at a shell meets it."""

import os
import pty
import re
import signal
import time
from pathlib import Path

import pytest
from support import SETTINGS, environment, few, one_line_error, run_textgen, shared_starter, started


def test_a_run_that_exists_is_not_overwritten(corpus_path, run_path):
    before = (run_path / "run.json").read_bytes()
    assert "--resume" in one_line_error(run_textgen("train", corpus_path, "--out", run_path), 1)
    assert (run_path / "run.json").read_bytes() == before


def test_settings_come_from_flag_environment_file_default_in_this_order(corpus_path, tmp_path):
    (tmp_path / "a.toml").write_text("units = 5\ncell = 'rnn'\nembedding_dim = 6\nseq_length = 7\nbatch_size = 2\n")
    variables = environment(TEXTGEN_TRAIN_EMBEDDING_DIM="8", TEXTGEN_TRAIN_SEQ_LENGTH="9")
    done = run_textgen(
        *("train", corpus_path, "--out", "run", "--config", "a.toml", "--seq-length", "10", "--steps", "1"),
        cwd=tmp_path,
        env=variables,
    )
    assert done.returncode == 0, done.stderr
    from textgen.config import ModelConfig
    from textgen.runs.run import Run

    info = Run(tmp_path / "run").load_info()
    assert (info.model.units, info.model.embedding_dim, info.train.seq_length) == (5, 8, 10)
    assert info.model.num_layers == ModelConfig().num_layers


@pytest.mark.parametrize(
    ("content", "variable", "message"),
    [
        ("unit = 3", None, "a.toml: unknown setting 'unit'; did you mean 'units'?"),
        ("units = 'many'", None, "a.toml: units: Expected int, got str"),
        ("units = 3.5", None, "a.toml: units:"),
        ("units = ", None, "a.toml: cannot be read as TOML"),
        ("", "TEXTGEN_TRAIN_UNIT", "unknown setting 'UNIT'; did you mean 'UNITS'?"),
        ("", "TEXTGEN_TRAIN_UNITS", "'x' is not a valid integer"),
    ],
)
def test_bad_settings_are_named(corpus_path, tmp_path, content, variable, message):
    (tmp_path / "a.toml").write_text(content)
    variables = environment(**({variable: "x"} if variable else {}))
    done = run_textgen(*("train", corpus_path, "--out", "run", "--config", "a.toml"), cwd=tmp_path, env=variables)
    assert message in one_line_error(done, 2)


def test_training_shows_a_table_and_no_noise(corpus_path, tmp_path):
    done = run_textgen(
        "train", corpus_path, "--out", tmp_path / "run", *SETTINGS, "--steps", "40", "--validations", "2"
    )
    assert done.returncode == 0 and done.stdout == ""
    reason, beginning, counted, *lines = done.stderr.splitlines()
    assert reason.startswith("textgen: for 2,430 characters") and counted.startswith("textgen: counted")
    assert beginning.startswith("textgen: begins from nothing, because --embedding-dim is given")
    lines = [line for line in lines if not line.lstrip().startswith("|")]
    assert " ".join(lines[0].split()) == "step epoch train bpc validation bpc characters/s time left"
    assert lines[-1].startswith("textgen: 40 steps in ") and lines[-1].endswith(f"textgen sample {tmp_path}/run")
    assert not [line for line in lines[1:-1] if not line.lstrip()[:1].isdigit()]


@pytest.mark.parametrize(("number", "code"), few([(signal.SIGINT, 130), (signal.SIGTERM, 143)]))
def test_a_signal_saves_the_run_and_names_the_way_on(corpus_path, tmp_path, number, code):
    arguments = ("train", corpus_path, "--out", tmp_path / "run", *SETTINGS, "--cell", "rnn", "--validations", "500")
    with started(*arguments) as (process, shown):
        assert shown.readline().startswith("textgen: for")
        while shown.readline().split()[0] != "step":
            pass
        os.kill(process.pid, number)
        *_, last = shown
        assert process.wait() == code
    assert last.endswith(f"go on with: textgen train --resume {tmp_path / 'run'}\n")
    assert run_textgen("sample", tmp_path / "run", "--checkpoint", "last", "-l", "5").returncode == 0


@pytest.mark.parametrize("columns", few([60, 80]))
def test_on_a_terminal_training_has_a_live_line_and_nothing_is_cut(corpus_path, tmp_path, columns):
    main, terminal = pty.openpty()
    command = ("train", corpus_path, "--out", tmp_path / "run", *SETTINGS, "--cell", "rnn", "--steps", "200")
    variables = {**os.environ, "TERM": "xterm", "COLUMNS": str(columns)}
    with Path(os.devnull).open("r+") as nothing, os.fdopen(terminal, "w") as shown_to:
        process = shared_starter().start(*command, files=(nothing, nothing, shown_to), env=variables)
    shown = b""
    end = time.monotonic() + 120
    while time.monotonic() < end:
        try:
            shown += os.read(main, 65536)
        except OSError:
            break
    assert process.wait() == 0
    plain = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", shown.decode())
    assert "compiling" in plain and "training" in plain and "…" not in plain
    assert max(map(len, re.split(r"[\r\n]+", plain))) <= columns
    words = " ".join(plain.split())
    settings = (
        "1 layer of 24 units, dropout 0.1, recurrent dropout 0, weight decay 0.15, batch size 4, learning rate 0.008"
    )
    for said in (
        settings,
        "step epoch train bpc validation bpc characters/s time left",
        " bpc at step 200; try: textgen sample",
    ):
        assert said in words


def test_kept_checkpoints_can_be_sampled(corpus_path, tmp_path):
    arguments = ("--steps", "40", "--validations", "4", "--keep", "2")
    assert run_textgen("train", corpus_path, "--out", tmp_path / "r", *SETTINGS, *arguments).returncode == 0
    assert run_textgen("sample", tmp_path / "r", "--checkpoint", "30", "-l", "5").returncode == 0
    message = one_line_error(run_textgen("sample", tmp_path / "r", "--checkpoint", "20"), 1)
    assert "it has: best, last, 30, 40" in message
    assert "has no '../best'" in one_line_error(run_textgen("sample", tmp_path / "r", "--checkpoint", "../best"), 1)
