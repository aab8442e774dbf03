"""`textgen prepare` and `textgen corpora` as a person at a shell meets them."""

from support import one_line_error, run_textgen


def test_prepare_says_what_a_person_wants_to_know(tmp_path):
    text = "ab\n" * 500 + "\x1b\ufffd我\n"
    done = run_textgen("prepare", "-", "--out", tmp_path / "data", input=text)
    assert done.returncode == 0 and done.stdout == ""
    assert "1,504 characters, 6 distinct, from 1 source" in done.stderr
    assert "train 1,353, validation 151 (tail)" in done.stderr
    assert "rarest: U+001B 1, '我' 1, U+FFFD 1" in done.stderr
    assert "odd: U+001B 1, U+FFFD 1" in done.stderr


def test_prepare_tells_the_size_of_a_test_part_and_refuses_one_that_leaves_too_little(tmp_path):
    done = run_textgen("prepare", "-", "--out", tmp_path / "data", "--test", "0.2", input="ab\n" * 500)
    assert "train 1,050, validation 150, test 300 (tail)" in done.stderr
    many = ("prepare", "-", "--validation", "0.4", "--test", "0.6", "--out", tmp_path / "other")
    error = one_line_error(run_textgen(*many, input="ab\n"), 2)
    assert "test: Expected at most 0.9 together with validation, got 0.6 and 0.4" in error
    few = ("prepare", "-", "--test", "0.01", "--out", tmp_path / "other")
    assert "the test part has 15 characters" in one_line_error(run_textgen(*few, input="ab\n" * 500), 1)


def test_prepare_reuses_the_vocabulary_of_a_run(run_path, tmp_path):
    done = run_textgen("prepare", "-", "--out", tmp_path / "a", "--vocabulary", run_path, input="fox\n" * 300)
    assert done.returncode == 0, done.stderr
    same = [(path / "vocabulary.json").read_text() for path in (tmp_path / "a", run_path)]
    assert same[0] == same[1]


def test_the_shipped_corpora_are_listed():
    done = run_textgen("corpora")
    names = [line.split(" ")[0] for line in done.stdout.splitlines()]
    assert names == ["corpus", "@dinosaurs", "@fables", "@yuanye", "", "model", "@english"]


def test_byte_order_marks_of_joined_files_are_left_out_and_counted(tmp_path):
    text = "\ufeffIt was the mill of France.\n" * 60 + "a \ufeff within\n"
    done = run_textgen("prepare", "-", "--out", tmp_path / "data", input=text)
    assert done.returncode == 0
    assert "60 byte order marks (U+FEFF) left out at the start of files or lines" in done.stderr
    assert "odd: U+FEFF 1" in done.stderr


def test_a_text_of_two_words_goes_all_the_way(tmp_path):
    done = run_textgen("prepare", "-", "--out", tmp_path / "data", input="Hello world!")
    assert done.returncode == 0 and "train 13, validation 0" in done.stderr
    assert "too short to hold out a part of it: all of the text trains, and nothing validates" in done.stderr
    done = run_textgen(
        "train", tmp_path / "data", "--out", tmp_path / "run", "--cell", "rnn", "--units", "8", "--steps", "2"
    )
    assert done.returncode == 0, done.stderr
    assert "only 13 characters: batch size 16 -> 1, window 64 -> 12" in done.stderr
    assert run_textgen("sample", tmp_path / "run", "-l", "5").returncode == 0
    refused = run_textgen("prepare", "-", "--out", tmp_path / "one", input="a")
    assert "holds one character; expected two or more" in one_line_error(refused, 1)
