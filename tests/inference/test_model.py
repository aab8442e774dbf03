"""What a model gives from Python: texts for one seed and many, scores, surprises, and what it expects."""

import math

import numpy as np
import pytest
from support import TEXT, run_textgen

import textgen

LINE = "the quick brown fox jumps over the lazy dog."


@pytest.fixture(scope="module")
def model(run_path):
    return textgen.load(run_path)


def test_one_seed_gives_a_text_and_many_give_a_list(model):
    settings = {"length": 20, "rng_seed": 3}
    one = model.generate("the ", **settings)
    assert isinstance(one, str) and model.generate(["the "], **settings) == [one]
    assert model.generate("the ", samples=1, **settings) == [one]
    several = model.generate(["the ", "dog"], samples=2, **settings)
    assert [text[:3] for text in several] == ["the", "the", "dog", "dog"] and several[0] == one
    assert several[:2] == model.generate("the ", samples=2, **settings)
    assert model.generate((seed for seed in ["the "]), **settings) == [one]
    assert "".join(model.stream("the ", **settings)) == one


def test_more_seeds_than_are_read_side_by_side_keep_their_order(model):
    seeds = [f"{word} " for word in LINE.split()] * 10
    texts = model.generate(seeds, length=2, rng_seed=0)
    assert [text[:-2] for text in texts] == seeds


def test_a_score_is_that_of_the_command(model, run_path):
    for memory in (0, 1000):
        done = run_textgen("score", run_path, "--memory", memory, input=TEXT)
        assert f"{model.score(TEXT, memory=memory):.4f}\n" == done.stdout
    lines = [LINE, "dog quick. the lazy over", ""]
    done = run_textgen("score", run_path, "--lines", input="".join(f"{line}\n" for line in lines))
    bits = model.score(lines)
    assert bits.shape == (3,) and "".join(f"{b:.4f}\t{t}\n" for b, t in zip(bits, lines, strict=True)) == done.stdout
    for options, settings in (((), {}), (("--characters", 100), {"characters": 100})):
        done = run_textgen("score", run_path, "--split", "train", *options)
        assert f"{model.score(split='train', **settings):.4f}\n" == done.stdout


def test_workers_share_texts_and_lines(model):
    seeds = ["the ", "dog", "fox "]
    alone = model.generate(seeds, length=20, rng_seed=3, samples=2)
    assert model.generate(seeds, length=20, rng_seed=3, samples=2, workers=2) == alone
    assert model.generate("the ", length=20, rng_seed=3, workers=2) == alone[0]
    lines = [LINE, "dog quick. the lazy over", ""]
    assert model.score(lines, workers=2) == pytest.approx(model.score(lines), abs=1e-5)


def test_a_text_is_read_as_the_corpus_was_and_a_seed_text_stays_as_it_is(model):
    given = "\ufeffthe quick\r\nbrown"
    assert (
        model.generate(given, length=9, rng_seed=0)
        == given + model.generate("the quick\nbrown", length=9, rng_seed=0)[15:]
    )
    assert model.score(given) == model.score("the quick\nbrown")
    assert model.likeliest(given) == model.likeliest("the quick\nbrown")
    assert "".join(model.surprise(given).characters) == "the quick\nbrown"


def test_surprises_are_arrays_that_agree_with_the_score(model):
    told = model.surprise(LINE + "\n", k=4)
    assert "".join(told.characters) == LINE + "\n" and told.likeliest.shape == (len(told), 4) == (45, 4)
    assert told.bits_per_character == pytest.approx(model.score(LINE + "\n"), abs=1e-4)
    assert told.likeliest[5, 0] == "u" and told.bits[5] < 1 < model.surprise("the zuick").bits[4]
    again = model.surprise(LINE * 3, memory=1000)
    assert again.bits[2 * len(LINE) :].sum() < model.surprise(LINE * 3).bits[2 * len(LINE) :].sum()
    empty = model.surprise("")
    assert len(empty) == 0 and empty.likeliest.shape == (0, 3) and math.isnan(empty.bits_per_character)


def test_the_likeliest_characters_come_with_their_probabilities(model):
    (first, chance), *others = model.likeliest("the q", k=5)
    assert first == "u" and 0.5 < chance <= 1 and len(others) == 4
    assert -math.log2(chance) == pytest.approx(model.surprise("the qu").bits[-1], abs=1e-4)
    every = model.likeliest("the q", k=1000)
    assert sum(chance for _, chance in every) == pytest.approx(1) and len(every) == len(model.vocabulary)


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda m: m.score(""), textgen.TextError, "text: empty"),
        (lambda m: m.score([]), textgen.TextError, "an empty list"),
        (lambda m: m.score(["a", None]), textgen.TextError, "number 2 is None"),
        (lambda m: m.score(3), textgen.TextError, "text: 3; expected a text"),
        (lambda m: m.score(), textgen.ConfigError, "give a text or split"),
        (lambda m: m.score("a", split="test"), textgen.ConfigError, "give a text or split"),
        (lambda m: m.score("a", characters=5), textgen.ConfigError, "characters: goes with split"),
        (lambda m: m.score(split="train", characters=0), textgen.ConfigError, "characters: 0; expected a whole"),
        (lambda m: m.score("a", workers=2), textgen.ConfigError, "workers: shares out lines"),
        (lambda m: m.score(["a"], workers=-1), textgen.ConfigError, "workers: Expected 0"),
        (lambda m: m.score(split="tset"), textgen.ConfigError, "'tset'; expected train, validation or test"),
        (lambda m: m.score(split="test"), textgen.RunError, "has no test part"),
        (lambda m: m.score("thé"), textgen.TextError, "does not know 'é'"),
        (lambda m: m.score("the", temperature=1), textgen.ConfigError, "unknown setting 'temperature'"),
        (lambda m: m.generate([]), textgen.TextError, "seed_text: an empty list"),
        (lambda m: m.generate([1, 2]), textgen.TextError, "seed_text: number 1 is 1; expected a text"),
        (lambda m: m.generate(None), textgen.TextError, "seed_text: None"),
        (lambda m: m.generate("a", samples=0), textgen.ConfigError, "samples"),
        (lambda m: m.surprise(None), textgen.TextError, "number 1 is None"),
        (lambda m: m.surprise("a", k=0), textgen.ConfigError, "k: 0; expected a whole number"),
        (lambda m: m.likeliest("a", k=1.5), textgen.ConfigError, "k: 1.5"),
    ],
)
def test_a_mistake_is_one_line(model, call, error, message):
    with pytest.raises(error, match=message) as raised:
        call(model)
    assert "\n" not in str(raised.value)


def test_zero_bytes_are_characters_like_others(tmp_path):
    (tmp_path / "text").write_bytes(b"a\0b\0\n" * 200)
    corpus = textgen.prepare(tmp_path / "text", tmp_path / "data", encoding="utf-8")
    textgen.train(corpus, tmp_path / "run", cell="rnn", units=8, recurrent_dropout=0.0, steps=2, validations=1)
    told = textgen.load(tmp_path / "run").surprise("a\0b")
    assert told.characters.tolist() == ["a", "\0", "b"] and np.isfinite(told.bits).all()
