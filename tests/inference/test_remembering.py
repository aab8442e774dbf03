"""What a memory makes of samples and scores, on a run that a person might have."""

import json

import numpy as np
import pytest
from support import few, one_line_error, run_textgen, textgen_done

import textgen
from textgen.config import LONGEST_MEMORY, SampleConfig
from textgen.data.evaluation import STREAM_LENGTH
from textgen.inference.score import LONGEST_TOGETHER, mean_bits

PEOPLE = """Marvino the toad lived beside the old mill, and Belissa the hen lived above it.

"Good morning, Marvino," said Belissa. "Will you come to the market?"

"I will come, Belissa," said Marvino. And so Marvino and Belissa went down to the market.

"""


@pytest.fixture(scope="module")
def fables_run(made_once):
    """Counts of the fables, beside a network that has hardly learned."""

    corpus = made_once("corpus/fables", lambda path: textgen_done("prepare", "@fables", "--out", path))
    shape = ("--cell", "rnn", "--units", 32, "--batch-size", 16, "--seq-length", 32)
    arguments = ("train", corpus, *shape, "--steps", 150, "--validations", 1)
    return made_once("run/fables", lambda path: textgen_done(*arguments, "--out", path))


@pytest.fixture(scope="module")
def model(fables_run):
    return textgen.load(fables_run)


def samples(model, seed_texts, **settings):
    config = SampleConfig(length=1500, rng_seed=1, **settings)
    texts = [""] * len(seed_texts)
    for sample, piece in model.write(seed_texts, config):
        texts[sample.index] += piece
    return texts


@pytest.mark.parametrize(("memory", "times"), few([(None, 5), (1000, 1)]))
def test_names_that_the_corpus_lacks_come_back(model, memory, times):
    def back(memory):
        texts = samples(model, [PEOPLE] * 8, memory=memory)
        return sum("Marvino" in text or "Belissa" in text for text in texts)

    assert back(memory) >= times
    assert back(0) == 0


def test_a_sample_has_the_same_bits_in_any_company(model):
    seeds = [PEOPLE, "", "The heron", PEOPLE + "Marvino"]
    for memory in (None, 300):
        together = samples(model, seeds, memory=memory)
        alone = list(model.write(seeds[2:3], SampleConfig(length=1500, rng_seed=1, memory=memory), 2))
        assert together[2] == "".join(piece for _, piece in alone)


def test_without_a_seed_text_nothing_is_remembered_by_default(model):
    assert samples(model, [""]) == samples(model, [""], memory=0) != samples(model, [""], memory=1000)


def test_a_memory_makes_what_comes_again_less_surprising(fables_run, tmp_path):
    (tmp_path / "text").write_text(PEOPLE)
    plain, remembered = (
        [json.loads(line)["bits"] for line in run_textgen(*command).stdout.splitlines()]
        for command in (
            ("score", fables_run, "--chars", tmp_path / "text"),
            ("score", fables_run, "--chars", "--memory", 1000, tmp_path / "text"),
        )
    )
    first, second = PEOPLE.index("Belissa") + 1, PEOPLE.index("Belissa", 50) + 3
    assert remembered[first : first + 6] == pytest.approx(plain[first : first + 6], abs=0.5)
    assert sum(remembered[second : second + 6]) < sum(plain[second : second + 6]) / 4
    page = tmp_path / "page.html"
    textgen_done("surprise", fables_run, tmp_path / "text", "--memory", 1000, "--out", page)
    assert "Belissa" not in page.read_text() and f"{sum(remembered) / len(remembered):.3f} bits" in page.read_text()


def test_every_way_to_score_a_text_agrees(fables_run, model, tmp_path):
    text = PEOPLE * 2
    (tmp_path / "text").write_text(text)
    command = ("score", fables_run, "--memory", 500, tmp_path / "text")
    total = float(run_textgen(*command).stdout)
    characters = [json.loads(line)["bits"] for line in run_textgen(*command, "--chars").stdout.splitlines()]
    assert sum(characters) / len(text) == pytest.approx(total, abs=2e-3)
    lines = [float(line.split("\t")[0]) for line in run_textgen(*command, "--lines").stdout.splitlines()]
    middle = len(lines) // 2
    # each line starts with an empty memory
    assert lines[:middle] == pytest.approx(lines[middle:], abs=1e-3)


@pytest.mark.thorough
def test_streams_of_a_long_text_have_their_own_memories(model, monkeypatch):
    rng = np.random.default_rng(0)
    ids = rng.integers(0, len(model.vocabulary), 2 * STREAM_LENGTH)
    remembering = model.remembering(1000)
    together = mean_bits(remembering, ids)
    monkeypatch.setattr("textgen.inference.score.LONGEST_TOGETHER", STREAM_LENGTH)
    assert mean_bits(remembering, ids) == pytest.approx(together, abs=0.05)
    assert len(ids) < LONGEST_TOGETHER


def test_the_validation_part_is_less_surprising_to_a_memory(fables_run):
    plain, remembered = (
        float(run_textgen("score", fables_run, "--split", "validation", "--memory", memory).stdout)
        for memory in (0, 1000)
    )
    assert remembered < plain - 0.05


def test_a_beam_remembers(model):
    texts = {
        memory: "".join(piece for _, piece in model.write([PEOPLE], SampleConfig(length=60, beam=3, memory=memory)))
        for memory in (0, None, 1000)
    }
    assert texts[0] != texts[None]
    assert texts[0] != texts[1000]


def test_a_run_without_counts_remembers_too(run_path):
    bare = textgen.load(run_path)
    assert samples(bare, ["zed vexed a lazy gnu. zed vexed a lazy gnu.\n"], memory=1000)[0]


@pytest.mark.parametrize("value", ["-1", str(LONGEST_MEMORY + 1), "x"])
def test_a_memory_out_of_range_is_refused(fables_run, value):
    for command in ("sample", "score"):
        assert "--memory" in one_line_error(run_textgen(command, fables_run, "--memory", value), 2)


def test_odd_seed_texts_are_remembered(model):
    for seed in ("a" * 3000, "\n" * 50, "Marvino", " ", "BAB BAB BAB " * 40):
        assert len(samples(model, [seed], memory=50)[0]) == 1500
