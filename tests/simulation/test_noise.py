"""Numbers by identity: scalar and array forms agree, and are as random as they should be.

Moments of 100,000 numbers: a tolerance of 0.005 is more than 5 standard errors."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tts_search.simulation.noise import draws, fold, mix, name, uniform, uniforms

bits = st.integers(0, 2**64 - 1)


@given(st.lists(bits, min_size=1, max_size=20), bits)
def test_scalars_and_arrays_are_identical(states, value):
    array = np.array(states, dtype=np.uint64)
    assert mix(array).tolist() == [mix(s) for s in states]
    assert fold(array, value).tolist() == [fold(s, value) for s in states]
    assert fold(array, array[::-1]).tolist() == list(map(fold, states, states[::-1]))
    assert uniforms(array, 3).tolist() == [[uniform(s, k) for s in states] for k in range(3)]
    assert [draws(s, 3) for s in states] == uniforms(array, 3).T.tolist()
    assert uniform(array, 2).tolist() == uniforms(array, 3)[2].tolist()


def test_mix_is_splitmix64():
    """First outputs for seed 1234567 of the reference program (prng.di.unimi.it/splitmix64.c)."""
    golden, first = 0x9E3779B97F4A7C15, [6457827717110365317, 3203168211198807973]
    assert [mix((1234567 + k * golden) % 2**64) for k in (1, 2)] == first


@pytest.mark.parametrize("made", ["counting", "named"])
def test_numbers_are_uniform_and_independent_between_states_and_streams(made):
    states = range(12_500) if made == "counting" else [name(f"q{i}") for i in range(12_500)]
    u = uniforms(np.array(states, dtype=np.uint64), 8)
    assert u.min() >= 0
    assert u.max() < 1
    assert abs(u.mean() - 0.5) < 0.005
    assert abs(u.var() - 1 / 12) < 0.005
    near = np.abs(np.corrcoef(u) - np.eye(8)).max()  # streams: standard error 0.009
    assert near < 0.05
    assert abs(np.corrcoef(u[:, 1:].ravel(), u[:, :-1].ravel())[0, 1]) < 0.02  # states


def test_order_matters_in_a_fold():
    assert fold(fold(1, 2), 3) != fold(fold(1, 3), 2)
    assert name("a") != name("b")
