"""What a person gives a model is treated as its corpus was: form, line ends, marks and case."""

import json
import unicodedata

import pytest
from exported import make_run, run_scripts
from hypothesis import given
from hypothesis import strategies as st
from support import SETTINGS, one_line_error, run_textgen, textgen_done

import textgen
from textgen.config import SampleConfig, TextConfig
from textgen.data.transform import FORMS, treated
from textgen.runs.run import Run

COMPOSED = "le café de zoé"
DECOMPOSED = unicodedata.normalize("NFD", COMPOSED)
LOWER_CASE = "textgen: the model was trained on lower case: what it is given is read in lower case\n"
RULES = ("-l", 60, "--rng-seed", 1, "--temperature", 1)


@pytest.fixture(scope="module")
def run(made_once):
    """A run whose run.json does not say how its corpus was made, as before it did."""
    characters = "\n abcdefghijklmnopqrstuvwxyzéTF."
    return made_once("run/accents", lambda path: make_run(path, characters))


@pytest.fixture(scope="module")
def lower_run(made_once):
    """A run that was trained on a text in lower case."""
    text = made_once("text/capitals.txt", lambda path: path.write_text("The Fox said No to LE CAFÉ.\n" * 60))
    corpus = made_once(
        "corpus/lower", lambda path: textgen_done("prepare", text, "--lowercase", "--normalize", "nfkc", "--out", path)
    )
    arguments = ("train", corpus, *SETTINGS, "--cell", "rnn", "--steps", 20)
    return made_once("run/lower", lambda path: textgen_done(*arguments, "--out", path))


def continuation(done, seed_text):
    assert done.returncode == 0 and done.stdout.startswith(seed_text), done.stderr
    return done.stdout.removeprefix(seed_text)


def test_a_decomposed_seed_text_is_composed_and_comes_back_as_it_was_given(run, tmp_path):
    expected = continuation(run_textgen("sample", run, "-s", COMPOSED, *RULES), COMPOSED)
    assert continuation(run_textgen("sample", run, "-s", DECOMPOSED, *RULES), DECOMPOSED) == expected
    (tmp_path / "seed").write_text(DECOMPOSED)
    assert continuation(run_textgen("sample", run, "--seed-file", tmp_path / "seed", *RULES), DECOMPOSED) == expected
    done = run_textgen("sample", run, "--each-line", "--json", *RULES, input=f"{DECOMPOSED}\n")
    row = json.loads(done.stdout)
    assert (row["seed_text"], row["text"] + "\n") == (DECOMPOSED, expected) and done.stderr == ""
    written = textgen.load(run).generate(DECOMPOSED, length=60, rng_seed=1, temperature=1.0)
    assert written + "\n" == DECOMPOSED + expected


def test_stop_only_and_ban_are_composed(run):
    model, settings = textgen.load(run), {"length": 300, "rng_seed": 3, "temperature": 1.0}
    for rule in ({"stop": "é"}, {"only": "abé "}, {"ban": "é"}):
        (name, text), *_ = rule.items()
        given = unicodedata.normalize("NFD", text)
        one, other = ({name: (value,) if name == "stop" else value} for value in (text, given))
        assert model.generate(**settings, **one) == model.generate(**settings, **other)
    assert "é" in model.generate(**settings) and "é" not in model.generate(**settings, ban="e\u0301")


def test_a_seed_file_of_notepad_is_read_as_prepare_reads_it(run, tmp_path):
    (tmp_path / "notepad").write_bytes(b"\xef\xbb\xbfThe Fox\r\nsaid no.\r\n")
    seed = "The Fox\nsaid no.\n"
    expected = continuation(run_textgen("sample", run, "-s", seed, *RULES), seed)
    assert continuation(run_textgen("sample", run, "--seed-file", tmp_path / "notepad", *RULES), seed) == expected
    assert continuation(run_textgen("sample", run, "-s", "The Fox\r\nsaid no.\n", *RULES), "The Fox\r\n").endswith(
        expected
    )


@pytest.mark.parametrize("form", [(), ("--lines",), ("--chars",)], ids=str)
def test_a_scored_text_is_treated_in_every_form(run, tmp_path, form):
    (tmp_path / "clean").write_text(f"The Fox\n{COMPOSED}\n")
    (tmp_path / "given").write_bytes(f"\ufeffThe Fox\r\n{DECOMPOSED}\r\n".encode())
    clean, given = (run_textgen("score", run, *form, tmp_path / name) for name in ("clean", "given"))
    assert clean.returncode == 0 and given.stderr == ""
    # a line comes back as it was given
    assert given.stdout == clean.stdout.replace(COMPOSED, DECOMPOSED) != ""


def test_a_surprise_page_shades_the_treated_text(run, tmp_path):
    pages = []
    for text in (f"The Fox\n{COMPOSED}\n".encode(), f"\ufeffThe Fox\r\n{DECOMPOSED}\r\n".encode()):
        (tmp_path / "text").write_bytes(text)
        textgen_done("surprise", run, tmp_path / "text", "--out", tmp_path / "page.html")
        pages.append((tmp_path / "page.html").read_bytes())
    assert pages[0] == pages[1]


def test_a_model_of_lower_case_reads_capitals_and_says_it_once(lower_run, tmp_path):
    sample = ("sample", lower_run, "--each-line", "--json", *RULES)
    given, lower = (run_textgen(*sample, input=text) for text in ("The Fox\nLE CAFÉ\n", "the fox\nle café\n"))
    assert given.stderr == LOWER_CASE and lower.stderr == ""
    given, lower = ([json.loads(line) for line in done.stdout.splitlines()] for done in (given, lower))
    assert [row["seed_text"] for row in given] == ["The Fox", "LE CAFÉ"]
    assert [row["text"] for row in given] == [row["text"] for row in lower]
    done = run_textgen("sample", lower_run, "--ban", "O", *RULES)
    assert done.stderr == LOWER_CASE and "o" not in done.stdout
    for form in ((), ("--lines",), ("--chars",)):
        given, lower = (run_textgen("score", lower_run, *form, input=text) for text in ("The Fox\n", "the fox\n"))
        assert given.stderr == LOWER_CASE and lower.stderr == ""
        assert given.stdout.replace("The Fox", "the fox") == lower.stdout != ""


def test_info_says_how_texts_are_read_and_exports_keep_it(lower_run, run, tmp_path):
    assert "reads a text     in NFKC, line ends \\n, lower case" in run_textgen("info", lower_run).stdout
    assert "reads a text     in NFC, line ends \\n\n" in run_textgen("info", run).stdout
    textgen_done("export", lower_run, tmp_path / "lower.keras")
    textgen_done("import", tmp_path / "lower.keras", "--out", tmp_path / "back")
    assert Run(tmp_path / "back").load_info().text == TextConfig(normalize="nfkc", lowercase=True)
    assert textgen.load(tmp_path / "back").generate("The Fox", length=5).startswith("The Fox")


def test_a_model_that_kept_line_ends_and_form_reads_what_it_is_given(tmp_path):
    characters = "\r\nabcdefghijklmnopqrstuvwxyz \u0301\u212b"
    old, seed = make_run(tmp_path / "old", characters), "abe\u0301\r\n\u212b"
    assert textgen.load(old).text == TextConfig(normalize="none", keep_line_ends=True)
    (tmp_path / "seed").write_bytes(seed.encode())
    done = run_textgen("sample", old, "--seed-file", tmp_path / "seed", *RULES, text=False)
    assert done.returncode == 0 and done.stdout.startswith(seed.encode())


def test_unknown_characters_are_still_left_out_of_what_is_treated(run):
    done = run_textgen("sample", run, "-s", f"{DECOMPOSED}!", "--unknown", "skip", *RULES)
    expected = continuation(run_textgen("sample", run, "-s", COMPOSED, *RULES), COMPOSED)
    assert continuation(done, COMPOSED) == expected
    assert "'!'" in one_line_error(run_textgen("sample", run, "-s", f"{DECOMPOSED}!", *RULES), 1)


@pytest.mark.parametrize(("encoding", "text"), [("cp1252", "le café."), ("utf-16", "le café\nThe Fox"), ("UTF8", "é")])
def test_texts_in_other_encodings_are_scored_and_continued(run, tmp_path, encoding, text):
    (tmp_path / "text").write_bytes(text.encode(encoding))
    given = ("--encoding", encoding, tmp_path / "text")
    for form in ((), ("--lines",), ("--chars",)):
        done, plain = run_textgen("score", run, *form, *given), run_textgen("score", run, *form, input=text)
        assert done.returncode == 0 and done.stdout == plain.stdout, done.stderr
    textgen_done("surprise", run, "--out", tmp_path / "page.html", *given)
    done = run_textgen("sample", run, "--encoding", encoding, "--seed-file", tmp_path / "text", *RULES)
    assert done.stdout == run_textgen("sample", run, "-s", text, *RULES).stdout != ""


@pytest.mark.parametrize("form", [(), ("--lines",)], ids=str)
def test_a_wrong_encoding_is_one_line_that_names_the_option(run, tmp_path, form):
    (tmp_path / "text").write_bytes("le café.\n".encode("cp1252"))
    assert "--encoding" in one_line_error(run_textgen("score", run, *form, tmp_path / "text"), 1)
    (tmp_path / "text").write_bytes(b"\xff\xfea")
    done = run_textgen("score", run, *form, "--encoding", "utf-16", tmp_path / "text")
    assert "not utf-16" in one_line_error(done, 1)
    done = run_textgen("score", run, *form, "--encoding", "klingon", tmp_path / "text")
    assert "unknown text encoding 'klingon'" in one_line_error(done, 2)


def test_the_page_treats_a_text_as_python_does():
    texts = [
        "",
        "\ufeff\ufeffa\ufeff\r\n\ufeffb\rc\n\ufeff",
        "ΑΣ ΣΑΣ. İI",
        DECOMPOSED,
        "ﬁ²\u212b",
        "한\u1100\u1161\u11a8",
    ]
    cases = [
        (text, TextConfig(normalize=normalize, keep_line_ends=keep, lowercase=lower))
        for text in texts
        for normalize in FORMS
        for keep in (False, True)
        for lower in (False, True)
    ]
    given = [
        (text, {"form": FORMS[how.normalize], "keep_line_ends": how.keep_line_ends, "lowercase": how.lowercase})
        for text, how in cases
    ]
    found = run_scripts("return input.map(([text, how]) => treated(text, how))", given)
    assert found == [treated(text, how) for text, how in cases]


@given(st.text(st.sampled_from("aEé\u0301\r\n\ufeff Σ")), st.booleans())
def test_what_was_treated_stays_as_it_is(text, lowercase):
    once = treated(text, TextConfig(lowercase=lowercase))
    assert "\r" not in once and not once.startswith("\ufeff") and unicodedata.is_normalized("NFC", once)
    assert treated(once, TextConfig(lowercase=lowercase)) == once


def test_a_stop_text_of_a_mark_alone_stays_one(run):
    config = SampleConfig(length=20, rng_seed=1, stop=("\ufeff",))
    assert len("".join(textgen.load(run).stream("", config))) == 20
