"""The page's scripts without a page: its generator, rules and network are those of the command line."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from exported import make_run, parts_of, run_scripts
from support import few

import textgen
from textgen.config import SampleConfig
from textgen.export.page import SCRIPTS, page, source
from textgen.inference.sampling import choose, log_probabilities

RULES = [
    {},
    {"temperature": 0.0},
    {"temperature": 1.3},
    {"temperature": 1.0, "top_k": 5},
    {"temperature": 1.0, "top_p": 0.8},
    {"temperature": 1.0, "min_p": 0.05},
    {"temperature": 1.1, "top_k": 12, "top_p": 0.9, "min_p": 0.02},
]
READ = """
const model = await loadModel(input, input.weights, input.packed);
const pace = new Pace(() => {});
"""


def rules_of(settings: dict) -> dict:
    """Settings under the names that the page has for them."""
    config = SampleConfig(**settings)
    names = {"temperature": "temperature", "topK": "top_k", "topP": "top_p", "minP": "min_p"}
    return {name: getattr(config, ours) for name, ours in names.items()}


def test_the_linter_has_no_complaint(tmp_path):
    """The scripts as they stand in a page, one after another: so a name that is not there, or not used, is found."""
    linter = Path(sys.executable).with_name("oxlint")
    if not linter.exists():
        pytest.skip("no linter here: pip install oxlint")
    (tmp_path / "page.js").write_text("".join(map(source, SCRIPTS)))
    rules = [f"--deny={name}" for name in ("correctness", "no-undef", "no-var", "prefer-const", "eqeqeq")]
    command = [linter, *rules, "--deny-warnings", "page.js"]
    (tmp_path / ".oxlintrc.json").write_text('{"env": {"browser": true, "es2024": true}}')
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


def test_the_generator_draws_numpys_numbers_for_thousands_of_seeds():
    rng = np.random.default_rng(0)
    seeds = [
        0,
        1,
        2**31,
        2**32 - 1,
        2**32,
        2**53 + 1,
        2**63 - 1,
        *(int(s) >> int(k) for s, k in zip(rng.integers(2**63, size=3000), rng.integers(63, size=3000), strict=True)),
    ]
    pairs = [(seed, index) for seed in seeds for index in (0, 1, int(rng.integers(2**32)))]
    drawn = run_scripts(
        "return input.map(([seed, index]) => { const random = new Random(BigInt(seed), index);"
        "return [0, 1, 2].map(() => random.next()); })",
        [(str(seed), index) for seed, index in pairs],
    )
    expected = [np.random.Generator(np.random.PCG64(pair)).random(3).tolist() for pair in pairs]
    assert drawn == expected


@pytest.mark.parametrize("settings", RULES, ids=str)
def test_a_rule_chooses_what_the_command_line_chooses(settings):
    rng = np.random.default_rng(1)
    logits = rng.normal(0, 2, (500, 40)).round(1).astype(np.float32)
    uniforms = rng.random(500)
    chosen = run_scripts(
        "return input.logits.map((row, i) => choose(Float32Array.from(row), input.rules, input.uniforms[i]))",
        {"logits": logits.tolist(), "uniforms": uniforms.tolist(), "rules": rules_of(settings)},
    )
    assert chosen == choose(logits, SampleConfig(**settings), uniforms).tolist()


def test_every_float16_is_read_as_numpy_reads_it():
    values = np.arange(65536, dtype=np.uint16).view(np.float16).astype(np.float32)
    read = np.array(run_scripts("return Array.from(float16Values(), (v) => String(v))", 0), np.float32)
    finite = np.isfinite(values)
    assert np.array_equal(read[finite], values[finite])


@pytest.mark.parametrize("precision", few(["float16", "float32"]))
@pytest.mark.parametrize(
    "model",
    [
        {"cell": "lstm", "num_layers": 2, "units": 21},
        {"cell": "gru", "num_layers": 2, "units": 16, "recurrent_dropout": 0},
        {"cell": "rnn", "units": 5, "embedding_dim": 11},
    ],
    ids=lambda model: model["cell"],
)
def test_the_network_gives_the_logits_of_the_command_line(tmp_path, model, precision):
    run = make_run(tmp_path / "run", **model)
    ids = np.random.default_rng(2).integers(28, size=50).tolist()
    found = run_scripts(
        READ + "const state = model.initialState();return input.ids.map((id) => Array.from(model.step(id, state)))",
        {**parts_of(page(run, "best", precision).decode()), "ids": ids},
    )
    network = textgen.load(run, precision=precision).predictor
    state = network.initial_state(1)
    expected = [network.step(np.array([i]), state)[0].tolist() for i in ids]
    assert np.allclose(found, expected, atol=2e-5, rtol=1e-5)


@pytest.mark.thorough
@pytest.mark.parametrize("order", [0, 5], ids=["network", "mixture"])
@pytest.mark.parametrize("settings", RULES[::-1], ids=str)
def test_20_000_characters_are_those_of_the_command_line(tmp_path, settings, order):
    run = make_run(tmp_path / "run", num_layers=2, units=24, ngram_order=order)
    length = 20_000 if settings in ({}, RULES[-1]) else 4_000
    written = run_scripts(
        READ
        + """
        const reader = new Reader(model, input.start, input.memory);
        const ids = [];
        await reader.read(input.ids, pace);
        const settings = { ...input.rules, memory: 0, length: input.length, seed: 7n, index: 1 };
        await reader.write(settings, input.end, pace, (id) => ids.push(id));
        return ids.map((id) => input.characters[id]).join("");
        """,
        {
            **parts_of(page(run, "best", "float16").decode()),
            "ids": [3, 1, 20],
            "rules": rules_of(settings),
            "length": length,
        },
    )
    model = textgen.load(run, precision="float16")
    config = SampleConfig(length=length, memory=0, rng_seed=7, **settings)
    seed_text = model.vocabulary.decode([3, 1, 20])
    assert seed_text + written == "".join(model.stream(seed_text, config, index=1))


def test_a_text_is_read_again_from_any_place_and_each_character_has_its_bits(tmp_path):
    run = make_run(tmp_path / "run")
    rng = np.random.default_rng(3)
    texts = [rng.integers(28, size=100).tolist() for _ in range(3)]
    texts += [texts[0][:40] + texts[1][:70], texts[0], texts[0][:64], texts[0][:1], [], [*texts[2][:33], 1]]
    found = run_scripts(
        READ
        + """
        const reader = new Reader(model, input.start, input.memory);
        const found = [];
        for (const ids of input.texts) {
          await reader.read(ids, pace);
          found.push({ logits: Array.from(reader.logits), bits: reader.surprises.slice(1).map(({ bits }) => bits),
            likeliest: reader.surprises.slice(1).map(({ likeliest }) => likeliest) });
        }
        return found;
        """,
        {**parts_of(page(run, "best", "float32").decode()), "texts": texts},
    )
    model = textgen.load(run)
    for ids, it in zip(texts, found, strict=True):
        read = [model.predictor.read([[model.vocabulary.start, *ids[:i]]])[0][0] for i in range(len(ids) + 1)]
        chances = log_probabilities(np.array(read, np.float64))
        assert np.allclose(it["logits"], read[-1], atol=2e-5)
        assert np.allclose(it["bits"], [-chances[i, x] / np.log(2) for i, x in enumerate(ids)], atol=1e-4)
        assert it["likeliest"] == np.argsort(-chances[:-1], kind="stable")[:, :3].tolist()


def test_the_ways_are_a_tree_with_back_and_forward():
    assert run_scripts(
        """
        const ways = new Ways();
        const settings = { length: 3, seed: 1n, index: 0 };
        const first = ways.add([1, 2], settings);
        first.written.push(3, 4, 5);
        const owners = [0, 2, 3, 5].map((place) => ways.owner(place) === first);
        const second = ways.add([1, 2, 3], settings, ways.owner(3));
        second.written.push(9);
        const deep = [2, 3, 4].map((place) => [null, first, second].indexOf(ways.owner(place)));
        ways.step(-1);
        const back = ways.current === first && !ways.canStep(-1) && ways.canStep(1);
        ways.step(1);
        const forward = ways.current === second;
        ways.step(-1);
        ways.show(second);
        return { owners, deep, back, forward, asked: ways.timesAsked([1, 2, 3], { ...settings, index: 5 }),
          never: ways.timesAsked([1, 2], { ...settings, seed: 2n }), seen: ways.seen.length, whole: wholeOf(second) };
        """,
        None,
    ) == {
        "owners": [False, False, True, True],
        "deep": [0, 1, 2],
        "back": True,
        "forward": True,
        "asked": 1,
        "never": 0,
        "seen": 2,
        "whole": [1, 2, 3, 9],
    }
