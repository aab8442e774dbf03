"""Beam search: the likeliest continuation of a text, as far as a beam of a given width finds it."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np

from textgen.config import SampleConfig
from textgen.data.vocabulary import Vocabulary
from textgen.inference.predictor import Predictor
from textgen.inference.sample import Sample
from textgen.inference.sampling import log_probabilities
from textgen.runs.arrays import Bools, Floats, Ints


def search(
    predictor: Predictor, vocabulary: Vocabulary, samples: list[Sample], config: SampleConfig, allowed: Bools | None
) -> Iterator[tuple[Sample, str]]:
    """Finish samples by beam search (Lowerre 1976), one after another.

    Args:
        predictor: what tells the next character.
        vocabulary: its characters.
        samples: seed texts to continue.
        config: `beam` is the width, `length` the number of characters; stop texts, `until_line` and a
            document end end the likeliest text where they first stand in it. The rules of drawing do not apply.
        allowed: (V,) which characters may be written; None is all.

    Yields:
        As `Generator.write`.
    """
    for sample in samples:
        yield sample, ""
        ids, nats = likeliest(predictor, sample, config, allowed)
        sample.ending = "" if len(ids) else "length"
        for index, surprise in zip(ids, nats, strict=True):
            sample.bits += float(surprise) / math.log(2)
            yield sample, sample.add(vocabulary.idx2char[index], config)
            if sample.ending:
                break


def likeliest(predictor: Predictor, sample: Sample, config: SampleConfig, allowed: Bools | None) -> tuple[Ints, Floats]:
    """The ids (length,) of the best text in the beam and their surprises in nats; among equals the lower id wins."""
    logits, state = predictor.read([sample.ids])
    scores = np.zeros(1)
    scores_along = np.zeros((1, 1))
    texts = np.zeros((1, 0), np.int64)
    for _ in range(config.length):
        chances = log_probabilities(logits.astype(np.float64))
        if allowed is not None:
            chances = np.where(allowed, chances, -np.inf)
        totals = (scores[:, None] + chances).ravel()
        possible = int(np.isfinite(totals).sum())
        best = np.argsort(-totals, kind="stable")[: min(config.beam, possible)]
        rows, ids = np.divmod(best, logits.shape[1])
        scores = totals[best]
        scores_along = np.concatenate([scores_along[rows], scores[:, None]], 1)
        texts = np.concatenate([texts[rows], ids[:, None]], 1)
        state = state.take(rows)
        logits = predictor.step(ids, state)
    return texts[0], -np.diff(scores_along[0])
