"""Fine-tuning: the weights of one run as the beginning of another, matched character by character."""

from __future__ import annotations

import hashlib
from typing import Any

import msgspec
import numpy as np

from textgen.config import SHAPE, ModelConfig, build
from textgen.counts.files import mixture_specs, rates_specs
from textgen.data.corpus import Corpus
from textgen.data.vocabulary import Vocabulary
from textgen.errors import RunError
from textgen.runs.reading import reporting_os_errors
from textgen.runs.run import Run
from textgen.runs.weights import check_header, load_tensors, opened, weight_specs
from textgen.training.engine import Engine
from textgen.training.model import assign_weights, named_weights

CHARACTER_AXIS = {"embedding/embeddings": 0, "dense/kernel": 1, "dense/bias": 0}
"""The weights that have a row or a column for each character, and which of their axes that is."""
MOST_NAMED = 8


def with_shape_of(source: Run, config: ModelConfig) -> ModelConfig:
    """Settings with the shape of a run's network, once its weights are seen to have that shape.

    Raises:
        RunError: the run has no weights, or they do not fit.
    """
    model, path = source.load_info().model, source.weights_path(source.best_checkpoint())
    with opened(source, path) as file:
        check_header(path, file, weight_specs(model, len(Vocabulary.load(source.path))))
    return build(ModelConfig, msgspec.structs.asdict(config) | {name: getattr(model, name) for name in SHAPE})


def transfer_weights(source: Run, engine: Engine, vocabulary: Vocabulary) -> None:
    """Set an engine's weights to the best ones of a run.

    What belongs to a character that both vocabularies hold is copied to that character's place; what belongs to
    a new character keeps its random beginning.

    Args:
        source: the run to begin with.
        engine: a new engine, of the same shape but for its vocabulary.
        vocabulary: its characters.

    Raises:
        RunError: the run has no weights, or they do not fit.
    """
    known = Vocabulary.load(source.path)
    model = source.load_info().model
    path, specs = source.weights_path(source.best_checkpoint()), weight_specs(model, len(known))
    weights, _ = load_tensors(source, path, specs | mixture_specs(model), rates_specs(model))
    shared = [c for c in vocabulary.idx2char if c in known.char2idx]
    here = [vocabulary.char2idx[c] for c in shared]
    there = [known.char2idx[c] for c in shared]
    for name, variable in named_weights(engine.model).items():
        value, axis = variable.numpy(), CHARACTER_AXIS.get(name)
        if axis is None:
            value = weights[name]
        else:
            place: tuple[Any, ...] = (slice(None),) * axis
            value[(*place, here)] = weights[name][(*place, there)]
        variable.assign(value)
    for twin in filter(None, (engine.average, engine.start)):
        assign_weights(twin.trainable_variables, engine.model.trainable_variables)


def weights_sha256(source: Run) -> str:
    """The SHA-256 of the file with the best weights of a run."""
    with reporting_os_errors(source.path, RunError):
        return hashlib.sha256(source.weights_path(source.best_checkpoint()).read_bytes()).hexdigest()


def describe_new(source: Run, corpus: Corpus) -> str:
    """How many of a corpus's characters a run did not know, and what part of the text they are."""
    vocabulary, counts = corpus.vocabulary, np.array(corpus.info.counts)
    known = Vocabulary.load(source.path).char2idx
    new = [i for i, c in enumerate(vocabulary.idx2char) if c not in known]
    knows = f"it knows {len(vocabulary) - len(new):,} of {len(vocabulary):,} characters"
    line = f"begins with the weights of {source.name}: {knows}"
    if not new:
        return line
    frequent = sorted(new, key=lambda i: -counts[i])[:MOST_NAMED]
    named = " ".join(repr(vocabulary.idx2char[i]) for i in frequent)
    more = " ..." if len(new) > MOST_NAMED else ""
    share = 100 * counts[new].sum() / max(1, counts.sum())
    return f"{line}; the {len(new):,} new ones are {share:.2g} % of the text: {named}{more}"
