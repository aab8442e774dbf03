"""The `textgen` command itself."""

import subprocess
import sys

import pytest
from support import LIGHT, environment, one_line_error, run_textgen


@pytest.mark.parametrize("arguments", [["--help"], ["sample", "--help"], ["train", "--help"], ["--version"]])
def test_help_starts_no_tensorflow(arguments):
    code = (
        "import sys\nfrom textgen.cli import main\n"
        f"sys.argv = ['textgen', *{arguments!r}]\n"
        "try:\n    main()\nexcept SystemExit as end:\n    assert not end.code\n"
        f"assert not {LIGHT!r} & set(sys.modules), {LIGHT!r} & set(sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "textgen" in done.stdout


def test_a_command_pays_for_no_other(run_path):
    code = (
        "import sys\nfrom textgen.cli import main\n"
        f"sys.argv = ['textgen', 'info', {str(run_path)!r}]\nmain()\n"
        "print(*sorted(name for name in sys.modules if name.startswith('textgen.cli.')))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    imported = done.stdout.split()
    assert "textgen.cli.info" in imported and "textgen.cli.train" not in imported, imported


def test_without_a_command_help_is_shown():
    done = run_textgen()
    assert done.returncode == 2
    assert "Commands:" in done.stdout + done.stderr


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["prepare", "none.txt", "--out", "x"], 1, "none.txt: no such file"),
        (["prepare", "@none", "--out", "x"], 1, "@fables"),
        (["prepare", "."], 2, "--out"),
        (["train", "nowhere", "--out", "x"], 1, "expected a folder made by `textgen prepare`"),
        (["train", "--out", "x"], 2, "train needs DATA and --out"),
        (["train", "--resume", "nowhere"], 1, "expected a directory made by `textgen train`"),
        (["train", "--resume", "nowhere", "--out", "x"], 2, "--out cannot be given with --resume"),
        (["train", "x", "--out", "y", "--units", "0"], 2, "--units"),
        (["train", "x", "--out", "y", "--dropout", "nan"], 2, "--dropout"),
        (["train", "x", "--out", "y", "--unit", "3"], 2, "--unit"),
        (["sample", "nowhere"], 1, "does not exist"),
        (["sample", "."], 1, "holds no run.json"),
        (["sample", ".", "-t", "-1"], 2, "--temperature"),
        (["sampel", "."], 2, "sampel"),
        (["demo", "--minutes", "0"], 2, "--minutes"),
    ],
)
def test_mistakes_are_one_line_and_write_nothing(arguments, code, message, tmp_path):
    assert message in one_line_error(run_textgen(*arguments, cwd=tmp_path), code)
    assert not list(tmp_path.iterdir())


def test_a_misspelt_environment_variable_is_named_for_every_command(run_path):
    done = run_textgen("sample", run_path, env=environment(TEXTGEN_SAMPLE_LENGHT="5"))
    assert "unknown setting 'LENGHT'; did you mean 'LENGTH'?" in one_line_error(done, 2)
    done = run_textgen("sample", run_path, "-s", "the ", env=environment(TEXTGEN_SAMPLE_LENGTH="0"))
    assert done.stdout == "the \n"


def test_a_reader_that_has_seen_enough_ends_every_listing_quietly(run_path):
    for arguments in (f"info {run_path}", "corpora", f"runs {run_path.parent}"):
        shell = f"set -o pipefail; {sys.executable} -m textgen {arguments} | true"
        done = subprocess.run(["bash", "-c", shell], capture_output=True, check=False)
        assert (done.returncode, done.stderr) == (0, b"")


@pytest.mark.parametrize("columns", ["60", "80", None])
def test_help_cuts_nothing(columns):
    others = {name: value for name, value in environment().items() if name != "COLUMNS"}
    done = run_textgen("--help", env=others | ({"COLUMNS": columns} if columns else {}))
    assert "…" not in done.stdout and "..." not in done.stdout.replace("[ARGS]...", "")
    assert "Prepare text for training: turn it into ids and a vocabulary." in " ".join(done.stdout.split())
