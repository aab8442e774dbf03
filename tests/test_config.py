"""Settings: declared once, checked everywhere."""

import string
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from textgen.config import ModelConfig, PrepareConfig, SampleConfig, TrainConfig, build, read_toml
from textgen.errors import ConfigError

CONFIGS = Path(__file__).parent.parent / "configs"
KINDS = (ModelConfig, TrainConfig)


@pytest.mark.parametrize("path", sorted(CONFIGS.glob("*.toml")), ids=lambda path: path.stem)
def test_presets_are_usable_and_say_what_was_measured(path):
    read_toml(path, KINDS)
    comment = path.read_text().split("\n\n", 1)[0]
    assert "bpc" in comment and ("minutes" in comment or " s " in comment)


def test_the_base_preset_is_the_defaults():
    values = read_toml(CONFIGS / "base.toml", KINDS)
    model = {k: v for k, v in values.items() if k in ModelConfig.__struct_fields__}
    train = {k: v for k, v in values.items() if k not in model}
    assert build(ModelConfig, model) == ModelConfig()
    assert build(TrainConfig, train).end_minutes == TrainConfig().end_minutes
    assert {k: v for k, v in values.items() if k != "minutes"} == {
        name: getattr(kind(), name)
        for kind in KINDS
        for name in kind.__struct_fields__
        if name in values and name != "minutes"
    }


def test_the_textbook_preset_is_the_textbooks():
    values = read_toml(CONFIGS / "classic.toml", KINDS)
    assert (values["cell"], values["num_layers"], values["units"]) == ("lstm", 1, 128)
    assert (values["batch_size"], values["epochs"]) == (32, 100)


@pytest.mark.parametrize("kind", [PrepareConfig, ModelConfig, TrainConfig, SampleConfig])
def test_unknown_names_are_answered_with_the_nearest(kind):
    for name in kind.__struct_fields__:
        with pytest.raises(ConfigError, match=rf"unknown setting '{name}_x'; did you mean '{name}'"):
            build(kind, {f"{name}_x": 1})


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"units": "many"}, "units: Expected `?int`?, got `?str"),
        ({"units": 0}, "units: Expected int >= 1, got 0"),
        ({"units": True}, "units"),
        ({"dropout": float("nan")}, "dropout: Expected float >= 0.0, got nan"),
        ({"dropout": 1e308}, "dropout: Expected float <= 0.95, got 1e"),
        ({"cell": "transformer"}, "cell: Expected lstm, gru or rnn, got 'transformer'"),
    ],
)
def test_values_out_of_range_are_refused_by_name(values, message):
    with pytest.raises(ConfigError, match=message):
        build(ModelConfig, values)


@pytest.mark.parametrize(
    "value", ["", "5", "5min", "steps", "-5steps", "5.5steps", "1e3steps", "5steps\n", "9" * 13 + "steps"]
)
def test_a_time_between_checkpoints_is_minutes_or_steps(value):
    assert build(TrainConfig, {"checkpoint_every": 0.5}).checkpoint_steps is None
    assert build(TrainConfig, {"checkpoint_every": "500steps"}).checkpoint_steps == 500
    with pytest.raises(ConfigError, match="checkpoint_every: Expected minutes, as in 2, or steps, as in 500steps"):
        build(TrainConfig, {"checkpoint_every": value})


SCALARS = st.one_of(st.integers(), st.floats(), st.text(), st.booleans(), st.none(), st.lists(st.integers()))


@given(st.dictionaries(st.sampled_from(TrainConfig.__struct_fields__), SCALARS))
def test_any_values_build_or_are_refused(values):
    try:
        build(TrainConfig, values)
    except ConfigError as error:
        assert "\n" not in str(error)


@given(st.text(string.printable))
def test_any_toml_reads_or_is_refused(tmp_path_factory, text):
    path = tmp_path_factory.mktemp("toml") / "any.toml"
    path.write_text(text)
    try:
        read_toml(path, KINDS)
    except ConfigError as error:
        assert str(path) in str(error)
