"""The weights of a mixture are those under which a text is least surprising."""

import numpy as np
import pytest

from textgen.counts.mixture import derivatives, fit, mixed, surprises


def random_experts(rng, rows=400, size=5):
    """Two experts of which the second knows more, and a text drawn from it."""
    truth = rng.normal(size=(rows, size))
    targets = np.array([rng.choice(size, p=np.exp(row) / np.exp(row).sum()) for row in truth])
    return [(truth + rng.normal(0, spread, truth.shape)).astype(np.float32) for spread in (2.0, 0.5)], targets


def test_fitted_weights_beat_either_expert_and_even_ones():
    rng = np.random.default_rng(1)
    experts, targets = random_experts(rng)
    gates = rng.integers(0, 3, len(targets))
    weights = fit(gates, experts, targets, np.full((3, 2), 0.5))

    def nats(weights):
        return surprises(mixed(np.array(weights, np.float32), gates, experts), targets).sum()

    best = nats(weights)
    assert all(best < nats([pair] * 3) for pair in ((1, 0), (0, 1), (0.5, 0.5)))
    assert (weights[:, 1] > weights[:, 0]).all()


def test_derivatives_are_those_of_small_differences():
    rng = np.random.default_rng(2)
    experts, targets = random_experts(rng, 60)
    experts = [expert.astype(np.float64) for expert in experts]
    gates, centre = rng.integers(0, 2, 60), np.zeros((2, 2))
    weights, step = rng.uniform(0.2, 0.8, (2, 2)), 1e-3

    def value(moved):
        return derivatives(moved, centre, gates, experts, targets, 3.0)

    _, gradient, curvature = value(weights)
    for gate in range(2):
        for k in range(2):
            moved = np.zeros((2, 2))
            moved[gate, k] = step
            up, down = value(weights + moved), value(weights - moved)
            assert gradient[gate, k] == pytest.approx((up[0] - down[0]) / (2 * step), rel=0.02, abs=0.1)
            assert curvature[gate, k] == pytest.approx((up[1] - down[1])[gate] / (2 * step), rel=0.02, abs=0.1)


def test_a_gate_that_is_never_met_has_the_weights_of_all():
    experts, targets = random_experts(np.random.default_rng(3))
    weights = fit(np.zeros(len(targets), int), experts, targets, np.full((2, 2), 0.5))
    assert np.abs(weights[1] - weights[0]).max() < 0.05
