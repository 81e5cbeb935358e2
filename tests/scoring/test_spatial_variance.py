"""Sums over pairs of pixels by their distance, against every pair taken one by one."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gmmbench.scoring.spatial_variance import FARTHEST, Lags, ring_edges


def brute_force(residuals, scored):
    """Sums of products over all ordered pairs of scored pixels, by ring of their distance."""
    edges = ring_edges(FARTHEST * min(scored.shape))
    sums = np.zeros(len(edges))
    places = np.argwhere(scored)
    for a in places:
        for b in places:
            ring = np.searchsorted(edges, np.hypot(*(a - b)), side="right")
            if ring < len(edges):
                sums[ring] += residuals[tuple(a)] * residuals[tuple(b)]
    return sums


@settings(deadline=None, max_examples=40)
@given(st.integers(1, 13), st.integers(1, 13), st.integers(0, 2**32 - 1))
def test_sums_by_ring_are_those_of_every_pair(height, width, seed):
    rng = np.random.default_rng(seed)
    scored = rng.random((height, width)) < 0.7
    residuals = np.where(scored, rng.normal(size=(height, width)), 0)
    lags = Lags(scored)
    np.testing.assert_allclose(
        lags.sums(lags.transform(residuals)), brute_force(residuals, scored), atol=1e-9
    )


def test_rings_grow_and_end_at_half_the_shorter_side():
    edges = ring_edges(50)
    assert edges[:3].tolist() == [0.5, 1.5, 2.5]
    assert edges[-1] <= 50
    assert (np.diff(edges) >= 1).all()
    assert ring_edges(0.5).tolist() == [0.5]
    assert ring_edges(1).tolist() == [0.5]


def test_the_variance_is_the_largest_sum_before_two_rings_that_are_not_positive():
    rng = np.random.default_rng(0)
    residuals = rng.normal(size=(24, 24)).cumsum(axis=0)
    residuals -= residuals.mean()
    lags = Lags(np.ones((24, 24), dtype=bool))
    sums = lags.sums(lags.transform(residuals))
    ends = [k for k in range(2, len(sums)) if sums[k] <= 0 and sums[k - 1] <= 0]
    partial = np.cumsum(sums)[: ends[0] if ends else None]
    found = lags.variance(lags.transform(residuals), 576.0)
    assert found.variance == pytest.approx(partial.max() / 576**2)
    last = int(partial.argmax())
    pairs = brute_force(np.ones((24, 24)), np.ones((24, 24), dtype=bool))[: last + 1].sum()
    assert found.patches == pytest.approx(min(576 * sums[0] / partial.max(), 576**2 / pairs))
    assert found.reach == ring_edges(12)[last]


def test_equal_residuals_have_no_variance():
    lags = Lags(np.ones((9, 9), dtype=bool))
    assert lags.variance(lags.transform(np.zeros((9, 9))), 81.0).variance == 0
