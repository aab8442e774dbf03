"""Batches are contiguous, cover the text and depend on seed, epoch and window alone."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from textgen.errors import CorpusError
from textgen.training.streams import Streams, carried, fit_window

TEXT = np.arange(1000, dtype=np.uint16)


def test_windows_follow_one_another_in_every_stream():
    streams = Streams(TEXT, 1000, 4, 16, rng_seed=0)
    for window in range(streams.windows_per_epoch - 1):
        now, after = streams.batch(0, window), streams.batch(0, window + 1)
        np.testing.assert_array_equal(now[:, -1], after[:, 0])
        np.testing.assert_array_equal((now[:, 0] + 16) % 1000, now[:, -1])


def test_streams_do_not_overlap_in_an_epoch():
    streams = Streams(TEXT, 1000, 4, 16, rng_seed=0)
    seen = np.concatenate([streams.batch(3, w)[:, :-1].ravel() for w in range(streams.windows_per_epoch)])
    assert len(set(seen)) == len(seen) == 960


def test_epochs_and_seeds_start_elsewhere_and_repeat_exactly():
    first = Streams(TEXT, 1000, 2, 8, rng_seed=5)
    again = Streams(TEXT, 1000, 2, 8, rng_seed=5)
    other = Streams(TEXT, 1000, 2, 8, rng_seed=6)
    assert (first.batch(2, 1) == again.batch(2, 1)).all()
    assert (first.batch(2, 1) != first.batch(3, 1)).any()
    assert (first.batch(2, 1) != other.batch(2, 1)).any()


def test_ids_beyond_the_vocabulary_are_refused():
    with pytest.raises(CorpusError, match="beyond the vocabulary"):
        Streams(TEXT, 999, 1, 999, rng_seed=0).batch(0, 0)


@given(st.integers(2, 10_000), st.integers(1, 100), st.integers(1, 500))
def test_any_text_fills_the_fitted_window(characters, batch_size, seq_length):
    batch, window = fit_window(characters, batch_size, seq_length)
    assert 1 <= batch <= batch_size
    assert 1 <= window <= seq_length
    streams = Streams(np.zeros(characters, np.uint8), 1, batch, window, rng_seed=0)
    assert streams.windows_per_epoch >= 1
    assert streams.batch(0, streams.windows_per_epoch - 1).shape == (batch, window + 1)


@given(st.integers(1, 64), st.integers(1, 64))
def test_every_stream_starts_anew_once_in_carry_windows(batch_size, carry):
    kept = np.stack([carried(window, batch_size, carry) for window in range(1, carry + 1)])
    assert ((kept == 0).sum(0) == 1).all()
