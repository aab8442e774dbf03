"""The memory in a page: it says what that of the command line says, so the page writes the same text beside it."""

import numpy as np
import pytest
from exported import make_run, parts_of, run_scripts
from support import few

import textgen
from textgen.config import SampleConfig
from textgen.counts.copying import FADING
from textgen.counts.memory import Memory, Tokens
from textgen.counts.rates import USUAL
from textgen.data.vocabulary import DOCUMENT_END, Vocabulary
from textgen.export.page import page, remembering
from textgen.inference.score import character_scores

CHARACTERS = "\nabcde'_ .-我爱é" + DOCUMENT_END
SEED_TEXT = "ab cade.\nab cade'é bad\n\n我爱我\nab ca"
READ = """
const model = await loadModel(input, input.weights, input.packed);
const pace = new Pace(() => {});
const textOf = (ids) => ids.map((id) => input.characters[id]).join("");
"""
WRITE = (
    READ
    + """
const reader = new Reader(model, input.start, input.memory, input.shading);
const texts = [];
for (const { before, ...settings } of input.tasks) {
  const ids = [];
  await reader.read(before, pace);
  const chosen = { topK: 0, topP: 1, minP: 0, index: 0, ...settings, seed: BigInt(settings.seed) };
  await reader.write(chosen, input.end, pace, (id) => ids.push(id));
  texts.push(textOf([...before, ...ids]));
}
return { texts, bits: reader.surprises.slice(1).map(({ bits }) => bits),
  likeliest: reader.surprises.slice(1).map(({ likeliest }) => likeliest) };
"""
)
RULES = [
    {},
    {"temperature": 0.0},
    {"temperature": 0.4},
    {"temperature": 1.3, "top_k": 9, "top_p": 0.95, "min_p": 0.02},
]


@pytest.fixture(scope="module", params=[0, 3], ids=["network", "mixture"])
def run(request, tmp_path_factory):
    """A run of random weights, without counts or with them."""
    path = tmp_path_factory.mktemp("run") / "run"
    return make_run(path, CHARACTERS, units=24, ngram_order=request.param)


def task(model, seed_text, memory, length, rng_seed=7, **settings) -> dict:
    """A text to write, as the page's scripts get it."""
    config = SampleConfig(**settings)
    names = {"temperature": "temperature", "topK": "top_k", "topP": "top_p", "minP": "min_p"}
    rules = {name: getattr(config, ours) for name, ours in names.items()}
    before = model.vocabulary.encode(seed_text).tolist()
    return {"before": before, "memory": memory, "length": length, "seed": rng_seed, **rules}


def random_text(size: int, length: int, seed: int) -> list[int]:
    """Words that come again, and what stands between them."""
    rng = np.random.default_rng(seed)
    words = [rng.integers(size, size=rng.integers(1, 6)) for _ in range(60)]
    return np.concatenate([words[i] for i in rng.integers(60, size=length)])[:length].tolist()


@pytest.mark.parametrize("fading", [7, 300, FADING])
def test_a_memory_says_what_that_of_the_command_line_says(fading):
    vocabulary = Vocabulary(CHARACTERS)
    ids = random_text(len(vocabulary), 3000, fading)
    found = run_scripts(
        """
        const memory = new Memory(input.told, input.fading);
        return input.ids.map((id, i) => {
          if (i === 2500) memory.close();
          memory.add(id);
          return [[...memory.within], [...memory.begun], memory.gate];
        });
        """,
        {"told": remembering(vocabulary, USUAL), "fading": fading, "ids": ids},
    )
    memory = Memory(Tokens(vocabulary), fading)
    for place, (index, said) in enumerate(zip(ids, found, strict=True)):
        memory.closed = place >= 2500
        memory.add(index)
        assert said[2] == memory.gate
        for pairs, expected in zip(said, (memory.within, memory.begun), strict=False):
            assert [i for i, _ in pairs] == list(expected)
            assert np.allclose([share for _, share in pairs], list(expected.values()), rtol=1e-13, atol=0)


@pytest.mark.parametrize("settings", few(RULES[::-1]), ids=str)
@pytest.mark.parametrize("memory", few([1000, None, 20]), ids=str)
def test_10_000_characters_beside_a_memory_are_those_of_the_command_line(run, memory, settings):
    model = textgen.load(run, precision="float16")
    length = 10_000 if not settings else 3_000
    written = run_scripts(
        WRITE,
        {
            **parts_of(page(run, "best", "float16").decode()),
            "tasks": [task(model, SEED_TEXT, memory, length, **settings)],
            "shading": 0,
        },
    )
    config = SampleConfig(length=length, memory=memory, rng_seed=7, **settings)
    assert written["texts"][0] == "".join(model.stream(SEED_TEXT, config))


def test_a_text_is_left_at_any_place_and_all_before_it_is_remembered(run):
    model = textgen.load(run)
    whole = model.generate(SEED_TEXT, length=300, rng_seed=3)
    cuts = [whole, whole[:200], whole[:199], whole[:64], "", "ab" * 50, whole[:33], whole[:34] + "c" * 40, whole]
    cases = [(cut, memory) for cut in cuts for memory in (None, 50, 0)]
    tasks = [task(model, text, memory, 60, rng_seed) for rng_seed, (text, memory) in enumerate(cases)]
    found = run_scripts(WRITE, {**parts_of(page(run, "best", "float32").decode()), "tasks": tasks, "shading": 0})
    assert found["texts"] == [
        model.generate(text, memory=memory, length=60, rng_seed=rng_seed)
        for rng_seed, (text, memory) in enumerate(cases)
    ]


@pytest.mark.parametrize("shading", [0, 40])
def test_the_surprises_are_those_of_textgen_surprise_with_the_same_memory(run, shading):
    model = textgen.load(run)
    text = SEED_TEXT + "de\nab cade 我爱我"
    texts = [text, text[:30] + "b", text[:36], text + " cade", text]
    tasks = [task(model, text, shading, 0) for text in texts] + [task(model, text, shading, 50)]
    found = run_scripts(WRITE, {**parts_of(page(run, "best", "float32").decode()), "tasks": tasks, "shading": shading})
    expected = [*character_scores(model.remembering(shading), iter([found["texts"][-1]]))]
    assert len(found["bits"]) == len(found["texts"][-1]) > len(text)
    assert np.allclose(found["bits"], [score.bits for score in expected], atol=1e-4)
    characters = model.vocabulary.idx2char
    assert [[characters[i] for i in ids] for ids in found["likeliest"]] == [score.likeliest for score in expected]


def test_the_command_says_which_memory():
    way = "{ before: [1], written: [1, 1], settings: { temperature: 0.8, memory: MEMORY, topK: 0, topP: 1, minP: 0, "
    way += "seed: 5n, index: 0 } }"
    facts = '{ run: "plays", characters: ["\\n", "a"], precision: "float32" }'
    commands = [f"commandOf({way.replace('MEMORY', memory)}, {facts})" for memory in ("null", "0", "300")]
    start, end = "textgen sample 'plays' -s 'a' -l 2 -t 0.8", " --rng-seed 5"
    assert run_scripts(f"return [{', '.join(commands)}]", None) == [
        start + end,
        start + " --memory 0" + end,
        start + " --memory 300" + end,
    ]


def test_what_leaves_nothing_to_remember_is_written_as_without_a_memory(run):
    model = textgen.load(run)
    found = run_scripts(
        WRITE,
        {
            **parts_of(page(run, "best", "float32").decode()),
            "tasks": [task(model, "", memory, 100) for memory in (None, 0)],
            "shading": 0,
        },
    )
    assert found["texts"][0] == found["texts"][1] == model.generate("", length=100, rng_seed=7)
