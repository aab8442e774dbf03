"""Models in HDF5, as Keras 2 and 3 write them, and what is no such model."""

import json
import struct

import h5py
import numpy as np
import pytest
from exported import keras_layers, make_run, save_keras2, save_keras3
from safetensors.numpy import load_file, save_file
from support import one_line_error, run_textgen

import textgen
from textgen.data.vocabulary import Vocabulary
from textgen.errors import ModelError, TextgenError
from textgen.export import hdf5
from textgen.export.keras_import import import_keras
from textgen.runs.run import Run

MODELS = [{"cell": "lstm", "num_layers": 2}, {"cell": "gru", "num_layers": 12}, {"cell": "rnn", "units": 7}]
CHARACTERS = [*"\nabcdefghijklmnopqrstuvwxyz "]
SIZE = len(CHARACTERS)


@pytest.fixture
def characters(tmp_path):
    """The file of the characters of `make_run`."""
    (tmp_path / "idx2char.json").write_text(json.dumps(CHARACTERS))
    return tmp_path / "idx2char.json"


def weights_of(run) -> dict[str, np.ndarray]:
    """The weights of a run."""
    return load_file(Run(run).weights_path("best"))


def make_one_hot(path, **model):
    """A run whose embedding is the identity."""
    run = make_run(path, embedding_dim=SIZE, **model)
    weights = weights_of(run) | {"embedding/embeddings": np.eye(SIZE, dtype=np.float32)}
    save_file(weights, Run(run).weights_path("best"))
    return run


def same_weights(one, other) -> bool:
    """Whether two runs have the same network."""
    found, expected = weights_of(one), weights_of(other)
    return found.keys() == expected.keys() and all(np.array_equal(found[name], expected[name]) for name in expected)


@pytest.mark.parametrize("form", ["model", "weights", "numbered"])
@pytest.mark.parametrize("model", MODELS, ids=lambda model: model["cell"])
def test_each_layout_gives_the_same_run(tmp_path, characters, model, form):
    run = make_run(tmp_path / "run", **model)
    parts = keras_layers(run)
    file = tmp_path / "model.hdf5"
    if form == "numbered":
        save_keras3(file, *parts)
    else:
        save_keras2(file, *parts, architecture=form == "model")
    done = run_textgen("import", file, "--vocabulary", characters, "--out", tmp_path / "back")
    assert done.returncode == 0 and ("weights alone" in done.stderr) == (form != "model"), done.stderr
    assert same_weights(tmp_path / "back", run)


@pytest.mark.parametrize("form", ["model", "weights", "numbered"])
def test_one_hot_input_has_the_identity_for_an_embedding(tmp_path, characters, form):
    run = make_one_hot(tmp_path / "run", num_layers=2)
    parts = keras_layers(run, window=40)
    if form == "numbered":
        save_keras3(tmp_path / "model.h5", *parts)
    else:
        save_keras2(tmp_path / "model.h5", *parts, architecture=form == "model")
    done = run_textgen("import", tmp_path / "model.h5", "--vocabulary", characters, "--out", tmp_path / "back")
    length = " of 40 characters" if form == "model" else ""
    assert f"one-hot; it was trained on windows{length} that started from a zero state" in done.stderr, done.stderr
    assert same_weights(tmp_path / "back", run)
    assert len(run_textgen("sample", tmp_path / "back", "-l", "20").stdout) >= 20


def test_a_model_without_the_line_end_reads_it_as_a_space_and_writes_none(tmp_path):
    run = make_run(tmp_path / "run")
    save_keras2(tmp_path / "model.h5", *keras_layers(run))
    (tmp_path / "list.json").write_text(json.dumps(["0", *CHARACTERS[1:]]))
    notes = []
    import_keras(tmp_path / "model.h5", tmp_path / "list.json", tmp_path / "back", notes.append)
    assert any("lack the line end" in note for note in notes)
    network = textgen.load(tmp_path / "back").predictor
    space, line = (Vocabulary.load(tmp_path / "back").char2idx[c] for c in " \n")
    read = network.read([[3, space, 5]])[0], network.read([[3, line, 5]])[0]
    assert np.array_equal(*read)
    assert np.allclose(read[0][..., line], read[0][..., space] - 14, atol=1e-5)
    assert np.array_equal(read[0][..., :SIZE], textgen.load(run).predictor.read([[3, space, 5]])[0])


def test_a_sequential_model_of_the_first_keras_2_is_a_list_of_layers(tmp_path, characters):
    run = make_run(tmp_path / "run")
    layers, parts = keras_layers(run)
    layers[-1]["config"]["activation"] = "linear"
    layers.append({"class_name": "Activation", "config": {"name": "activation_1", "activation": "softmax"}})
    save_keras2(tmp_path / "model.h5", layers, parts)
    with h5py.File(tmp_path / "model.h5", "r+") as file:
        file.attrs["model_config"] = json.dumps({"class_name": "Sequential", "config": layers}).encode()
    import_keras(tmp_path / "model.h5", characters, tmp_path / "back")
    assert same_weights(tmp_path / "back", run)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"recurrent_activation": "hard_sigmoid"}, "has recurrent_activation hard_sigmoid"),
        ({"class_name": "CuDNNLSTM"}, "has a CuDNNLSTM layer"),
        ({"class_name": "Mine>LSTM"}, "has a Mine>LSTM layer"),
        ({"units": 21}, "its weights cannot be used: lstm_0/kernel is"),
        ({"units": 2**40}, "units: Expected int <= 16384"),
        ({"name": "gone"}, "its weights cannot be used: found 3 arrays, expected 6"),
    ],
)
def test_what_cannot_be_taken_is_said_in_one_line(tmp_path, characters, changes, reason):
    layers, parts = keras_layers(make_run(tmp_path / "run"))
    layers[1]["class_name"] = changes.pop("class_name", "LSTM")
    layers[1]["config"] |= changes
    save_keras2(tmp_path / "model.h5", layers, parts)
    with pytest.raises(TextgenError, match=reason):
        import_keras(tmp_path / "model.h5", characters, tmp_path / "back")
    assert not (tmp_path / "back").exists()


def test_weights_of_other_layers_are_refused_with_the_reason(tmp_path, characters):
    layers, parts = keras_layers(make_run(tmp_path / "run", num_layers=2))
    attention = [np.ones((46, 1), np.float32)]
    first, second, *_ = (parts.pop(name) for name in ("lstm_0", "lstm_1"))
    output = parts.pop("dense")
    cases = {
        "textgenrnn": parts | {"rnn_1": first, "rnn_2": second, "attention": attention, "output": output},
        "does not say which comes first of above, below": parts | {"above": first, "below": second, "dense": output},
        "layer 'odd' with weights of": parts | {"lstm": first, "odd": [*output, *output], "dense": output},
    }
    for reason, weights in cases.items():
        path = tmp_path / "weights.h5"
        if reason == "textgenrnn":
            save_keras2(path, layers, weights, architecture=False)
        else:
            with h5py.File(path, "w") as file:
                for name, arrays in weights.items():
                    for i, array in enumerate(arrays):
                        file[f"{name}/vars/{i}"] = array
        done = run_textgen("import", path, "--vocabulary", characters, "--out", tmp_path / "back")
        assert reason in one_line_error(done, 1)


def crashing(data: bytes) -> bytes:
    """The leaf of a group's tree says that it is a node of the tree, and its own child."""
    tree = data.index(b"TREE")
    return data[: tree + 5] + b"\1" + data[tree + 6 : tree + 32] + struct.pack("<Q", tree) + data[tree + 40 :]


def hanging(data: bytes) -> bytes:
    """The leaf of a group's tree is the next one after itself."""
    tree = data.index(b"TREE")
    return data[: tree + 16] + struct.pack("<Q", tree) + data[tree + 24 :]


def hungry(data: bytes) -> bytes:
    """An attribute of 1,234 bytes claims to have 2 GB."""
    place = data.index(struct.pack("<I", 1234))
    return data[:place] + struct.pack("<I", 2**31 - 1) + data[place + 4 :]


@pytest.mark.parametrize("spoil", [crashing, hanging, hungry])
def test_a_crash_a_hang_and_hunger_of_the_library_are_one_line(tmp_path, monkeypatch, spoil):
    monkeypatch.setattr(hdf5, "SECONDS", 2)
    with h5py.File(tmp_path / "model.h5", "w") as file:
        file.attrs["model_config"] = "x" * 1234
        file["layers/dense/vars/0"] = np.ones((3, 4), np.float32)
    data = (tmp_path / "model.h5").read_bytes()
    (tmp_path / "model.h5").write_bytes(spoil(data))
    with pytest.raises(ModelError, match=r"cannot be read as HDF5: [^\n]+$"):
        import_keras(tmp_path / "model.h5", None, tmp_path / "back")
