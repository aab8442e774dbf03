"""The counts of a run as a page holds them: a context takes 3 to 6 bytes instead of 17, and of many contexts those are
kept that say most."""

from __future__ import annotations

import base64
import gzip
from typing import Any, NamedTuple

import numpy as np

from textgen.counts.contexts import Contexts
from textgen.counts.tables import Counts
from textgen.runs.arrays import Floats, Ints

MOST_BYTES = 4_900_000
"""The size of the counts in a page; contexts are left out to come below it."""
EXACT_BITS, FEW_BITS = 32, 16
"""Bits of a context's hash beyond those of its bucket: with the first an unknown context is taken for a known one once
in hundreds of millions of characters, with the second once in some ten thousand."""
CONTEXT_BYTES, CHARACTER_BYTES = 3.0, 0.8
"""About what a context takes, and each character that follows it."""


class Packed(NamedTuple):
    """Counts in a page."""

    contexts: Contexts
    text: str
    """Base64 of a gzip file that holds the columns one after another, see `planes`."""
    columns: dict[str, tuple[int, int]]
    """For each column its length, and how many bytes a value has."""
    bits: int
    """Bits of a hash, see EXACT_BITS."""
    kept: int
    """How many contexts there are."""
    known: int
    """How many the run has."""

    @property
    def whole(self) -> bool:
        """Whether the page says with them what the run says."""
        return self.bits == EXACT_BITS

    def told(self, weights: Floats) -> dict[str, Any]:
        """What the page's script needs to know besides the columns; `weights` are those of the mixture, (G, E)."""
        contexts = self.contexts
        return {
            "order": contexts.order,
            "of_word": "".join("01"[flag] for flag in contexts.of_word.tolist()),
            "folded": {index: folded for index, folded in enumerate(contexts.folded) if folded != index},
            "line_end": contexts.line_end,
            "document_end": contexts.document_end,
            "columns": self.columns,
            "bits": self.bits,
            "weights": weights.T.tolist(),
        }


def packed(counts: Counts, most_bytes: int) -> Packed:
    """Counts in at most so many bytes of a page: all, or those contexts that say most for their size."""
    counts, most = likeliest_first(counts), most_bytes * 3 // 4
    known, sizes = len(counts.hashes), about_bytes(counts)
    if sizes.sum() <= most:
        found = pack(counts, EXACT_BITS)
        if len(found.text) <= most_bytes:
            return found
    order = np.argsort(-worth(counts), kind="stable")
    kept = int(np.searchsorted(sizes[order].cumsum(), most)) + 1
    while True:
        found = pack(only(counts, np.sort(order[:kept])), FEW_BITS)
        if len(found.text) <= most_bytes or kept == 1:
            return found._replace(known=known)
        kept = max(1, int(kept * most_bytes / len(found.text) * 0.995))


def lengths_of(counts: Counts) -> Ints:
    """How many characters follow each context, (C,)."""
    starts = counts.starts.astype(np.int64)
    lengths: Ints = starts[1:] - starts[:-1]
    return lengths


def about_bytes(counts: Counts) -> Floats:
    """About what each context takes of the file, before base64, with few bits of its hash."""
    return CONTEXT_BYTES + CHARACTER_BYTES * lengths_of(counts)


def worth(counts: Counts) -> Floats:
    """About how often each context was seen, less what it leaves to a shorter one, for each byte that it takes.

    A context leaves a discount of about 1 for each of its n characters. So one that leaves a share was seen n / share
    times.
    """
    lengths = lengths_of(counts)
    left = np.maximum(counts.left.astype(np.float64), 1e-9)
    found: Floats = lengths * (1 - left) / left / about_bytes(counts)
    return found


def likeliest_first(counts: Counts) -> Counts:
    """The same counts, with the largest shares of a context first: so more contexts have the same pattern."""
    rows = np.repeat(np.arange(len(counts.hashes)), lengths_of(counts))
    order = np.lexsort((-counts.shares, rows))
    symbols, shares = counts.symbols[order], counts.shares[order]
    return Counts(counts.contexts, counts.hashes, counts.starts, counts.left, symbols, shares)


def only(counts: Counts, places: Ints) -> Counts:
    """Some of the contexts, given by their rising places in `hashes`."""
    lengths, grams = counts.successors(places)
    starts = np.concatenate([[0], np.cumsum(lengths)]).astype(np.uint32)
    hashes, left = counts.hashes[places], counts.left[places]
    return Counts(counts.contexts, hashes, starts, left, counts.symbols[grams], counts.shares[grams])


def pack(counts: Counts, bits: int) -> Packed:
    """All contexts of some counts, with so many bits of their hashes."""
    number = len(counts.hashes)
    bucket_bits = max(1, number.bit_length() - 1)
    buckets = np.bincount((counts.hashes >> np.uint64(64 - bucket_bits)).astype(np.int64), minlength=2**bucket_bits)
    hashes = (counts.hashes << np.uint64(bucket_bits)) >> np.uint64(64 - bits)
    columns = patterns(counts) | {"buckets": buckets, "hashes": hashes, "symbols": counts.symbols}
    parts = {name: planes(values) for name, values in columns.items()}
    data = gzip.compress(b"".join(part.tobytes() for part in parts.values()), mtime=0)
    sizes = {name: (part.shape[1], part.shape[0]) for name, part in parts.items()}
    return Packed(counts.contexts, base64.b64encode(data).decode(), sizes, bits, number, number)


def planes(values: Ints) -> Ints:
    """Integers below 2**32 as bytes (D, N), as few for each as hold the largest: the lowest of all, then the next.

    >>> planes(np.array([1, 258])).tolist()
    [[1, 2], [0, 1]]
    """
    size = max(1, -(-int(values.max(initial=0)).bit_length() // 8))
    return np.ascontiguousarray(values.astype("<u4").view(np.uint8).reshape(-1, 4)[:, :size].T)


def patterns(counts: Counts) -> dict[str, Ints]:
    """What contexts leave and the shares of their characters, each pattern once, the most frequent first: most contexts
    were seen once, and differ in the character alone.

    Returns:
        `lengths`, how many characters there are in each pattern (P,); `left`, the bits of what it leaves (P,);
        `shares`, the bits of the shares of all patterns; `patterns`, for each context its pattern (C,).
    """
    left, bounds = counts.left.view(np.uint16).tolist(), (2 * counts.starts.astype(np.int64)).tolist()
    shares = counts.shares.tobytes()
    each = [(head, shares[first:last]) for head, first, last in zip(left, bounds, bounds[1:], strict=False)]
    times: dict[tuple[int, bytes], int] = {}
    for pattern in each:
        times[pattern] = times.get(pattern, 0) + 1
    ranked = sorted(times, key=lambda pattern: -times[pattern])
    index = {pattern: place for place, pattern in enumerate(ranked)}
    return {
        "lengths": np.array([len(tail) // 2 for _, tail in ranked]),
        "left": np.array([head for head, _ in ranked]),
        "shares": np.frombuffer(b"".join(tail for _, tail in ranked), np.uint16),
        "patterns": np.fromiter((index[pattern] for pattern in each), np.int64, len(each)),
    }
