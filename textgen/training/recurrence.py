"""A recurrent layer's way through a sequence, fast on a CPU, for every kind of cell.

Keras's own layers multiply every input by the kernel inside their time loop and let automatic differentiation add up
the kernels' gradients step by step. Here the input projection is one product for all time steps, and the gradient is
written out by hand (backpropagation through time: Werbos 1990), so that the loop holds a single recurrent product and
each kernel's gradient is one product over all time steps. What a cell does between two products is its `Step`;
`cells.py` has them.

All sequences are time-major here, (T, B, ...), because the loop reads one time step at a time.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple, Protocol

import tensorflow as tf

State = tuple[tf.Tensor, ...]
"""The state of a layer, (B, H) each, the hidden state first."""
InputAt = Callable[[tf.Tensor], tf.Tensor]
"""The projected inputs of a time step, (B, G * H)."""
Gradient = Callable[..., tuple[tf.Tensor | None, ...]]
"""From the gradients of some results to those of their arguments."""


class Factors(NamedTuple):
    """The gradients of one time step, without its recurrent product."""

    d_inputs: list[tf.Tensor]
    """Those of the projected inputs: G parts, (B, H) each."""
    d_product: list[tf.Tensor]
    """Those of the recurrent product: G parts."""
    d_before: tuple[tf.Tensor | None, ...]
    """Those of the state before the step, as far as they bypass the product; None is nothing."""


class Step(Protocol):
    """What a cell makes of its projected inputs and its recurrent product: pure functions, without weights.

    The arrays of a step are kept apart, for XLA does not vectorise a loop over several slices of one array.
    """

    gates: int
    """G: how many times H columns the kernels have."""
    states: int
    """How many tensors the state has."""
    kept: int
    """How many arrays (B, H) a step keeps for the way back, besides the states."""
    adds: bool
    """Whether inputs and product are only ever added up, so that they have the same gradients."""

    def forward(self, inputs: tf.Tensor, product: tf.Tensor, before: State) -> tuple[tuple[tf.Tensor, ...], State]:
        """What is kept, and the state after the step, of inputs and product (B, G * H) and the state before."""

    def backward(self, kept: Sequence[tf.Tensor], before: State, after: State, d_after: State) -> Factors:
        """The gradients of a step, from those of the state after it."""


def recurrence(step: Step, projected: tf.Tensor, weights: Sequence[tf.Tensor], state: State) -> State:
    """All steps of a recurrence, with its gradient.

    Args:
        step: the cell's arithmetic.
        projected: (T, B, G * H), the inputs times the kernel, bias added.
        weights: the recurrent kernel (H, G * H), and for a cell that has one the recurrent bias (G * H,).
        state: the state before the first step.

    Returns:
        The hidden states after every step, (T, B, H), and the rest of the last state.
    """
    steps = projected.shape[0] or tf.shape(projected)[0]

    @tf.custom_gradient
    def run(projected: tf.Tensor, *tensors: tf.Tensor) -> tuple[State, Gradient]:
        return _recurrence(step, lambda t: projected[t], steps, tensors[: len(weights)], tensors[len(weights) :])

    results: State = run(projected, *weights, *state)
    return results


def recurrence_of_ids(
    step: Step, table: tf.Tensor, ids: tf.Tensor, weights: Sequence[tf.Tensor], state: State
) -> State:
    """`recurrence` with the projected inputs looked up: row ids[t, b] of a table (V, G * H)."""
    steps = ids.shape[0] or tf.shape(ids)[0]

    @tf.custom_gradient
    def run(table: tf.Tensor, *tensors: tf.Tensor) -> tuple[State, Gradient]:
        results, gradient = _recurrence(
            step, lambda t: tf.gather(table, ids[t]), steps, tensors[: len(weights)], tensors[len(weights) :]
        )

        def table_gradient(*d_results: tf.Tensor) -> tuple[tf.Tensor | None, ...]:
            d_projected, *others = gradient(*d_results)
            return tf.math.unsorted_segment_sum(d_projected, ids, table.shape[0]), *others

        return results, table_gradient

    results: State = run(table, *weights, *state)
    return results


def _recurrence(
    step: Step, input_at: InputAt, steps: int | tf.Tensor, weights: Sequence[tf.Tensor], state: State
) -> tuple[State, Gradient]:
    """The results of `recurrence`, and the function from their gradients to those of its tensors."""
    kept, states = _forward(step, input_at, steps, weights, state)
    kernel, *biases = weights

    def gradient(*d_results: tf.Tensor) -> tuple[tf.Tensor | None, ...]:
        before = [tf.concat([first[None], array[:-1]], 0) for first, array in zip(state, states, strict=True)]
        d_inputs, d_product, d_state = _backward(step, kept, before, states, kernel, d_results)
        d_kernel = tf.tensordot(tf.cast(before[0], kernel.dtype), tf.cast(d_product, kernel.dtype), [[0, 1], [0, 1]])
        return d_inputs, d_kernel, *(tf.reduce_sum(d_product, [0, 1]) for _ in biases), *d_state

    return (states[0], *(array[-1] for array in states[1:])), gradient


def product(values: tf.Tensor, kernel: tf.Tensor) -> tf.Tensor:
    """A matrix product in the precision of the kernel, given back in that of the values."""
    return tf.cast(tf.cast(values, kernel.dtype) @ kernel, values.dtype)


def _forward(
    step: Step, input_at: InputAt, steps: int | tf.Tensor, weights: Sequence[tf.Tensor], state: State
) -> tuple[list[tf.Tensor], list[tf.Tensor]]:
    """What every step keeps, and the states after it, (T, B, H) each."""
    kernel, *biases = weights

    def body(t: tf.Tensor, arrays: tuple[tf.TensorArray, ...], *before: tf.Tensor) -> tuple[tf.Tensor, ...]:
        multiplied = product(before[0], kernel)
        for bias in biases:
            multiplied += bias
        kept, after = step.forward(input_at(t), multiplied, before)
        written = tuple(array.write(t, value) for array, value in zip(arrays, (*kept, *after), strict=True))
        return t + 1, written, *after

    arrays = tuple(
        tf.TensorArray(state[0].dtype, steps, element_shape=state[0].shape) for _ in range(step.kept + len(state))
    )
    _, arrays, *_ = tf.while_loop(lambda t, *_: t < steps, body, (0, arrays, *state), maximum_iterations=steps)
    stacked = [array.stack() for array in arrays]
    return stacked[: step.kept], stacked[step.kept :]


def _backward(
    step: Step,
    kept: list[tf.Tensor],
    before: list[tf.Tensor],
    after: list[tf.Tensor],
    kernel: tf.Tensor,
    d_results: Sequence[tf.Tensor],
) -> tuple[tf.Tensor, tf.Tensor, State]:
    """The gradients of the inputs and of the recurrent products (T, B, G * H), and of the first state (B, H)."""
    hiddens, (d_hiddens, *d_last) = after[0], d_results
    steps = hiddens.shape[0] or tf.shape(hiddens)[0]
    transposed = tf.transpose(kernel)

    def body(t: tf.Tensor, arrays: tuple[tf.TensorArray, ...], *d_state: tf.Tensor) -> tuple[tf.Tensor, ...]:
        kept_now, before_now, after_now = (tuple(array[t] for array in some) for some in (kept, before, after))
        d_after = (d_state[0] + d_hiddens[t], *d_state[1:])
        d_inputs, d_product, d_before = step.backward(kept_now, before_now, after_now, d_after)
        joined = [tf.concat(parts, -1) for parts in ((d_inputs,) if step.adds else (d_inputs, d_product))]
        d_hidden = product(joined[-1], transposed)
        d_hidden = d_hidden if d_before[0] is None else d_hidden + d_before[0]
        written = tuple(array.write(t, value) for array, value in zip(arrays, joined, strict=True))
        return t - 1, written, d_hidden, *d_before[1:]

    batch, units = hiddens.shape[1:]
    shape = (batch, step.gates * units)
    arrays = tuple(tf.TensorArray(hiddens.dtype, steps, element_shape=shape) for _ in range(1 if step.adds else 2))
    first = (steps - 1, arrays, tf.zeros_like(hiddens[0]), *d_last)
    _, arrays, *d_state = tf.while_loop(lambda t, *_: t >= 0, body, first, maximum_iterations=steps)
    stacked = [array.stack() for array in arrays]
    return stacked[0], stacked[-1], tuple(d_state)
