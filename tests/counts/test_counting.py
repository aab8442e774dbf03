"""Counts are those that a plain loop makes, and their estimate is a distribution."""

from collections import Counter, defaultdict

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support import few

from textgen.counts import counting
from textgen.counts.contexts import Contexts, Reader, TextContexts
from textgen.counts.counting import count
from textgen.data.vocabulary import Vocabulary

ODD_TEXTS = ["a" * 5000, "acgt" * 500, "\n", "ab", "".join(map(chr, range(0x4E00, 0x5DA0)))]
CHARACTERS = "\nabB 我é,"
CHAIN = Contexts(Vocabulary(CHARACTERS), 2)
TEXTS = st.lists(st.integers(0, len(CHARACTERS) - 1), min_size=1, max_size=120).map(lambda ids: np.array(ids, np.uint8))


def counted_slowly(ids) -> list[dict[int, Counter]]:
    """For each level, for each context, how often each character follows, or in how many longer contexts."""
    keys, high = TextContexts(CHAIN, ids).keys(np.arange(len(ids))), ~np.uint64(7)
    keys = (keys & high).tolist()
    grams = [(tuple(chain), int(index)) for chain, index in zip(keys, ids, strict=True)]
    levels = []
    for level in range(CHAIN.levels - 1, -1, -1):
        found = defaultdict(Counter)
        for chain, index in grams:
            found[chain[level]][index] += 1
        levels.append(found)
        # each gram once: the level below counts longer contexts
        seen = {(chain[level], index): chain for chain, index in grams}
        grams = [(chain, index) for (_, index), chain in seen.items()]
    return levels[::-1]


def estimated_slowly(levels, keys) -> np.ndarray:
    """Interpolated modified Kneser-Ney along one chain of contexts."""
    found = np.full(len(CHARACTERS), 1 / len(CHARACTERS))
    for level, key in zip(levels, keys, strict=True):
        counts = [n for counter in level.values() for n in counter.values()]
        taken = counting.discounts(np.array([counts.count(n) for n in (1, 2, 3, 4)] + [0]))
        after = level.get(key & ~7)
        if after is None:
            continue
        total = sum(after.values())
        left = sum(taken[min(n, 3)] for n in after.values()) / total
        found = found * left
        for index, n in after.items():
            found[index] += (n - taken[min(n, 3)]) / total
    return found


@given(TEXTS, TEXTS)
@pytest.mark.parametrize("at_once", [10, 2**19])
def test_the_estimate_is_that_of_a_plain_loop(at_once, ids, other):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(counting, "COUNTED_AT_ONCE", at_once)
        counts = count(CHAIN, ids)
    levels = counted_slowly(ids)
    reader, keys = Reader(CHAIN), []
    for index in other.tolist():
        reader.add(index)
        keys.append(reader.keys())
    keys = np.array(keys, np.uint64)
    together = counts.estimate(keys)
    for row, key in enumerate(keys.tolist()):
        expected = estimated_slowly(levels, key)
        # shares are kept in 16 bits
        assert together.probabilities[row] == pytest.approx(expected, rel=2e-3, abs=1e-5)
        alone = counts.estimate(keys[row : row + 1])
        assert alone.probabilities[0].tolist() == together.probabilities[row].tolist()
        assert alone.levels[0] == together.levels[row]


@given(TEXTS, st.integers(100, 2000))
def test_tables_that_must_be_small_drop_rare_long_contexts_and_stay_a_distribution(ids, most_bytes):
    whole, small = count(CHAIN, ids), count(CHAIN, ids, most_bytes)
    assert set(small.hashes.tolist()) <= set(whole.hashes.tolist())
    size = 14 * len(small.hashes) + 3 * len(small.symbols)
    kept = counting.KEPT_LEVELS + 1
    assert size <= most_bytes or len(small.hashes) <= sum(len(level) for level in counted_slowly(ids)[:kept])
    keys = TextContexts(CHAIN, ids).keys(np.arange(len(ids)))
    found = small.estimate(keys).probabilities
    assert found.sum(1) == pytest.approx(1, abs=0.01) and (found > 0).all()


@pytest.mark.parametrize("text", few(ODD_TEXTS, quick=4))
def test_odd_texts_are_counted(text):
    vocabulary = Vocabulary(sorted({*text, "\n"}))
    chain = Contexts(vocabulary, 5)
    ids = vocabulary.encode(text)
    found = count(chain, ids).estimate(TextContexts(chain, ids).keys(np.arange(len(ids))))
    assert found.probabilities.sum(1) == pytest.approx(1, abs=0.01)


def test_a_text_too_long_for_the_time_is_counted_in_stretches():
    assert counting.countable(10**6, 0.1) == 150_000
    parts = counting.stretches(10**6, 64_000)
    assert len(parts) == 64 and parts[0][0] == 0 and parts[-1][1] == 10**6
    assert sum(last - first for first, last in parts) == 64_000
