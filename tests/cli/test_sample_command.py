"""`textgen sample` as a person at a shell meets it."""

import contextlib
import json
import os
import pty
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from support import SETTINGS, environment, one_line_error, run_textgen

# a cell that compiles in half of the time that an LSTM takes
SIMPLE = [*SETTINGS, "--cell", "rnn"]


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
    assert run_textgen("train", tmp_path / "d", "--out", tmp_path / "r", *SIMPLE, "--steps", "2").returncode == 0
    variables = environment(LC_ALL="C", PYTHONIOENCODING="ascii")
    done = run_textgen("sample", tmp_path / "r", "-s", "我爱你", "-l", "9", env=variables, text=False)
    assert done.stdout.decode("utf-8").startswith("我爱你"), done.stderr


def test_samples_are_lines_of_json(run_path):
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
    assert "give only one of" in one_line_error(both, 2)


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
    assert run_textgen("train", tmp_path / "d", "--out", tmp_path / "r", *SIMPLE, "--steps", "2").returncode == 0
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


def test_a_terminal_shows_how_much_of_a_long_seed_has_been_read(run_path, tmp_path):
    (tmp_path / "long").write_text("the quick brown fox " * 2000)
    (tmp_path / "short").write_text("the quick brown fox ")

    def written(name):
        main, terminal = pty.openpty()
        command = [sys.executable, "-m", "textgen", "sample", run_path, "--seed-file", tmp_path / name, "-l", "5"]
        done = subprocess.run([*map(str, command)], stdout=subprocess.PIPE, stderr=terminal, check=True)
        os.close(terminal)
        shown = b""
        with contextlib.suppress(OSError):  # the terminal's other end is closed
            while piece := os.read(main, 65536):
                shown += piece
        os.close(main)
        return done.stdout, shown

    text, shown = written("long")
    assert text.startswith(b"the quick") and b"reading the seed text" in shown
    assert written("short")[1] == b""
    done = run_textgen("sample", run_path, "--seed-file", tmp_path / "long", "-l", "5")
    assert done.stderr == ""
