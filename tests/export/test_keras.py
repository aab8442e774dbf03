"""Runs as .keras files for stock Keras, and Keras models as runs."""

import json
import subprocess
import sys
import zipfile

import h5py
import numpy as np
import pytest
from exported import make_run
from hypothesis import given, settings
from hypothesis import strategies as st
from support import SETTINGS, few, one_line_error, run_textgen

import textgen
from textgen.errors import TextgenError
from textgen.export.keras_import import import_keras
from textgen.inference.sampling import probabilities
from textgen.runs.run import Run

MODELS = [{"cell": "lstm", "num_layers": 2}, {"cell": "gru", "num_layers": 2}, {"cell": "rnn", "units": 7}]
STRANGER = """
import sys
sys.modules["textgen"] = None  # not there
import os
os.environ["KERAS_BACKEND"] = "tensorflow"
import keras, numpy as np
model = keras.models.load_model(sys.argv[1], safe_mode=True)
assert type(model) is keras.Sequential
np.save(sys.argv[3], keras.ops.softmax(model(np.load(sys.argv[2]))))
"""
TEXTBOOK = """
import os, sys
os.environ["KERAS_BACKEND"] = "tensorflow"
import keras
from keras import layers
v, folder = 29, sys.argv[1]
class Mine(layers.Dense): pass
bodies = {
    "good": [layers.Embedding(v, 8), layers.LSTM(12, return_sequences=True), layers.Dropout(0.2),
             layers.LSTM(12), layers.Dense(v, activation="softmax")],
    "gru": [layers.Embedding(v, 8), layers.GRU(12, return_sequences=True, dropout=0.3), layers.Dense(v)],
    "one_hot": [keras.Input((20, v)), layers.LSTM(12), layers.Dense(v, activation="softmax")],
    "each": [keras.Input((20, v)), layers.LSTM(12, return_sequences=True), layers.Dropout(0.2),
             layers.LSTM(12, return_sequences=True), layers.TimeDistributed(layers.Dense(v)),
             layers.Activation("softmax")],
    "lambda": [layers.Embedding(v, 8), layers.LSTM(12), layers.Lambda(lambda x: x * 2), layers.Dense(v)],
    "custom": [layers.Embedding(v, 8), layers.LSTM(12), Mine(v)],
    "bidirectional": [layers.Embedding(v, 8), layers.Bidirectional(layers.LSTM(12)), layers.Dense(v)],
    "stateful": [keras.Input((None,), batch_size=2), layers.Embedding(v, 8), layers.LSTM(12, stateful=True),
                 layers.Dense(v)],
    "relu": [layers.Embedding(v, 8), layers.LSTM(12, activation="relu"), layers.Dense(v)],
    "before": [layers.Embedding(v, 8), layers.GRU(12, reset_after=False), layers.Dense(v)],
    "mixed": [layers.Embedding(v, 8), layers.LSTM(12, return_sequences=True), layers.GRU(12), layers.Dense(v)],
    "widths": [layers.Embedding(v, 8), layers.LSTM(12, return_sequences=True), layers.LSTM(13), layers.Dense(v)],
    "sizes": [layers.Embedding(v, 8), layers.LSTM(12), layers.Dense(v - 1)],
}
for name, body in bodies.items():
    model = keras.Sequential(body)
    if name not in ("stateful", "one_hot", "each"):
        model.build((None, 5))
    if name == "good":
        model.compile("adam", "sparse_categorical_crossentropy")
    model.save(f"{folder}/{name}.keras")
    if name in ("good", "gru", "one_hot", "each"):
        model.save(f"{folder}/{name}.h5")
        model.save_weights(f"{folder}/{name}.weights.h5")
ids = keras.Input((None,))
keras.Model(ids, layers.Dense(v)(layers.LSTM(12)(layers.Embedding(v, 8)(ids)))).save(f"{folder}/functional.keras")
good = keras.models.load_model(f"{folder}/good.keras")
import numpy as np
ids = np.arange(20)[None] % v
np.save(f"{folder}/good.npy", good.predict(ids, verbose=0)[0])
for name in ("one_hot", "each"):
    model = keras.models.load_model(f"{folder}/{name}.keras")
    np.save(f"{folder}/{name}.npy", model.predict(np.eye(v)[ids], verbose=0)[0])
class Tutorial(keras.Model):
    def __init__(self):
        super().__init__()
        self.embedding, self.gru, self.dense = bodies["gru"]
    def call(self, ids):
        return self.dense(self.gru(self.embedding(ids)))
tutorial = Tutorial()
tutorial(ids)
tutorial.save_weights(f"{folder}/gru.tutorial.weights.h5")
"""
CHARACTERS = [*"\n abcdefghijklmnopqrstuvwxyz."]


@pytest.fixture(scope="module")
def textbook(tmp_path_factory):
    """A folder of models that Keras has saved, good and bad, and of the characters of the good ones."""
    folder = tmp_path_factory.mktemp("textbook")
    done = subprocess.run([sys.executable, "-c", TEXTBOOK, folder], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    (folder / "idx2char.json").write_text(json.dumps(CHARACTERS))
    return folder


@pytest.mark.parametrize("model", few(MODELS), ids=lambda model: model["cell"])
def test_stock_keras_opens_a_run_where_there_is_no_textgen(tmp_path, model):
    run = make_run(tmp_path / "run", **model)
    done = run_textgen("export", run, tmp_path / "run.keras")
    assert done.returncode == 0 and "run.keras: 0." in done.stderr, done.stderr
    ids = np.random.default_rng(0).integers(28, size=(3, 30))
    np.save(tmp_path / "ids.npy", ids)
    arguments = [tmp_path / name for name in ("run.keras", "ids.npy", "found.npy")]
    done = subprocess.run([sys.executable, "-c", STRANGER, *arguments], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    network = textgen.load(run).predictor
    state = network.initial_state(3)
    expected = np.stack([probabilities(network.step(column, state).astype(np.float64)) for column in ids.T], 1)
    assert np.abs(np.load(tmp_path / "found.npy") - expected).max() < 1e-5
    with zipfile.ZipFile(tmp_path / "run.keras") as archive:
        assert json.loads(archive.read("vocabulary.json"))["characters"][0] == "\n"


@pytest.mark.parametrize("model", few(MODELS), ids=lambda model: model["cell"])
def test_there_and_back_is_the_same_run(tmp_path, model):
    run = make_run(tmp_path / "run", **model)
    assert run_textgen("export", run, tmp_path / "file", "--format", "keras").returncode == 0
    done = run_textgen("import", tmp_path / "file", "--out", tmp_path / "back")
    assert done.returncode == 0, done.stderr
    texts = [run_textgen("sample", path, "-l", "200", "--rng-seed", "3").stdout for path in (run, tmp_path / "back")]
    assert texts[0] == texts[1]


def test_a_textbook_model_samples_scores_and_is_trained_on(textbook, corpus_path, tmp_path):
    run = tmp_path / "run"
    arguments = ("import", textbook / "good.keras", "--vocabulary", textbook / "idx2char.json", "--out", run)
    done = run_textgen(*arguments)
    assert done.returncode == 0 and done.stdout == "" and done.stderr == f"{run}: lstm 2x12\n"
    network = textgen.load(run).predictor
    logits = network.read([list(range(20))])[0]
    assert np.abs(probabilities(logits[0].astype(np.float64)) - np.load(textbook / "good.npy")).max() < 1e-5
    assert len(run_textgen("sample", run, "-s", "the ", "-l", "20").stdout) >= 24
    assert float(run_textgen("score", run, input="the lazy dog\n").stdout) > 0
    settings = [*SETTINGS[2:4], "--steps", "5"]
    trained = run_textgen("train", corpus_path, "--from", run, "--out", tmp_path / "on", *settings)
    assert trained.returncode == 0 and f"begins with the weights of {run}" in trained.stderr, trained.stderr
    assert "exists" in one_line_error(run_textgen(*arguments), 1)
    one_line_error(run_textgen("train", "--resume", run, "--steps", "1"), 1)
    one_line_error(run_textgen("score", run, "--split", "train"), 1)
    assert run_textgen("export", run, tmp_path / "page.html").returncode == 0


@pytest.mark.parametrize("name", ["one_hot", "each"])
def test_the_model_of_most_tutorials_says_what_keras_says(textbook, tmp_path, name):
    notes = []
    import_keras(textbook / f"{name}.keras", textbook / "idx2char.json", tmp_path / "run", notes.append)
    assert notes == ["its input is one-hot; it was trained on windows of 20 characters that started from a zero state"]
    logits = textgen.load(tmp_path / "run").predictor.read([list(range(20))])[0]
    expected = np.atleast_2d(np.load(textbook / f"{name}.npy"))[-1]
    assert np.abs(probabilities(logits[0].astype(np.float64)) - expected).max() < 1e-5


@pytest.mark.parametrize("name", ["good.h5", "gru.h5", "gru.tutorial.weights.h5", "one_hot.h5", "each.h5"])
def test_hdf5_of_keras_3_has_the_weights_of_the_same_model(textbook, tmp_path, name):
    model = name.split(".")[0]
    names = {f"{model}.keras", f"{model}.weights.h5", name}
    for each in names:
        import_keras(textbook / each, textbook / "idx2char.json", tmp_path / each)
    found = [Run(tmp_path / each).weights_path("best").read_bytes() for each in names]
    assert found == found[:1] * 3


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("lambda", "has a Lambda layer"),
        ("custom", "has a Mine layer"),
        ("bidirectional", "has a Bidirectional layer"),
        ("stateful", "has stateful True"),
        ("relu", "has activation relu"),
        ("before", "has reset_after False"),
        ("mixed", "its layers are Embedding, LSTM, GRU, Dense"),
        ("widths", "12, 13 units"),
        ("sizes", "different vocabularies"),
        ("functional", "is a Functional model"),
    ],
)
def test_what_it_cannot_take_is_said_in_one_line(textbook, tmp_path, name, reason):
    model = textbook / f"{name}.keras"
    done = run_textgen("import", model, "--vocabulary", textbook / "idx2char.json", "--out", tmp_path / "run")
    message = one_line_error(done, 1)
    assert reason in message and str(model) in message and not list(tmp_path.iterdir())


def saved(path, value) -> None:
    """Write a list of characters in the form of its suffix."""
    if path.suffix == ".npy":
        np.save(path, value, allow_pickle=True)
    else:
        path.write_text(json.dumps(value))


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("idx2char.npy", np.array(CHARACTERS)),
        ("idx2char.json", CHARACTERS),
        ("idx2char.json", {str(i): c for i, c in enumerate(CHARACTERS)}),
        ("char2idx.json", {c: i for i, c in enumerate(CHARACTERS)}),
        ("vocabulary.json", {"format_version": 1, "characters": CHARACTERS}),
        ("lookup.json", ["[UNK]", *CHARACTERS[:-1]]),
    ],
)
def test_lists_of_characters_come_in_many_forms(textbook, tmp_path, name, value):
    saved(tmp_path / name, value)
    import_keras(textbook / "gru.keras", tmp_path / name, tmp_path / "run")
    found = textgen.load(tmp_path / "run").vocabulary.idx2char
    assert list(found) == (["\ufffd", *CHARACTERS[:-1]] if "lookup" in name else CHARACTERS)


@pytest.mark.parametrize(
    ("name", "value", "reason"),
    [
        ("short.json", CHARACTERS[:-1], "28 characters; the model knows 29"),
        ("twice.json", [*CHARACTERS[:-1], "a"], "a character twice"),
        ("words.json", [*CHARACTERS[:-1], "dog"], "single characters"),
        ("line.json", ["x" if c == "\n" else c for c in CHARACTERS], "a character twice"),
        ("number.json", 7, "expected a JSON list"),
        ("gap.json", {c: 2 * i for i, c in enumerate(CHARACTERS)}, "its ids are not 0 to 28"),
        ("objects.npy", np.array(CHARACTERS, object), "expected an array of strings"),
        ("floats.npy", np.zeros(29), "expected an array of strings"),
    ],
)
def test_a_list_that_does_not_fit_is_refused(textbook, tmp_path, name, value, reason):
    saved(tmp_path / name, value)
    with pytest.raises(TextgenError, match=reason):
        import_keras(textbook / "gru.keras", tmp_path / name, tmp_path / "run")
    assert not (tmp_path / "run").exists()


def changed(source, target, name, content) -> None:
    """Copy an archive with another content of one member."""
    with zipfile.ZipFile(source) as old, zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as new:
        for member in old.namelist():
            new.writestr(member, content if member == name else old.read(member))


def test_weights_that_lead_elsewhere_or_claim_too_much_are_not_followed(textbook, tmp_path):
    with zipfile.ZipFile(textbook / "good.keras") as archive:
        weights = archive.read("model.weights.h5")
    place = "layers/dense/vars/0"
    secret = tmp_path / "secret.h5"
    with h5py.File(secret, "w") as file:
        file[place] = np.zeros((12, 29), np.float32)

    def external(file):
        file.create_dataset(place, (12, 29), "f4", external=[(str(secret), 0, h5py.h5f.UNLIMITED)])

    def virtual(file):
        layout = h5py.VirtualLayout((12, 29), "f4")
        layout[:] = h5py.VirtualSource(str(secret), place, (12, 29))
        file.create_virtual_dataset(place, layout)

    spoiled = {
        "link": lambda file: file.__setitem__(place, h5py.ExternalLink(str(secret), place)),
        "soft": lambda file: file.__setitem__(place, h5py.SoftLink("/layers/dense/vars/1")),
        "external": external,
        "virtual": virtual,
        "empty": lambda file: file.create_dataset(place, (12, 29), "f4", chunks=(12, 29)),
        "shape": lambda file: file.create_dataset(place, (29, 12), "f4"),
        "objects": lambda file: file.create_dataset(place, (12, 29), h5py.string_dtype()),
        "nan": lambda file: file.__setitem__(place, np.full((12, 29), np.nan, np.float32)),
        "none": lambda file: None,
    }
    for name, spoil in spoiled.items():
        (tmp_path / "weights.h5").write_bytes(weights)
        with h5py.File(tmp_path / "weights.h5", "r+") as file:
            del file[place]
            spoil(file)
        content = (tmp_path / "weights.h5").read_bytes()
        changed(textbook / "good.keras", tmp_path / f"{name}.keras", "model.weights.h5", content)
        with pytest.raises(TextgenError, match="its weights"):
            import_keras(tmp_path / f"{name}.keras", textbook / "idx2char.json", tmp_path / "run")
    changed(textbook / "good.keras", tmp_path / "bomb.keras", "model.weights.h5", bytes(50_000_000))
    with pytest.raises(TextgenError, match="claims 50,000,000 bytes"):
        import_keras(tmp_path / "bomb.keras", textbook / "idx2char.json", tmp_path / "run")


@pytest.mark.thorough
@settings(max_examples=150)
@given(place=st.floats(0, 1, exclude_max=True), piece=st.binary(min_size=1, max_size=8), cut=st.booleans())
def test_a_damaged_file_is_read_or_refused_in_one_line(textbook, tmp_path_factory, place, piece, cut):
    data = bytearray((textbook / "gru.keras").read_bytes())
    at = int(place * len(data))
    data[at : at + len(piece)] = piece
    folder = tmp_path_factory.mktemp("damaged")
    (folder / "gru.keras").write_bytes(data[:at] if cut else data)
    try:
        import_keras(folder / "gru.keras", textbook / "idx2char.json", folder / "run")
    except TextgenError as error:
        assert str(folder) in str(error)
        assert not (folder / "run").exists()
