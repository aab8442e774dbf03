"""A run as a .keras file that stock Keras opens."""

from __future__ import annotations

from pathlib import Path

import msgspec

from textgen.data.transform import guessed
from textgen.data.vocabulary import FORMAT_VERSION, Vocabulary, VocabularyFile
from textgen.inference.predictor import load_weights
from textgen.runs.run import Run

VOCABULARY = "vocabulary.json"
TEXT = "text.json"


def keras_archive(path: Path, checkpoint: str) -> bytes:
    """The bytes of a .keras file: a `keras.Sequential` of Embedding, recurrent layers and Dense, from ids to logits.

    The vocabulary is in the archive as vocabulary.json, in the form that it has in a run, and text.json says how the
    corpus was made.

    Args:
        path: the run directory.
        checkpoint: as in `textgen.load`.

    Raises:
        RunError, CorpusError: it is no run, or damaged, or has no such checkpoint.
    """
    run = Run(path)
    info, vocabulary = run.load_info(), Vocabulary.load(run.path)
    weights = load_weights(run, checkpoint, info.model, vocabulary)
    from textgen.training.stock import stock_archive

    characters = msgspec.json.encode(VocabularyFile(FORMAT_VERSION, list(vocabulary.idx2char)))
    text = msgspec.json.encode(info.text or guessed(vocabulary))
    return stock_archive(info.model, weights, {VOCABULARY: characters, TEXT: text})
