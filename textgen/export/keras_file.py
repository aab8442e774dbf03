"""A run as a .keras file that stock Keras opens."""

from __future__ import annotations

from pathlib import Path

import msgspec

from textgen.data.vocabulary import FORMAT_VERSION, Vocabulary, VocabularyFile
from textgen.inference.predictor import load_weights
from textgen.runs.run import Run

VOCABULARY = "vocabulary.json"


def keras_archive(path: Path, checkpoint: str) -> bytes:
    """The bytes of a .keras file: a `keras.Sequential` of Embedding, recurrent layers and Dense, from ids to logits.

    The vocabulary is in the archive as vocabulary.json, in the form that it has in a run.

    Args:
        path: the run directory.
        checkpoint: as in `textgen.load`.

    Raises:
        RunError, CorpusError: it is no run, or damaged, or has no such checkpoint.
    """
    run = Run(path)
    config, vocabulary = run.load_info().model, Vocabulary.load(run.path)
    weights = load_weights(run, checkpoint, config, vocabulary)
    from textgen.training.stock import stock_archive

    characters = msgspec.json.encode(VocabularyFile(FORMAT_VERSION, list(vocabulary.idx2char)))
    return stock_archive(config, weights, {VOCABULARY: characters})
