"""What a block leaves out is bounded, whatever the components look like."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gmmbench.mixture import Mixture
from gmmbench.mixture.expectation import Components, Expectation


def random_mixture(rng, k, d, narrow):
    factors = rng.normal(size=(k, d, d)) * narrow
    covariances = factors @ np.swapaxes(factors, 1, 2) + 1e-3 * narrow**2 * np.eye(d)
    return Mixture(rng.random(k) + 0.01, rng.normal(size=(k, d)), covariances)


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 10_000), st.sampled_from([1e-2, 1e-3, 1e-5]), st.sampled_from([0.03, 0.2, 1.0]))
def test_the_neglected_share_of_every_point_is_below_the_tolerance(seed, neglect, narrow):
    rng = np.random.default_rng(seed)
    truth = random_mixture(rng, 40, 2, narrow)
    points = np.concatenate((truth.sample(1500, rng), rng.uniform(-4, 4, size=(200, 2))))
    exact = truth.log_density(points)
    expectation = Expectation(points, np.ones(len(points)), precision="double", neglect=neglect, threads=1)
    components = Components.of(truth.weights, truth.means, truth.covariances)
    for _ in range(2):  # the second pass guesses from the first
        missing = -np.expm1(expectation.log_density(components) - exact)
        assert missing.max() <= neglect / 2 + 1e-9
        assert missing.min() >= -1e-9


@pytest.mark.parametrize("move", [0.3, 5.0])
def test_a_guess_that_proves_wrong_is_noticed(move):
    """All components run away from the points between two passes: last pass's lists would be wrong."""
    rng = np.random.default_rng(1)
    truth = random_mixture(rng, 40, 2, 0.2)
    points = truth.sample(2000, rng)
    expectation = Expectation(points, np.ones(2000), precision="double", neglect=1e-3, threads=1)
    expectation.log_density(Components.of(truth.weights, truth.means, truth.covariances))
    moved = Mixture(truth.weights, truth.means + move, truth.covariances)
    found = expectation.log_density(Components.of(moved.weights, moved.means, moved.covariances))
    missing = -np.expm1(found - moved.log_density(points))
    assert missing.max() <= 1e-3


def test_blocks_that_do_not_need_a_component_do_not_pay_for_it():
    rng = np.random.default_rng(0)
    truth = random_mixture(rng, 64, 2, 0.02)
    points = truth.sample(20_000, rng)
    components = Components.of(truth.weights, truth.means, truth.covariances)
    options = dict(precision="double", threads=1)
    bounded = Expectation(points, np.ones(20_000), neglect=1e-5, **options).moments(components)
    exact = Expectation(points, np.ones(20_000), neglect=0, **options).moments(components)
    assert bounded.pairs[0] < exact.pairs[0] / 4
    assert bounded.bound == pytest.approx(exact.bound, abs=1e-5 * 20_000)
    assert np.allclose(bounded.count, exact.count, atol=1e-4 * 20_000 / 64)


def test_single_precision_responsibilities_are_within_a_thousandth():
    """Sums of responsibilities of one component over single points: points of weight 0 but for one."""
    rng = np.random.default_rng(5)
    truth = random_mixture(rng, 30, 2, 0.2)
    points = truth.sample(500, rng)
    components = Components.of(truth.weights, truth.means, truth.covariances)
    expected = truth.responsibilities(points)
    for i in range(0, 500, 50):
        weights = np.zeros(500)
        weights[i] = 1
        found = Expectation(points, weights, precision="single", threads=1).moments(components).count
        assert np.abs(found - expected[i]).max() < 1e-3
