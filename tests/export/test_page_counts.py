"""The counts in a page: hashes, look-up, estimate and mixture are those of the command line, or as few as fit."""

import importlib

import numpy as np
import pytest
from exported import make_run, parts_of, run_scripts

from textgen.counts.contexts import Contexts, Reader, TextContexts
from textgen.counts.counting import count
from textgen.data.vocabulary import DOCUMENT_END, Vocabulary
from textgen.export.packed_counts import Packed, packed

ODD = "\nabAB 7_'’éÉßẞİıΣσς我爱नि\u0301🚀👩🏽\u200d\u202e\x00٣ǅ" + DOCUMENT_END
TABLES = """
const contexts = new Contexts(input.counts);
const tables = new Counts(contexts, await unpackColumns(input.counts.columns, input.packed), input.counts.bits);
"""
READ_ALL = """
return input.texts.map((ids) => {
  const reader = new ContextReader(contexts);
  return [null, ...ids].map((id) => {
    if (id !== null) reader.add(id);
    return SAID;
  });
});
"""


def random_texts(size: int, number: int, seed: int) -> list[list[int]]:
    """Texts in which characters stand alone, in runs of up to hundreds, and in words that come again."""
    rng = np.random.default_rng(seed)
    words = [rng.integers(size, size=rng.integers(1, 9)) for _ in range(40)]
    runs = [np.full(rng.integers(2, 300), rng.integers(size)) for _ in range(4)]
    pieces = words * 3 + runs
    return [np.concatenate([pieces[i] for i in rng.integers(len(pieces), size=30)]).tolist() for _ in range(number)]


def told(found: Packed) -> dict:
    """What the page's scripts get of counts."""
    weights = np.full((7 * found.contexts.levels, 2), 0.5, np.float32)
    return {"counts": found.told(weights), "packed": found.text}


def counted(characters: str, order: int, seed: int = 0):
    """Counts of random texts over some characters."""
    contexts = Contexts(Vocabulary(characters), order)
    texts = random_texts(contexts.size, 20, seed)
    return count(contexts, np.concatenate([np.array(text, np.uint16) for text in texts]))


@pytest.mark.parametrize("order", [1, 5])
def test_the_contexts_of_odd_texts_are_those_of_the_command_line(order):
    counts = counted(ODD, order)
    texts = random_texts(len(ODD), 8, 1)
    said = "[reader.keys().map((pair) => pair.map(String)), reader.place()]"
    found = run_scripts(TABLES + READ_ALL.replace("SAID", said), {**told(packed(counts, 10**9)), "texts": [[], *texts]})
    for ids, read in zip([[], *texts], found, strict=True):
        reader = Reader(counts.contexts)
        for index, (keys, place) in zip([None, *ids], read, strict=True):
            if index is not None:
                reader.add(index)
            assert [int(high) << 32 | int(low) for high, low in keys] == reader.keys()
            assert place == reader.place()


@pytest.mark.parametrize(
    "characters", [ODD, "\n" + "".join(map(chr, range(0x4E00, 0x4E00 + 700)))], ids=["odd", "many"]
)
def test_the_estimates_have_the_bits_of_the_command_line(characters):
    counts = counted(characters, 3)
    texts = random_texts(len(characters), 3, 0) + random_texts(len(characters), 1, 5)
    said = "[tables.estimate(reader.keys()), Array.from(tables.probabilities)]"
    found = run_scripts(TABLES + READ_ALL.replace("SAID", said), {**told(packed(counts, 10**9)), "texts": texts})
    for ids, read in zip(texts, found, strict=True):
        text = TextContexts(counts.contexts, np.array([*ids, 0]))
        expected = counts.estimate(text.keys(np.arange(len(ids) + 1)))
        assert [level for level, _ in read] == expected.levels.tolist()
        assert np.array_equal([values for _, values in read], expected.probabilities)


def test_large_counts_keep_the_contexts_that_say_most_and_few_bits_of_a_hash():
    counts = counted("\nabcdefghij ", 5)
    whole = packed(counts, 10**9)
    short = packed(counts, len(whole.text) // 3)
    assert whole.whole and whole.kept == whole.known == len(counts.hashes)
    assert not short.whole and short.kept < short.known == whole.known and len(short.text) <= len(whole.text) // 3
    texts = random_texts(12, 2, 0)
    said = "[tables.estimate(reader.keys()), Array.from(tables.probabilities)]"
    found = run_scripts(TABLES + READ_ALL.replace("SAID", said), {**told(short), "texts": texts})
    surprise = {"known": 0.0, "shortened": 0.0}
    for ids, read in zip(texts, found, strict=True):
        keys = TextContexts(counts.contexts, np.array(ids)).keys(np.arange(len(ids)))
        levels, values = zip(*read[:-1], strict=True)
        exact = counts.estimate(keys)
        assert (np.array(levels) <= exact.levels).mean() > 0.99 and np.allclose(np.sum(values, 1), 1, atol=0.02)
        surprise["known"] -= np.log(exact.probabilities[np.arange(len(ids)), ids]).mean()
        surprise["shortened"] -= np.log(np.array(values)[np.arange(len(ids)), ids]).mean()
    assert surprise["known"] < surprise["shortened"] < 2 * len(texts) * np.log(12) / 3


def test_a_page_with_fewer_contexts_than_its_run_says_so(tmp_path, monkeypatch):
    module = importlib.import_module("textgen.export.page")
    run = make_run(tmp_path / "run", ngram_order=4)
    notes = []
    whole = module.page(run, "best", "float16", notes.append).decode()
    assert not notes and "writes another text" not in whole and "n-gram counts of order 4" in whole
    monkeypatch.setattr(module, "MOST_BYTES", 20_000)
    short = module.page(run, "best", "float16", notes.append).decode()
    assert len(notes) == 1 and "so it writes another text than `textgen sample`" in notes[0]
    assert "So the command writes another text" in short and "The validation is that of the whole run" in short
    assert len(parts_of(short)["packed"]) <= 20_000 and len(short) < len(whole)


def test_a_mixture_takes_more_experts_which_may_have_gates_of_their_own():
    said = run_scripts(
        """
        const expert = (gate, logits) => ({ gate, initialState: () => [], copy: (state) => [...state],
          step: (id, state) => { state.push(id); return logits.map((logit) => logit * state.length); } });
        const experts = [expert(1, [1, 2]), expert(undefined, [10, 20]), expert(0, [100, 200])];
        const mixture = new Mixture(experts, [[9, 0.5], [9, 0.25], [0.125, 9]]);
        const state = mixture.initialState();
        const first = Array.from(mixture.step(3, state));
        const twin = mixture.copy(state);
        return [first, Array.from(mixture.step(4, state)), Array.from(mixture.step(4, twin))];
        """,
        None,
    )
    assert said == [[15.5, 31], [31, 62], [31, 62]]
