"""What shows itself outside a notebook too: representations, curves, tables, and who is told of a training."""

import base64
import contextlib
import inspect
import os
import pty
import re
import shutil
from concurrent.futures import ThreadPoolExecutor
from xml.etree import ElementTree

import pytest

import textgen
from textgen.display.curve import curve_picture
from textgen.display.keywords import spell_out
from textgen.display.notebook import NotebookDisplay, in_notebook
from textgen.display.terminal import TrainingDisplay
from textgen.display.verbose import training_display
from textgen.runs.history import HistoryRow, Point
from textgen.runs.position import Position
from textgen.runs.run import Run

QUICK = {"cell": "rnn", "units": 8, "recurrent_dropout": 0.0, "batch_size": 2, "seq_length": 16, "validations": 2}


class Handle:
    """Keeps what a notebook would show."""

    def __init__(self):
        self.pictures = []

    def update(self, shown):
        self.pictures.append(shown._repr_html_())


def test_a_corpus_a_model_and_surprises_are_short_lines_and_whole_cards(corpus_path, run_path):
    corpus, model = textgen.Corpus.load(corpus_path), textgen.load(run_path)
    assert repr(corpus) == f"<Corpus {corpus_path}: 2,700 characters, 29 distinct, from 1 source>"
    assert "<pre>the quick brown fox" in corpus._repr_html_() and "rarest:" in corpus._repr_html_()
    assert repr(model).startswith(f"<Model {run_path}: lstm 1x24, 29 characters, 0.")
    assert "lstm 1x24" in model._repr_html_() and "<pre>" in model._repr_html_()
    told = model.surprise("the fox")
    assert repr(told).startswith("<Surprises: 7 characters, ") and told._repr_html_().count('<b class="s') == 7 + 9
    it = textgen.info(run_path)
    assert "300 steps" in repr(it) and "image/svg+xml" in it._repr_html_()
    assert repr(textgen.runs(run_path)) == str(textgen.runs(run_path))


def test_a_model_whose_run_has_gone_still_shows_itself(run_path, tmp_path):
    shutil.copytree(run_path, tmp_path / "run")
    model = textgen.load(tmp_path / "run")
    shutil.rmtree(tmp_path / "run")
    assert repr(model) == "<Model of 29 characters>" and "<pre>" in model._repr_html_()


def test_a_page_and_a_notebook_shade_alike_and_a_long_text_is_cut(run_path, monkeypatch):
    told = textgen.load(run_path).surprise("the zz fox")
    shades = told._repr_html_().split("<pre>")[1].split("</pre>")[0]
    assert shades in told.page("a page")
    monkeypatch.setattr("textgen.inference.page.MOST_SHOWN", 4)
    assert "6 more characters are not shown" in told._repr_html_()


def test_no_text_is_markup(tmp_path):
    name = tmp_path / "<i>data"
    (tmp_path / "text").write_text("<script>alert(1)</script> & \x1b\n" * 100)
    shown = textgen.prepare(tmp_path / "text", name)._repr_html_()
    assert "<script" not in shown and "<i>" not in shown and "\x1b" not in shown
    assert "&lt;script&gt;alert(1)&lt;/script&gt; &amp; \n" in shown


def test_the_end_of_a_training_is_a_line_a_card_and_a_table(corpus_path, tmp_path):
    end = textgen.train(corpus_path, tmp_path / "run", steps=6, **QUICK)
    assert repr(end).startswith(f"<TrainingEnd {tmp_path / 'run'}: 6 steps in ")
    assert "image/svg+xml" in end._repr_html_() and f"textgen sample {tmp_path / 'run'}" in end._repr_html_()
    pandas = pytest.importorskip("pandas")
    table = pandas.DataFrame(end.history)
    assert [*table.columns] == [*HistoryRow.__dataclass_fields__] and [*table["step"]] == [3, 6]


def test_a_curve_is_an_image_that_is_whole_by_itself():
    shown = curve_picture([Point(0.0, 4.0, 4.2), Point(60.0, 2.0, None), Point(120.0, 1.5, 1.8)])
    data = base64.b64decode(re.search(r'base64,([^"]*)"', shown)[1])
    picture = ElementTree.fromstring(data)
    assert [line.get("class") for line in picture.findall(".//{*}polyline")] == ["validation", "training"]
    assert curve_picture([]) == ""


def test_a_notebook_sees_how_a_training_goes(corpus_path, tmp_path):
    display = NotebookDisplay(lambda run, length: "<b>a sample</b>")
    display.handle = Handle()
    textgen.train(corpus_path, tmp_path / "run", steps=6, reporter=display, **QUICK)
    display.__exit__(None, None, None)
    last = display.handle.pictures[-1]
    assert 'value="1.0000"' in last and "image/svg+xml" in last and "&lt;b&gt;a sample" in last and "6 steps in" in last
    assert repr(display).startswith("6 steps in ")
    display.__exit__(None, textgen.TextgenError("stopped <here>"), None)
    assert "stopped &lt;here&gt;" in display.handle.pictures[-1]


def test_a_display_is_for_a_person(monkeypatch):
    def kind(verbose):
        return type(training_display(verbose, lambda run, length: "")).__name__

    assert not in_notebook()
    monkeypatch.setattr("sys.stderr.isatty", lambda: False, raising=False)
    assert [kind("auto"), kind(0), kind(False), kind(1)] == ["nullcontext"] * 3 + [TrainingDisplay.__name__]
    monkeypatch.setattr("sys.stderr.isatty", lambda: True, raising=False)
    assert [kind("auto"), kind(0)] == [TrainingDisplay.__name__, "nullcontext"]
    with pytest.raises(textgen.ConfigError, match="verbose: 2; expected 'auto', 0 or 1"):
        kind(2)


def test_a_prompt_is_told_each_setting():
    def call(text, **settings):
        """Do something."""

    spell_out(call, textgen.ScoreSettings)
    assert list(inspect.signature(call).parameters) == ["text", "memory", "unknown"]


def test_an_end_without_a_validation_part_shows_itself(tmp_path):
    from textgen.training.ending import TrainingEnd

    end = TrainingEnd(Run(tmp_path).path, Position(step=3, seconds=1.0))
    assert "not validated" in end._repr_html_() and "3 steps in 1 s" in repr(end) and end.best_bpc is None


def all_of(terminal: int) -> bytes:
    """What is written to a terminal until its other end is closed."""
    text = b""
    with os.fdopen(terminal, "rb", buffering=0) as file, contextlib.suppress(OSError):
        while piece := file.read(4096):
            text += piece
    return text


def test_a_terminal_shows_the_table(corpus_path, tmp_path, monkeypatch):
    master, slave = pty.openpty()
    with ThreadPoolExecutor() as pool, os.fdopen(slave, "w") as terminal:
        shown = pool.submit(all_of, master)
        monkeypatch.setattr("sys.stderr", terminal)
        textgen.train(corpus_path, tmp_path / "run", steps=2, **QUICK)
        terminal.close()
        text = shown.result()
    assert b"train bpc" in text and b"2 steps in" in text
