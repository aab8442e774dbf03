"""The model's weights are those of stock Keras layers, and NumPy steps it to the same logits."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from support import few

import textgen.training  # noqa: F401
from textgen.config import ModelConfig
from textgen.inference.network import Network
from textgen.runs.weights import weight_shapes
from textgen.training.model import build_model, unroll, uses_own_loop, weight_arrays, zero_states

VOCABULARY = 11
STOCK = {"lstm": keras.layers.LSTM, "gru": keras.layers.GRU, "rnn": keras.layers.SimpleRNN}


def config_of(cell, num_layers):
    return ModelConfig(cell=cell, num_layers=num_layers, units=9, embedding_dim=5, dropout=0.2)


def model_and_ids(config):
    model = build_model(config, VOCABULARY)
    generator = np.random.default_rng(0)
    model.set_weights([0.5 * generator.normal(size=w.shape) for w in model.get_weights()])
    return model, generator.integers(0, VOCABULARY, (3, 12)).astype(np.int32)


def logits_of(model, ids):
    logits, _ = unroll(model, tf.constant(ids.T), zero_states(model, len(ids)))
    return logits.numpy().swapaxes(0, 1)


@pytest.mark.parametrize("num_layers", few([2, 1, 3]))
@pytest.mark.parametrize("cell", ["lstm", "gru", "rnn"])
def test_numpy_and_keras_agree_on_logits(cell, num_layers):
    config = config_of(cell, num_layers)
    model, ids = model_and_ids(config)
    network = Network(weight_arrays(model), config)
    state = network.initial_state(len(ids))
    stepped = np.stack([network.step(column, state).copy() for column in ids.T], 1)
    np.testing.assert_allclose(stepped, logits_of(model, ids), atol=1e-5)


def test_numpy_network_without_a_table_agrees_too(monkeypatch):
    config = config_of("lstm", 1)
    model, ids = model_and_ids(config)
    monkeypatch.setattr("textgen.inference.network.TABLE_BYTES", 0)
    network = Network(weight_arrays(model), config)
    assert network.table is None
    logits = network.step(ids[:, 0], network.initial_state(len(ids)))
    np.testing.assert_allclose(logits, logits_of(model, ids)[:, 0], atol=1e-5)


@pytest.mark.parametrize("cell", ["lstm", "gru", "rnn"])
def test_weights_load_into_stock_keras_layers(cell):
    config = config_of(cell, 2)
    model, ids = model_and_ids(config)
    stock = keras.Sequential(
        [
            keras.layers.Embedding(VOCABULARY, config.embedding_dim),
            *(STOCK[cell](config.units, return_sequences=True) for _ in range(2)),
            keras.layers.Dense(VOCABULARY),
        ]
    )
    stock.build((None, None))
    stock.set_weights([w.numpy() for w in model.trainable_variables])
    np.testing.assert_allclose(stock(ids).numpy(), logits_of(model, ids), atol=1e-5)


@pytest.mark.parametrize("cell", ["lstm", "gru", "rnn"])
def test_sequential_call_equals_unrolling_from_zero(cell):
    model, ids = model_and_ids(config_of(cell, 2))
    np.testing.assert_allclose(model(ids).numpy(), logits_of(model, ids), atol=1e-5)


@pytest.mark.parametrize("num_layers", [1, 3])
@pytest.mark.parametrize("cell", ["lstm", "gru", "rnn"])
def test_sampling_expects_the_shapes_that_training_makes(cell, num_layers):
    config = config_of(cell, num_layers)
    made = {name: w.shape for name, w in weight_arrays(build_model(config, VOCABULARY)).items()}
    assert made == weight_shapes(config, VOCABULARY)


@pytest.mark.skipif(not tf.config.list_physical_devices("GPU"), reason="no GPU: cuDNN's LSTM cannot be tried here")
def test_on_a_gpu_cudnn_gives_the_logits_of_the_cpu():
    config = config_of("lstm", 2)
    model, ids = model_and_ids(config)
    assert not uses_own_loop()
    network = Network(weight_arrays(model), config)
    state = network.initial_state(len(ids))
    stepped = np.stack([network.step(column, state).copy() for column in ids.T], 1)
    graph = tf.function(lambda: unroll(model, tf.constant(ids.T), zero_states(model, len(ids)))[0])
    np.testing.assert_allclose(stepped, graph().numpy().swapaxes(0, 1), atol=1e-3)
    operations = {operation.type for operation in graph.get_concrete_function().graph.get_operations()}
    assert any(kind.startswith("CudnnRNN") for kind in operations)
