"""Completion in the shell."""

import pytest
from support import environment, few, run_textgen


@pytest.mark.parametrize("shell", few(["bash", "zsh", "fish"]))
def test_completion_scripts_are_printed(shell):
    assert "_TEXTGEN_COMPLETE" in run_textgen("completion", shell).stdout


@pytest.mark.parametrize(
    ("words", "expected"),
    few(
        [
            ("textgen sample runs/fox --checkpoint l", "last"),
            ("textgen sa", "sample"),
            ("textgen sample ru", "runs/fox"),
        ],
    ),
)
def test_commands_runs_and_checkpoints_are_completed(run_path, tmp_path, words, expected):
    (tmp_path / "runs").mkdir()
    (tmp_path / "runs" / "fox").symlink_to(run_path)
    variables = {"COMP_WORDS": words, "COMP_CWORD": str(len(words.split()) - 1)}
    done = run_textgen(cwd=tmp_path, env=environment(_TEXTGEN_COMPLETE="bash_complete", **variables))
    assert [line.split(",", 1)[1] for line in done.stdout.splitlines()] == [expected]
