"""The Sequential model: Embedding, recurrent layers with dropout, Dense."""

from __future__ import annotations

from collections.abc import Sequence

import keras
import numpy as np
import tensorflow as tf

from textgen.config import ModelConfig
from textgen.training.cells import CELLS
from textgen.training.dropout import Dropout

States = list[tuple[tf.Tensor, ...]]
"""For each recurrent layer its state tensors, (B, H) each: hidden, and for an LSTM cell."""


def build_model(config: ModelConfig, vocabulary_size: int, dtype: str = "float32") -> keras.Sequential:
    """The network for a vocabulary: ids (B, T) to logits (B, T, V); `dtype` is a policy of Keras."""
    layers = [keras.layers.Embedding(vocabulary_size, config.embedding_dim, name="embedding", dtype=dtype)]
    for index in range(config.num_layers):
        name = f"{config.cell}_{index}"
        layers.append(CELLS[config.cell](config.units, return_sequences=True, name=name, dtype=dtype))
        if config.dropout:
            layers.append(keras.layers.Dropout(config.dropout, (None, 1, None), name=f"dropout_{index}", dtype=dtype))
    layers.append(keras.layers.Dense(vocabulary_size, name="dense", dtype=dtype))
    model = keras.Sequential(layers, name="textgen")
    model.build((None, None))
    return model


def recurrent_layers(model: keras.Sequential) -> list[keras.layers.RNN]:
    """The layers that carry a state, first to last."""
    return [layer for layer in model.layers if isinstance(layer, keras.layers.RNN)]


def zero_states(model: keras.Sequential, batch_size: int) -> States:
    """The state before any character."""
    return [
        tuple(tf.zeros((batch_size, layer.units)) for _ in range(layer.step.states))
        for layer in recurrent_layers(model)
    ]


def unroll(
    model: keras.Sequential, ids: tf.Tensor, states: States, dropout: Dropout | None = None
) -> tuple[tf.Tensor, States]:
    """Run a model over windows from explicit states, which a Sequential model has no way to pass.

    Everything is time-major, as the recurrent layers read it.

    Args:
        model: from `build_model`.
        ids: (T, B) integers.
        states: the state before the windows.
        dropout: what to leave out; None is nothing.

    Returns:
        Logits (T, B, V), and the states after the windows.
    """
    embedding, *layers = model.layers
    own_loop = uses_own_loop(dropout)
    look_up = own_loop and embedding.input_dim < ids.shape[0] * ids.shape[1]
    values, before = ids if look_up else embedding(ids), iter(states)
    after: States = []
    for layer in layers:
        if isinstance(layer, keras.layers.RNN) and own_loop:
            kernel = tf.convert_to_tensor(layer.cell.recurrent_kernel)
            kernel = dropout.kernel(kernel, len(after)) if dropout else kernel
            if look_up and not after:
                embeddings = tf.convert_to_tensor(embedding.embeddings)
                values, state = layer.run_ids(ids, embeddings, next(before), kernel)
            else:
                values, state = layer.run(values, next(before), kernel)
            after.append(state)
        elif isinstance(layer, keras.layers.RNN):
            initial = [tf.cast(state, layer.compute_dtype) for state in next(before)]
            _, values, state = layer.inner_loop(batch_first(values), initial, None, dropout is not None)
            values = batch_first(values)
            after.append(tuple(tf.cast(value, tf.float32) for value in state))
        elif isinstance(layer, keras.layers.Dropout):
            values = dropout.outputs(values, len(after), layer.rate) if dropout else values
        else:
            values = layer(values)
    return tf.cast(values, tf.float32), after


def uses_own_loop(dropout: Dropout | None = None) -> bool:
    """Whether the layers run through our loop: on the CPU, or where recurrent weights are dropped.

    Elsewhere Keras's own is taken, which on a GPU is cuDNN's.
    """
    return bool(dropout and dropout.recurrent_rate) or not tf.config.list_logical_devices("GPU")


def batch_first(values: tf.Tensor) -> tf.Tensor:
    """(T, B, D) to (B, T, D), and back."""
    return tf.transpose(values, (1, 0, 2))


def named_weights(model: keras.Sequential) -> dict[str, keras.Variable]:
    """The weights by name, as `lstm_0/recurrent_kernel`, in Keras's shapes."""
    return {f"{layer.name}/{w.name}": w for layer in model.layers for w in layer.trainable_weights}


def kernels(model: keras.Sequential) -> list[keras.Variable]:
    """The matrices that penalties and weight decay apply to: no biases, no embedding."""
    return [w for name, w in named_weights(model).items() if name.endswith("kernel")]


def weight_arrays(model: keras.Sequential) -> dict[str, np.ndarray]:
    """The values of `named_weights`."""
    return {name: np.asarray(w.numpy()) for name, w in named_weights(model).items()}


def assign_weights(variables: Sequence[keras.Variable], values: Sequence[tf.Tensor | np.ndarray]) -> None:
    """Set variables to values of the same shapes."""
    for variable, value in zip(variables, values, strict=True):
        variable.assign(value)
