"""Choosing tokens: exact filters, reproducible seeds."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from runtime.engine_api import Sampling
from runtime.sampling import Logits, Sampler, _drawn, likeliest, log_normaliser


def logits(*probabilities: float) -> Logits:
    return np.log(np.array(probabilities, dtype=np.float32))


def draws(sampling: Sampling, row: Logits, count: int = 400, index: int = 0) -> list[int]:
    sampler = Sampler(sampling, index)
    return [sampler.choose(row) for _ in range(count)]


ROW = logits(0.5, 0.3, 0.15, 0.05)


def test_temperature_zero_takes_the_likeliest() -> None:
    assert set(draws(Sampling(temperature=0), ROW)) == {0}


def test_shares_follow_the_probabilities() -> None:
    drawn = draws(Sampling(temperature=1, seed=1), ROW, 8000)
    shares = np.bincount(drawn, minlength=4) / len(drawn)
    assert shares == pytest.approx([0.5, 0.3, 0.15, 0.05], abs=0.02)


def test_low_temperature_sharpens() -> None:
    drawn = draws(Sampling(temperature=0.5, seed=1), ROW, 8000)
    squares = np.array([0.5, 0.3, 0.15, 0.05]) ** 2
    shares = np.bincount(drawn, minlength=4) / len(drawn)
    assert shares == pytest.approx(squares / squares.sum(), abs=0.02)


@pytest.mark.parametrize(
    ("sampling", "left"),
    [
        (Sampling(temperature=1, top_p=0.5, seed=1), {0}),
        (Sampling(temperature=1, top_p=0.51, seed=1), {0, 1}),
        (Sampling(temperature=1, top_p=0.9, seed=1), {0, 1, 2}),
        (Sampling(temperature=1, top_p=1e-9, seed=1), {0}),
        (Sampling(temperature=1, top_k=2, seed=1), {0, 1}),
        (Sampling(temperature=1, top_k=99, seed=1), {0, 1, 2, 3}),
        (Sampling(temperature=1, min_p=0.2, seed=1), {0, 1, 2}),
        (Sampling(temperature=1, min_p=0.01, top_k=1, seed=1), {0}),
        (Sampling(temperature=1, top_k=3, top_p=0.6, seed=1), {0, 1}),
    ],
)
def test_filters_keep_exactly_these(sampling: Sampling, left: set[int]) -> None:
    assert set(draws(sampling, ROW)) == left


def test_top_p_counts_a_long_tail() -> None:
    # Half of the mass lies in a tail of tokens that are each below every coarse threshold.
    tail = np.full(200_000, 0.5 / 200_000)
    row = np.log(np.concatenate([[0.5], tail])).astype(np.float32)
    drawn = draws(Sampling(temperature=1, top_p=0.75, seed=3), row, 300)
    share = sum(token == 0 for token in drawn) / len(drawn)
    assert share == pytest.approx(0.5 / 0.75, abs=0.1)


def test_seeds_repeat_and_samples_differ() -> None:
    sampling = Sampling(temperature=1, seed=7)
    assert draws(sampling, ROW) == draws(sampling, ROW)
    assert draws(sampling, ROW, index=1) != draws(sampling, ROW)
    assert draws(sampling, ROW, index=1) == draws(Sampling(temperature=1, seed=8), ROW)
    assert draws(Sampling(temperature=1), ROW) != draws(Sampling(temperature=1), ROW)


@settings(max_examples=100, deadline=None)
@given(st.lists(st.floats(-50, 50, width=32), min_size=1, max_size=50), st.integers(1, 60))
def test_likeliest_is_the_sorted_top(values: list[float], count: int) -> None:
    row = np.array(values, dtype=np.float32)
    found = likeliest(row, count)
    assert [row[token] for token in found] == sorted(row, reverse=True)[:count]
    assert len(set(found)) == len(found)


def test_log_normaliser_survives_large_logits() -> None:
    row = np.array([10_000.0, 10_000.0], dtype=np.float32)
    assert log_normaliser(row) == pytest.approx(10_000 + np.log(2))


def test_every_share_of_a_vocabulary_leads_to_its_token() -> None:
    """Over several blocks, the last of them shorter, and with tokens that weigh nothing."""
    weights = np.zeros(1_300, np.float32)
    weights[[0, 511, 512, 700, 1_299]] = (1, 2, 1, 4, 2)
    shares = {0.0: 0, 0.09: 0, 0.11: 511, 0.29: 511, 0.31: 512, 0.41: 700, 0.79: 700, 0.81: 1_299}
    assert {share: _drawn(weights, share) for share in shares} == shares
    assert _drawn(weights, 1.0) == 1_299


@given(st.integers(0, 2**32 - 1), st.floats(0, 1, exclude_max=True))
@settings(max_examples=200)
def test_a_token_that_weighs_nothing_is_never_drawn(seed: int, share: float) -> None:
    random = np.random.default_rng(seed)
    weights = random.exponential(size=2_000).astype(np.float32)
    weights[random.random(2_000) < 0.7] = 0
    assert weights[_drawn(weights, share)] > 0
    assert weights[_drawn(weights, float(np.nextafter(1, 0)))] > 0
