"""Where only the light packages are installed: what needs more says so in one line and leaves nothing behind."""

import subprocess
import sys

import pytest
from support import few, one_line_error

HIDING = """
import sys
for name in ("tensorflow", "keras", "h5py", "charset_normalizer"):
    sys.modules[name] = None
from textgen.cli import main
main()
"""
TRAINING = "training and .keras files need tensorflow and keras, not installed here: pip install tensorflow keras"


def light(*arguments, **options):
    """A command where these packages are not installed."""
    command = [sys.executable, "-c", HIDING, *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False, **options)


@pytest.mark.parametrize(
    "command",
    few(
        (command,)
        for command in (
            ("train", "CORPUS", "--out", "new", "--steps", "1"),
            ("train", "--resume", "RUN"),
            ("export", "RUN", "new"),
            ("launch", "--workers", "2", "--", "train", "CORPUS", "--out", "new"),
        )
    ),
    ids=" ".join,
)
def test_what_needs_tensorflow_says_so(command, corpus_path, run_path, tmp_path):
    places = {"CORPUS": corpus_path, "RUN": run_path, "new": tmp_path / "new.keras"}
    done = light(*(places.get(word, word) for word in command))
    assert TRAINING in one_line_error(done, 1) and not list(tmp_path.iterdir())


def test_writing_scoring_and_pages_need_none_of_it(run_path, tmp_path):
    for arguments in (
        ("sample", run_path, "-l", "20"),
        ("score", run_path, "--split", "validation"),
        ("info", run_path),
        ("export", run_path, tmp_path / "page.html"),
        ("surprise", run_path, "--out", tmp_path / "surprise.html"),
    ):
        done = light(*arguments, input="the fox\n")
        assert done.returncode == 0, done.stderr


def test_without_charset_normalizer_no_encoding_is_named(tmp_path):
    (tmp_path / "text").write_bytes("It’s late.\n".encode("cp1252"))
    error = one_line_error(light("prepare", tmp_path / "text", "--out", tmp_path / "out"), 1)
    assert "`--encoding NAME`; pip install charset-normalizer" in error


def test_a_keras_file_needs_h5py(run_path, tmp_path):
    from textgen.export.forms import export

    export(run_path, tmp_path / "fox.keras")
    done = light("import", tmp_path / "fox.keras", "--out", tmp_path / "new")
    assert "pip install h5py" in one_line_error(done, 1) and not (tmp_path / "new").exists()
