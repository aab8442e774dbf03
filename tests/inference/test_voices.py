"""Two models that write one text."""

import json

import numpy as np
import pytest
from support import SETTINGS, one_line_error, run_textgen, textgen_done

import textgen
from textgen.config import SampleConfig
from textgen.inference.sampling import log_probabilities


@pytest.fixture(scope="module")
def other_path(made_once):
    """A small model of another sentence, with some characters of its own and document ends."""

    def make(path):
        text = path.with_name("other.txt")
        text.write_text("A quick, brown hare trots over 3 dogs.\n" * 60)
        textgen_done("prepare", text, "--document-end", "--out", path.with_name("other"))
        small = ("--cell", "rnn", *SETTINGS, "--steps", "60")
        textgen_done("train", path.with_name("other"), "--out", path, *small)

    return made_once("voices/run", make)


def chances(model, text) -> dict[str, float]:
    """The probabilities of what follows a text, by character."""
    logits, _ = model.predictor.read([model.ids(text)])
    return dict(zip(model.vocabulary.idx2char, np.exp(log_probabilities(logits.astype(float)))[0], strict=True))


@pytest.mark.parametrize("share", [0.0, 0.4, 1.0])
def test_the_probabilities_of_the_next_character_are_multiplied(run_path, other_path, share):
    models = textgen.load(run_path), textgen.load(other_path)
    for ours, theirs in (models, models[::-1]):
        first, second = chances(ours, "the quick "), chances(theirs, "the quick ")
        products = {c: p ** (1 - share) * second[c] ** share for c, p in first.items() if c in second}
        left = sum(first[c] for c in products) / sum(products.values())
        expected = [products[c] * left if c in products else p for c, p in first.items()]
        found = chances(ours.with_voice(theirs, share), "the quick ")
        assert np.allclose(list(found.values()), expected, atol=1e-5) and found.keys() == first.keys()
        assert abs(sum(found.values()) - 1) < 1e-9


def test_the_command_writes_what_python_writes_alone_or_among_many(run_path, other_path):
    model = textgen.load(run_path).with_voice(textgen.load(other_path), 0.4)
    done = run_textgen(
        *(
            "sample",
            run_path,
            "--with",
            other_path,
            "--share",
            0.4,
            "-s",
            "the ",
            "-l",
            60,
            "--rng-seed",
            1,
            "-n",
            3,
            "--json",
        )
    )
    texts = [json.loads(line)["text"] for line in done.stdout.splitlines()]
    assert texts[0] == model.generate("the ", length=60, rng_seed=1)[4:]
    config = SampleConfig(length=60, rng_seed=1)
    assert texts == ["".join(model.stream("the ", config, i))[4:] for i in range(3)]


def test_a_model_beside_itself_writes_as_it_does_alone(run_path):
    model = textgen.load(run_path)
    settings = {"length": 200, "rng_seed": 2, "temperature": 1.0}
    for memory in (0, None, 100):
        alone = model.generate("the quick brown ", memory=memory, **settings)
        assert model.with_voice(model).generate("the quick brown ", memory=memory, **settings) == alone
    assert model.with_voice(model).generate(beam=3, length=40) == model.generate(beam=3, length=40)


def test_what_does_not_go_is_refused_in_one_line(run_path, tmp_path):
    model = textgen.load(run_path)
    for share in (-0.1, 1.5, float("nan")):
        with pytest.raises(textgen.ConfigError, match="share: Expected a number from 0 to 1, got"):
            model.with_voice(model, share)
    assert "--share" in one_line_error(run_textgen("sample", run_path, "--with", run_path, "--share", "2"), 2)
    assert "give that with --with" in one_line_error(run_textgen("sample", run_path, "--share", "0.4"), 2)
    assert "none" in one_line_error(run_textgen("sample", run_path, "--with", tmp_path / "none"), 1)
