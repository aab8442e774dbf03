"""The files of a run that hold counts, counts.safetensors, and the weights of the mixture, beside those of the network.

They are read with the same distrust as a network's weights.
"""

from __future__ import annotations

import numpy as np

from textgen.config import ModelConfig
from textgen.counts.contexts import PLACES, Contexts, chain_length
from textgen.counts.memory import GATES
from textgen.counts.tables import Counts, low_bits
from textgen.data.vocabulary import Vocabulary
from textgen.errors import RunError
from textgen.runs.arrays import Floats, Ints
from textgen.runs.run import Run
from textgen.runs.weights import Spec, mapped, opened, save_tensors

MIXTURE = "mixture/weights"
"""The tensor of a checkpoint that holds the weights of the mixture."""
RATES = "memory/rates"
"""The tensor of a checkpoint that says how often a token would be copied from a memory."""
NAMES = ("hashes", "starts", "left", "symbols", "shares")
MOST_FILE_BYTES = 2**30
ONE = np.float16(1).view(np.uint16)
"""The bits of no number from 0 to 1 are more."""


def rates_specs(config: ModelConfig) -> dict[str, Spec]:
    """The dtype and shape of the rates of a memory, which runs with counts have since there are memories."""
    return {RATES: ("float32", (GATES,))} if config.ngram_order else {}


def mixture_specs(config: ModelConfig) -> dict[str, Spec]:
    """The dtype and shape of the mixture's weights; nothing without counts."""
    shape = (PLACES * chain_length(config.ngram_order), 2)
    return {MIXTURE: ("float32", shape)} if config.ngram_order else {}


def save_counts(run: Run, counts: Counts, characters: int) -> None:
    """Write counts.safetensors, with how many characters were counted."""
    tensors = {name: getattr(counts, name) for name in NAMES}
    save_tensors(run, run.counts_path, tensors, {"characters": str(characters)})


def load_counts(run: Run, vocabulary: Vocabulary, order: int) -> tuple[Counts, int]:
    """Map counts.safetensors into memory.

    Args:
        run: the run.
        vocabulary: its characters.
        order: its `ngram_order`.

    Returns:
        The counts, and how many characters were counted.

    Raises:
        RunError: the file is missing, damaged, no plain file, or of another vocabulary or order.
    """
    path = run.counts_path
    with opened(run, path) as file:
        if path.stat().st_size > MOST_FILE_BYTES:
            raise RunError(f"{path}: larger than {MOST_FILE_BYTES:,} bytes; it is no file of textgen")
        if sorted(file.keys()) != sorted(NAMES):
            raise RunError(f"{path}: damaged: expected the tensors {', '.join(NAMES)}")
        tensors = mapped(path, file)
        characters = (file.metadata() or {}).get("characters", "")
    contexts, arrays = Contexts(vocabulary, order), [tensors[name] for name in NAMES]
    if reason := fault(contexts, *arrays) or ("" if characters.isdecimal() and len(characters) < 20 else "characters"):
        raise RunError(f"{path}: damaged, or of another vocabulary: {reason}")
    return Counts(contexts, *arrays), int(characters)


def fault(contexts: Contexts, hashes: Ints, starts: Ints, left: Floats, symbols: Ints, shares: Floats) -> str:
    """What is wrong with the arrays of a `Counts`, in a few words; nothing where they fit."""
    dtypes = "uint64", "uint32", "float16", np.min_scalar_type(contexts.size - 1).name, "float16"
    arrays = hashes, starts, left, symbols, shares
    if tuple(array.dtype.name for array in arrays) != dtypes:
        return f"expected {', '.join(f'{name} {dtype}' for name, dtype in zip(NAMES, dtypes, strict=True))}"
    if not 0 < len(hashes) == len(left) == len(starts) - 1 or len(symbols) != len(shares):
        return "lengths that do not fit"
    faults = {
        "contexts out of order": hashes[0] or (hashes[1:] <= hashes[:-1]).any(),
        "contexts with the bits of an id": (hashes & low_bits(contexts.size)).any(),
        "starts out of order": starts[0] or starts[-1] != len(symbols) or (starts[1:] <= starts[:-1]).any(),
        "ids beyond the vocabulary": symbols.max(initial=0) >= contexts.size,
        "shares that are no numbers from 0 to 1": max(left.view(np.uint16).max(), shares.view(np.uint16).max()) > ONE,
    }
    return next((reason for reason, found in faults.items() if found), "")
