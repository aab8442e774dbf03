"""What `import textgen` gives, and that it costs nothing until it is used."""

import subprocess
import sys

import pytest
from click.testing import CliRunner

import textgen
from textgen.cli import cli
from textgen.runs.run import Run

SMALL = {
    "cell": "rnn",
    "units": 8,
    "recurrent_dropout": 0.0,
    "batch_size": 2,
    "seq_length": 16,
    "steps": 3,
    "validations": 1,
}


def trained(path, **settings):
    """A training of a small corpus."""
    return textgen.train(textgen.prepare(text="a b\n" * 99, out=path.parent / "corpus"), path, **settings)


def test_every_name_of_the_list_is_there():
    assert [name for name in textgen.__all__ if not hasattr(textgen, name)] == []
    with pytest.raises(AttributeError, match="no attribute 'trian'"):
        _ = textgen.trian


def test_importing_loads_no_library():
    code = "import sys, textgen; assert not {'numpy', 'msgspec', 'click', 'tensorflow'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_python_makes_the_corpus_and_the_run_of_the_command_line(tmp_path):
    text = tmp_path / "text.txt"
    text.write_text("The fox ran.\nThe dog slept.\n" * 100)
    (tmp_path / "mine.toml").write_text("dropout = 0.125\nunits = 9\n")
    of_files = {"preset": "classic", "config": tmp_path / "mine.toml"}
    corpus = textgen.prepare(text, tmp_path / "a", vocabulary="@english", lowercase=True)
    end = textgen.train(corpus, tmp_path / "run-a", **of_files, **SMALL)
    options = [
        word for name, value in (of_files | SMALL).items() for word in (f"--{name.replace('_', '-')}", str(value))
    ]
    for arguments in (
        ["prepare", str(text), "--out", str(tmp_path / "b"), "--vocabulary", "@english", "--lowercase"],
        ["train", str(tmp_path / "b"), "--out", str(tmp_path / "run-b"), *options],
    ):
        assert CliRunner().invoke(cli, arguments, catch_exceptions=False).exit_code == 0
    assert (tmp_path / "a" / "corpus.json").read_bytes() == (tmp_path / "b" / "corpus.json").read_bytes()
    ours, theirs = (Run(tmp_path / name).load_info() for name in ("run-a", "run-b"))
    assert (ours.model, ours.train) == (theirs.model, theirs.train)
    assert (ours.model.units, ours.model.dropout, ours.train.learning_rate) == (8, 0.125, 0.002)
    texts = [textgen.load(tmp_path / name).generate(length=40, rng_seed=1) for name in ("run-a", "run-b")]
    assert texts[0] == texts[1] and end.step == 3 and end.finished
    assert textgen.resume(tmp_path / "run-a", steps=2).step == 5


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda path: textgen.prepare([], path), textgen.TextError, "none given"),
        (lambda path: textgen.prepare("@fables", path, lower=True), textgen.ConfigError, "did you mean 'lowercase'"),
        (
            lambda path: textgen.prepare("@fables", path, vocabulary=3),
            textgen.ConfigError,
            "vocabulary: 3; expected the",
        ),
        (lambda path: textgen.prepare("@fables", path, vocabulary="@mine"), textgen.RunError, "no such model"),
        (lambda path: textgen.prepare("@fables", path, workers="two"), textgen.ConfigError, "workers: Expected 0"),
        (lambda path: trained(path, preset="tiny"), textgen.ConfigError, "'tiny'; expected auto, small, base"),
        (lambda path: trained(path, config={"units": 8}), textgen.ConfigError, "expected the name of a file"),
        (lambda path: trained(path, config="none.toml"), textgen.ConfigError, "none.toml: cannot be read as TOML"),
        (lambda path: trained(path, preset="small", start_from="b", units=8), textgen.ConfigError, "cannot be given"),
        (lambda path: textgen.train("@fables", path), textgen.CorpusError, "expected a folder made by"),
        (lambda path: trained(path, start_from="b", units=8), textgen.ConfigError, "units: cannot be given"),
        (lambda path: textgen.resume(path / "none"), textgen.RunError, "none"),
        (lambda path: textgen.resume(path, callbacks=3), textgen.ConfigError, "callbacks: 3; expected a list of Keras"),
        (lambda path: textgen.load(None), textgen.ConfigError, "run: None; expected the name of a file or folder"),
        (lambda path: textgen.load("@english", precision="half"), textgen.ConfigError, "'half'; expected float32 or"),
        (lambda path: textgen.export("@english", path / "a\0.html"), textgen.ConfigError, "no file can have this name"),
        (lambda path: textgen.load("@english").with_voice("b"), textgen.ConfigError, "other: 'b'; expected a model"),
    ],
)
def test_a_mistake_is_one_line(call, error, message, tmp_path):
    with pytest.raises(error, match=message) as raised:
        call(tmp_path / "out")
    assert "\n" not in str(raised.value) and not (tmp_path / "out").exists()


def test_a_run_whose_name_begins_as_those_of_textgen_do_has_a_path(run_path, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "@mine").symlink_to(run_path)
    assert textgen.info("./@mine").corpus == textgen.info(run_path).corpus
    assert CliRunner().invoke(cli, ["info", "./@mine"]).exit_code == 0
    with pytest.raises(textgen.RunError, match="@mine: no such model comes with textgen"):
        textgen.info("@mine")


def test_what_comes_with_textgen_is_named_and_told_as_the_command_tells_it():
    told = textgen.corpora()
    assert {"@fables", "@english"} <= set(told)
    assert CliRunner().invoke(cli, ["corpora"]).output == f"{told}\n"


def test_an_unknown_setting_of_a_training_is_refused(corpus_path, tmp_path):
    with pytest.raises(textgen.ConfigError, match="did you mean 'units'"):
        textgen.train(corpus_path, tmp_path / "run", unit=8)
