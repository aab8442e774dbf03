"""`textgen info` and `textgen runs` as a person at a shell meets them."""

import json

from support import one_line_error, run_textgen


def test_info_and_runs_tell_what_there_is(run_path):
    assert "lstm 1x24" in run_textgen("info", run_path).stdout
    assert json.loads(run_textgen("info", run_path, "--json").stdout)["model"]["units"] == 24
    assert str(run_path) in run_textgen("runs", run_path.parent).stdout
    assert "no run in it" in one_line_error(run_textgen("runs", run_path / "events"), 1)
