"""Fine-tuning: a run that begins with the weights of another, by character."""

import signal

import keras
import numpy as np
import pytest
from safetensors.numpy import load_file
from support import run_textgen

import textgen
from textgen.config import ModelConfig, PrepareConfig, TrainConfig
from textgen.data.corpus import Corpus
from textgen.data.prepare import prepare
from textgen.data.sources import find_sources
from textgen.data.vocabulary import Vocabulary
from textgen.errors import TextgenError
from textgen.runs.run import Run
from textgen.training import trainer


class StopAt(keras.callbacks.Callback):
    """Presses Ctrl-C after a step."""

    def __init__(self, step):
        super().__init__()
        self.step = step

    def on_train_batch_end(self, batch, logs=None):
        if batch + 1 == self.step:
            signal.raise_signal(signal.SIGINT)


STILL = TrainConfig(steps=1, learning_rate=0.0, averaging=0.0, batch_size=2, seq_length=8)
"""Settings that leave the weights as they begin."""


@pytest.fixture(scope="module")
def other(tmp_path_factory) -> Corpus:
    """A text with characters before, between and after those of the shared run."""
    folder = tmp_path_factory.mktemp("other")
    (folder / "text.txt").write_text("The QUICK brown fox: 爱爱爱.\n" * 40)
    return prepare(find_sources([str(folder / "text.txt")], []), folder / "corpus", PrepareConfig())


@pytest.mark.thorough
def test_characters_are_matched_by_character(other, run_path, tmp_path, reporter):
    trainer.train(other, tmp_path / "run", ModelConfig(), STILL, reporter, start_from=run_path)
    old, new = (load_file(Run(path).weights_path("best")) for path in (run_path, tmp_path / "run"))
    before, after = (Vocabulary.load(path).char2idx for path in (run_path, tmp_path / "run"))
    assert before.keys() & after.keys() and before["b"] != after["b"]
    for character in before.keys() & after.keys():
        i, j = before[character], after[character]
        assert np.array_equal(old["embedding/embeddings"][i], new["embedding/embeddings"][j])
        assert np.array_equal(old["dense/kernel"][:, i], new["dense/kernel"][:, j])
        assert old["dense/bias"][i] == new["dense/bias"][j]
    for name in ("lstm_0/kernel", "lstm_0/recurrent_kernel", "lstm_0/bias"):
        assert np.array_equal(old[name], new[name])
    assert new["embedding/embeddings"][after["爱"]].any()


@pytest.mark.thorough
def test_it_keeps_the_characters_that_the_text_has_not(other, run_path, tmp_path, reporter):
    trainer.train(other, tmp_path / "run", ModelConfig(), STILL, reporter, start_from=run_path)
    here, there = (Vocabulary.load(path).idx2char for path in (tmp_path / "run", run_path))
    assert here[: len(other.vocabulary)] == other.vocabulary.idx2char
    assert set(here) == set(other.vocabulary.idx2char) | set(there) and "z" in set(here) - set(
        other.vocabulary.idx2char
    )
    assert textgen.load(tmp_path / "run").generate("lazy", length=1).startswith("lazy")


@pytest.mark.thorough
def test_weight_decay_draws_to_where_the_run_began_and_goes_on_so_when_resumed(other, run_path, tmp_path, reporter):
    def config(steps, decay):
        return TrainConfig(
            steps=steps, learning_rate=0.02, averaging=0.0, weight_decay=decay, batch_size=2, seq_length=8
        )

    began = load_file(Run(run_path).weights_path("best"))["lstm_0/recurrent_kernel"]
    moved = {}
    for decay in (0.0, 10.0):
        trainer.train(other, tmp_path / str(decay), ModelConfig(), config(20, decay), reporter, start_from=run_path)
        weights = load_file(Run(tmp_path / str(decay)).weights_path("last"))["lstm_0/recurrent_kernel"]
        moved[decay] = np.abs(weights - began).mean()
    assert moved[10.0] < 0.7 * moved[0.0]
    stopped = tmp_path / "stopped"
    with pytest.raises(TextgenError, match="go on with: textgen train --resume"):
        trainer.train(other, stopped, ModelConfig(), config(20, 10.0), reporter, [StopAt(10)], start_from=run_path)
    trainer.resume(stopped, None, reporter)
    whole, parts = (load_file(Run(path).weights_path("last")) for path in (tmp_path / "10.0", stopped))
    assert all(np.array_equal(whole[name], parts[name]) for name in whole)


@pytest.mark.thorough
def test_it_says_how_many_characters_are_new_and_how_much_of_the_text_they_are(other, run_path, tmp_path, reporter):
    trainer.train(other, tmp_path / "run", ModelConfig(), STILL, reporter, start_from=run_path)
    (note,) = [note for note in reporter.notes if "begins with the weights" in note]
    text = "The QUICK brown fox: 爱爱爱.\n"
    new = set(text) - set(Vocabulary.load(run_path).char2idx)
    share = 100 * sum(text.count(c) for c in new) / len(text)
    assert f"the {len(new)} new ones are {share:.2g} % of the text: '爱'" in note
    assert Run(tmp_path / "run").load_info().started_from == str(run_path)


@pytest.mark.thorough
def test_a_fine_tuned_run_begins_better_than_a_new_one(run_path, text_file, tmp_path, reporter):
    shouted = tmp_path / "shouted.txt"
    shouted.write_text("".join(line.replace("fox", "cat") for line in text_file.read_text().splitlines(True)))
    corpus = prepare(find_sources([str(shouted)], []), tmp_path / "c", PrepareConfig())
    config = TrainConfig(steps=10, batch_size=4, seq_length=16)
    fresh = trainer.train(corpus, tmp_path / "fresh", ModelConfig(units=24), config, reporter)
    tuned = trainer.train(corpus, tmp_path / "tuned", ModelConfig(), config, reporter, start_from=run_path)
    assert tuned.history[-1].network_bpc < 0.5 * fresh.history[-1].network_bpc


def test_fine_tuning_from_the_command_line(other, run_path, tmp_path):
    out = tmp_path / "run"
    done = run_textgen("train", other.path, "--from", run_path, "--out", out, "--steps", "5")
    assert done.returncode == 0 and "begins with the weights of" in done.stderr, done.stderr
    assert Run(out).load_info().model.units == 24
    refused = run_textgen("train", other.path, "--from", run_path, "--out", tmp_path / "x", "--units", "9")
    assert refused.returncode == 2 and "--units cannot be given with --from" in refused.stderr
    missing = run_textgen("train", other.path, "--from", tmp_path / "none", "--out", tmp_path / "x")
    assert missing.returncode == 1 and missing.stderr.count("\n") == 1 and not (tmp_path / "x").exists()
