"""Beam search: the likeliest continuation of a text, as far as a beam of a given width finds it."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

from textgen.config import SampleConfig
from textgen.inference.sampling import log_probabilities

if TYPE_CHECKING:
    from textgen.inference.generate import Generator, Sample


def search(
    model: Generator, samples: list[Sample], config: SampleConfig, allowed: np.ndarray | None
) -> Iterator[tuple[Sample, str]]:
    """Finish samples by beam search (Lowerre 1976), one after another.

    Args:
        model: the model.
        samples: seed texts to continue.
        config: `beam` is the width, `length` the number of characters; stop texts and `until_line` end the
            likeliest text where they first stand in it. The rules of drawing do not apply.
        allowed: (V,) which characters may be written; None is all.

    Yields:
        As `Generator.write`.
    """
    for sample in samples:
        yield sample, ""
        ids, nats = likeliest(model, sample, config, allowed)
        sample.ending = "" if len(ids) else "length"
        for index, surprise in zip(ids, nats, strict=True):
            sample.bits += float(surprise) / math.log(2)
            yield sample, sample.add(model.vocabulary.idx2char[index], config)
            if sample.ending:
                break


def likeliest(model: Generator, sample: Sample, config: SampleConfig, allowed) -> tuple[np.ndarray, np.ndarray]:
    """The ids (length,) of the best text in the beam and their surprises in nats; among equals the lower id wins."""
    logits, state = model.read_all([sample])
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
        logits = model.network.step(ids, state)
    return texts[0], -np.diff(scores_along[0])
