"""The commands as a person at a shell meets them, each in a process of its own."""

import os
import pty
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from conftest import SETTINGS, run_textgen

LIGHT = {"tensorflow", "keras", "rich", "h5py", "pandas", "hypothesis"}
ENVIRONMENT = {**os.environ, "NO_COLOR": "1"}


def one_line_error(done, code) -> str:
    """The message of a refusal: one line on standard error, nothing on standard output."""
    assert done.returncode == code, done.stderr
    assert done.stdout == ""
    assert done.stderr.startswith("textgen: error: ") and done.stderr.count("\n") == 1
    return done.stderr


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


def test_without_a_command_help_is_shown():
    done = run_textgen()
    assert done.returncode == 2
    assert "Commands:" in done.stdout + done.stderr


def test_prepare_says_what_a_person_wants_to_know(tmp_path):
    text = "ab\n" * 500 + "\x1b\ufffd我\n"
    done = run_textgen("prepare", "-", "--out", tmp_path / "data", input=text)
    assert done.returncode == 0 and done.stdout == ""
    assert "1,504 characters, 6 distinct, from 1 source" in done.stderr
    assert "train 1,353, validation 151 (tail)" in done.stderr
    assert "rarest: U+001B 1, '我' 1, U+FFFD 1" in done.stderr
    assert "odd: U+001B 1, U+FFFD 1" in done.stderr


def test_prepare_reuses_the_vocabulary_of_a_run(run_path, tmp_path):
    done = run_textgen("prepare", "-", "--out", tmp_path / "a", "--vocabulary", run_path, input="fox\n" * 300)
    assert done.returncode == 0, done.stderr
    same = [(path / "vocabulary.json").read_text() for path in (tmp_path / "a", run_path)]
    assert same[0] == same[1]


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


def test_a_run_that_exists_is_not_overwritten(corpus_path, run_path):
    before = (run_path / "run.json").read_bytes()
    assert "--resume" in one_line_error(run_textgen("train", corpus_path, "--out", run_path), 1)
    assert (run_path / "run.json").read_bytes() == before


def test_settings_come_from_flag_environment_file_default_in_this_order(corpus_path, tmp_path):
    (tmp_path / "a.toml").write_text("units = 5\nembedding_dim = 6\nseq_length = 7\nbatch_size = 2\n")
    environment = {**ENVIRONMENT, "TEXTGEN_TRAIN_EMBEDDING_DIM": "8", "TEXTGEN_TRAIN_SEQ_LENGTH": "9"}
    done = run_textgen(
        *("train", corpus_path, "--out", "run", "--config", "a.toml", "--seq-length", "10", "--steps", "1"),
        cwd=tmp_path,
        env=environment,
    )
    assert done.returncode == 0, done.stderr
    from textgen.config import ModelConfig
    from textgen.run import Run

    info = Run(tmp_path / "run").load_info()
    assert (info.model.units, info.model.embedding_dim, info.train.seq_length) == (5, 8, 10)
    assert info.model.cell == ModelConfig().cell


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
    environment = {**ENVIRONMENT, **({variable: "x"} if variable else {})}
    done = run_textgen(*("train", corpus_path, "--out", "run", "--config", "a.toml"), cwd=tmp_path, env=environment)
    assert message in one_line_error(done, 2)


def test_training_shows_a_table_and_no_noise(corpus_path, tmp_path):
    done = run_textgen("train", corpus_path, "--out", tmp_path / "run", *SETTINGS, "--steps", "40")
    assert done.returncode == 0 and done.stdout == ""
    reason, *lines = done.stderr.splitlines()
    assert reason.startswith("textgen: for 2,430 characters")
    assert " ".join(lines[0].split()) == "step epoch train bpc validation bpc characters/s time left"
    assert lines[-1].startswith("textgen: 40 steps in ") and lines[-1].endswith(f"textgen sample {tmp_path}/run")
    noise = [line for line in lines[1:-1] if not (line.lstrip()[:1].isdigit() or line.lstrip().startswith("|"))]
    assert not noise


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_saves_the_run_and_names_the_way_on(corpus_path, tmp_path, number, code):
    command = [
        str(sys.executable),
        "-m",
        "textgen",
        "train",
        corpus_path,
        "--out",
        tmp_path / "run",
        *SETTINGS,
    ]
    process = subprocess.Popen(map(str, command), stderr=subprocess.PIPE, text=True)
    assert process.stderr.readline().startswith("textgen: for")
    assert process.stderr.readline().split()[0] == "step"
    process.send_signal(number)
    _, rest = process.communicate(timeout=60)
    assert process.returncode == code
    assert rest.splitlines()[-1].endswith(f"go on with: textgen train --resume {tmp_path / 'run'}")
    assert run_textgen("sample", tmp_path / "run", "--checkpoint", "last", "-l", "5").returncode == 0


def test_a_sample_is_all_that_standard_output_holds(run_path):
    done = run_textgen("sample", run_path, "-s", "the quick", "-l", "34", "-t", "0")
    assert done.stdout == "the quick brown fox jumps over the lazy dog\n"
    assert done.stderr == ""


def test_samples_are_separated_and_repeat_with_a_seed(run_path):
    arguments = ("sample", run_path, "-n", "3", "-l", "20", "-t", "2", "--rng-seed", "1")
    first, second = run_textgen(*arguments), run_textgen(*arguments)
    assert first.stdout == second.stdout
    assert run_textgen(*arguments[:-1], "2").stdout != first.stdout


def test_unknown_characters_of_a_seed_are_named_or_left_out(run_path):
    message = one_line_error(run_textgen("sample", run_path, "-s", "the 我"), 1)
    assert "'我' (U+6211, at 4)" in message and "--unknown skip" in message
    done = run_textgen("sample", run_path, "-s", "the 我", "--unknown", "skip", "-l", "0")
    assert done.stdout == "the \n"


def test_a_reader_that_has_seen_enough_ends_the_sample_quietly(run_path):
    textgen = f"{sys.executable} -m textgen"
    shell = f"set -o pipefail; {textgen} sample {run_path} -l 1000000 | head -c 100"
    done = subprocess.run(["bash", "-c", shell], capture_output=True, check=False)
    assert (done.returncode, len(done.stdout), done.stderr) == (0, 100, b"")


def test_output_is_utf8_in_any_locale(tmp_path):
    text = "我爱你，你也爱我。\n" * 100
    assert run_textgen("prepare", "-", "--out", tmp_path / "d", input=text).returncode == 0
    assert run_textgen("train", tmp_path / "d", "--out", tmp_path / "r", *SETTINGS, "--steps", "2").returncode == 0
    environment = {**ENVIRONMENT, "LC_ALL": "C", "PYTHONIOENCODING": "ascii"}
    done = run_textgen("sample", tmp_path / "r", "-s", "我爱你", "-l", "9", env=environment, text=False)
    assert done.stdout.decode("utf-8").startswith("我爱你"), done.stderr


def test_on_a_terminal_training_has_a_live_line_80_columns_wide(corpus_path, tmp_path):
    main, terminal = pty.openpty()
    command = [sys.executable, "-m", "textgen", "train", corpus_path, "--out", tmp_path / "run"]
    environment = {**os.environ, "TERM": "xterm", "COLUMNS": "80"}
    process = subprocess.Popen([*map(str, command), *SETTINGS, "--steps", "200"], stderr=terminal, env=environment)
    os.close(terminal)
    shown = b""
    end = time.monotonic() + 120
    while time.monotonic() < end:
        try:
            shown += os.read(main, 65536)
        except OSError:
            break
    assert process.wait() == 0
    assert b"compiling" in shown and b"training" in shown and b"validation bpc" in shown


def test_the_demonstration_shows_each_command_and_leaves_a_run(tmp_path):
    done = run_textgen("demo", "--minutes", "0.02", "--corpus", "yuanye", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    shown = [line for line in done.stderr.splitlines() if line.startswith("$ textgen")]
    assert [line.split()[2] for line in shown] == ["prepare", "train", "sample", "sample"]
    assert done.stdout.startswith("我爱你")
    run = tmp_path / "textgen-demo" / "runs" / "yuanye"
    assert run_textgen("sample", run, "-l", "9", "-s", "春天").stdout.startswith("春天")
    again = run_textgen("demo", "--minutes", "0.02", "--corpus", "yuanye", cwd=tmp_path)
    assert again.returncode == 0 and "yuanye-2" in again.stderr


def test_the_shipped_corpora_are_listed():
    done = run_textgen("corpora")
    assert [line.split()[0] for line in done.stdout.splitlines()] == [
        "name",
        "@dinosaurs",
        "@fables",
        "@yuanye",
    ]


def test_samples_are_lines_of_json(run_path):
    import json

    done = run_textgen("sample", run_path, "-s", "the", "-n", "2", "-l", "9", "--json", "--rng-seed", "4")
    first, second = map(json.loads, done.stdout.splitlines())
    assert first["seed_text"] == "the" and first["rng_seed"] == 4 and first["ending"] == "length"
    assert (first["sample"], second["sample"]) == (0, 1)
    assert first["characters"] == len(first["text"]) == 9 and first["bits_per_character"] >= 0


def test_separators_stand_between_samples(run_path):
    arguments = ("sample", run_path, "-s", "x", "-l", "0", "-n", "2")
    assert run_textgen(*arguments).stdout == "x\n\nx\n"
    assert run_textgen(*arguments, "--separator", "--").stdout == "x\n--\nx\n"
    lines = run_textgen("sample", run_path, "-s", "the quick", "-n", "3", "--until-line", "-t", "0").stdout
    assert lines == "the quick brown fox jumps over the lazy dog.\n" * 3


def test_a_seed_comes_from_a_file_or_standard_input(run_path, tmp_path):
    (tmp_path / "seed").write_text("the quick")
    expected = "the quick brown\n"
    arguments = ("sample", run_path, "-t", "0", "-l", "6")
    assert run_textgen(*arguments, "--seed-file", tmp_path / "seed").stdout == expected
    assert run_textgen(*arguments, "--seed-file", "-", input="the quick").stdout == expected
    assert "none: cannot be read" in one_line_error(run_textgen(*arguments, "--seed-file", "none"), 1)
    (tmp_path / "seed").write_bytes(b"a\xff")
    assert "not UTF-8 at byte 1: ff" in one_line_error(run_textgen(*arguments, "--seed-file", tmp_path / "seed"), 1)
    both = run_textgen(*arguments, "-s", "a", "--seed-file", "-", input="b")
    assert "exclude one another" in one_line_error(both, 2)


def test_every_line_is_answered_as_it_comes(run_path):
    command = [sys.executable, "-m", "textgen", "sample", run_path, "--each-line", "--until-line", "-t", "0"]
    with subprocess.Popen(map(str, command), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        for seed, answer in [("the quick", " brown fox jumps over the lazy dog.\n"), ("the lazy", " dog.\n")]:
            process.stdin.write(f"{seed}\n")
            process.stdin.flush()
            assert process.stdout.readline() == seed + answer
        process.stdin.close()
        assert process.stdout.read() == "" and process.wait() == 0


def test_many_lines_are_answered_in_order(run_path):
    seeds = [f"the {'quick' if i % 2 else 'lazy'}" for i in range(150)]
    done = run_textgen(
        "sample", run_path, "--each-line", "-l", "3", "-t", "0", "--separator", "", input="\n".join(seeds)
    )
    assert [line for line in done.stdout.splitlines() if line] == [
        seed + (" br" if "quick" in seed else " do") for seed in seeds
    ]


def test_rules_that_leave_nothing_are_refused(run_path):
    done = run_textgen("sample", run_path, "--only", "我")
    assert "only, ban: no character" in one_line_error(done, 2)


def test_a_terminal_never_sees_a_control_character(tmp_path):
    text = "\x1b[2Jred\x1b[0m\n" * 100
    assert run_textgen("prepare", "-", "--out", tmp_path / "d", input=text).returncode == 0
    assert run_textgen("train", tmp_path / "d", "--out", tmp_path / "r", *SETTINGS, "--steps", "2").returncode == 0
    arguments = ("sample", tmp_path / "r", "-s", "\x1b[2J", "-l", "60", "--rng-seed", "1")
    assert "\x1b" in run_textgen(*arguments).stdout

    def on_a_terminal(*more):
        main, terminal = pty.openpty()
        subprocess.run([sys.executable, "-m", "textgen", *map(str, arguments), *more], stdout=terminal, check=True)
        os.close(terminal)
        return os.read(main, 65536)

    shown = on_a_terminal()
    assert b"\x1b" not in shown and "\ufffd[2J".encode() in shown
    assert b"\x1b[2J" in on_a_terminal("--raw")


def test_score_is_a_number_lines_or_characters(run_path, tmp_path):
    import json

    text = "the quick brown fox\njumps over\n\n"
    total = float(run_textgen("score", run_path, input=text).stdout)
    lines = [line.split("\t") for line in run_textgen("score", run_path, "--lines", input=text).stdout.splitlines()]
    assert [line for _, line in lines] == ["the quick brown fox", "jumps over", ""]
    (tmp_path / "text").write_text(text)
    done = run_textgen("score", run_path, "--chars", tmp_path / "text")
    characters = [json.loads(line) for line in done.stdout.splitlines()]
    assert "".join(c["character"] for c in characters) == text
    assert sum(c["bits"] for c in characters) / len(text) == pytest.approx(total, abs=1e-3)
    assert all(len(c["likeliest"]) == 3 for c in characters)


def test_score_of_the_runs_own_corpus_is_what_training_reported(run_path):
    from textgen.inference.overview import overview

    done = run_textgen("score", run_path, "--split", "validation")
    assert float(done.stdout) == pytest.approx(overview(run_path).validation_bpc, abs=1e-4)


def test_score_treats_unknown_characters_as_told_and_counts_them(run_path):
    assert "'é'" in one_line_error(run_textgen("score", run_path, input="thé é\n"), 1)
    done = run_textgen("score", run_path, "--lines", "--unknown", "skip", input="thé é\n")
    assert done.stdout.endswith("\tthé é\n") and done.stderr == "textgen: 2 unknown characters skipped\n"
    assert "no text" in one_line_error(run_textgen("score", run_path, input=""), 1)


def test_a_surprise_page_is_written_whole(run_path, tmp_path):
    done = run_textgen("surprise", run_path, "-", "--out", tmp_path / "page.html", input="the quick zz\n")
    assert done.returncode == 0 and done.stdout == ""
    page = (tmp_path / "page.html").read_text()
    assert page.startswith("<!doctype html>") and "bits; likeliest:" in page


def test_info_and_runs_tell_what_there_is(run_path):
    import json

    assert "lstm 1x24" in run_textgen("info", run_path).stdout
    assert json.loads(run_textgen("info", run_path, "--json").stdout)["model"]["units"] == 24
    assert str(run_path) in run_textgen("runs", run_path.parent).stdout
    assert "no run in it" in one_line_error(run_textgen("runs", run_path / "events"), 1)


def test_kept_checkpoints_can_be_sampled(corpus_path, tmp_path):
    arguments = ("--steps", "40", "--validations", "4", "--keep", "2")
    assert run_textgen("train", corpus_path, "--out", tmp_path / "r", *SETTINGS, *arguments).returncode == 0
    assert run_textgen("sample", tmp_path / "r", "--checkpoint", "30", "-l", "5").returncode == 0
    message = one_line_error(run_textgen("sample", tmp_path / "r", "--checkpoint", "20"), 1)
    assert "it has: best, last, 30, 40" in message
    assert "has no '../best'" in one_line_error(run_textgen("sample", tmp_path / "r", "--checkpoint", "../best"), 1)


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_scripts_are_printed(shell):
    assert "_TEXTGEN_COMPLETE" in run_textgen("completion", shell).stdout


@pytest.mark.parametrize(
    ("words", "expected"),
    [("textgen sa", "sample"), ("textgen sample ru", "runs/fox"), ("textgen sample runs/fox --checkpoint l", "last")],
)
def test_commands_runs_and_checkpoints_are_completed(run_path, tmp_path, words, expected):
    (tmp_path / "runs").mkdir()
    (tmp_path / "runs" / "fox").symlink_to(run_path)
    environment = {
        **ENVIRONMENT,
        "_TEXTGEN_COMPLETE": "bash_complete",
        "COMP_WORDS": words,
        "COMP_CWORD": str(len(words.split()) - 1),
    }
    done = run_textgen(cwd=tmp_path, env=environment)
    assert [line.split(",", 1)[1] for line in done.stdout.splitlines()] == [expected]


def test_a_misspelt_environment_variable_is_named_for_every_command(run_path):
    done = run_textgen("sample", run_path, env={**ENVIRONMENT, "TEXTGEN_SAMPLE_LENGHT": "5"})
    assert "unknown setting 'LENGHT'; did you mean 'LENGTH'?" in one_line_error(done, 2)
    done = run_textgen("sample", run_path, "-s", "the ", env={**ENVIRONMENT, "TEXTGEN_SAMPLE_LENGTH": "0"})
    assert done.stdout == "the \n"


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_a_full_disk_under_standard_output_is_one_line(run_path):
    with Path("/dev/full").open("wb") as full:
        command = [sys.executable, "-m", "textgen", "sample", str(run_path)]
        done = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, text=True, check=False)
    assert done.returncode == 1 and done.stderr == "textgen: error: standard output: No space left on device\n"


def test_ctrl_c_ends_a_sample_at_a_character(run_path):
    command = [sys.executable, "-m", "textgen", "sample", str(run_path), "-l", "100000000"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        process.stdout.read(1000)
        process.send_signal(signal.SIGINT)
        rest, error = process.communicate(timeout=30)
    assert process.returncode == 130 and error.strip() == b"textgen: error: interrupted"
    rest.decode("utf-8")


def test_a_reader_that_has_seen_enough_ends_every_listing_quietly(run_path):
    for arguments in (f"info {run_path}", "corpora", f"runs {run_path.parent}"):
        shell = f"set -o pipefail; {sys.executable} -m textgen {arguments} | true"
        done = subprocess.run(["bash", "-c", shell], capture_output=True, check=False)
        assert (done.returncode, done.stderr) == (0, b"")
