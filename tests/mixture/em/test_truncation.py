"""What a block leaves out is bounded, whatever the components look like."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gmmbench.mixture import Mixture
from gmmbench.mixture.em.e_step import Expectation, KernelComponents


def random_mixture(rng, k, d, narrow):
    factors = rng.normal(size=(k, d, d)) * narrow
    covariances = factors @ np.swapaxes(factors, 1, 2) + 1e-3 * narrow**2 * np.eye(d)
    return Mixture(rng.random(k) + 0.01, rng.normal(size=(k, d)), covariances)


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 10_000), st.sampled_from([1e-2, 1e-3, 1e-5]), st.sampled_from([0.03, 0.2, 1.0]))
def test_the_neglected_share_of_every_point_is_below_the_tolerance(seed, truncation, narrow):
    rng = np.random.default_rng(seed)
    truth = random_mixture(rng, 40, 2, narrow)
    points = np.concatenate((truth.sample(1500, rng), rng.uniform(-4, 4, size=(200, 2))))
    exact = truth.log_density(points)
    expectation = Expectation(
        points, np.ones(len(points)), precision="double", truncation=truncation, threads=1
    )
    components = KernelComponents.of(truth.weights, truth.means, truth.covariances)
    for _ in range(2):  # the second pass guesses from the first
        missing = -np.expm1(expectation.log_density(components) - exact)
        assert missing.max() <= truncation / 2 + 1e-9
        assert missing.min() >= -1e-9


@pytest.mark.parametrize("move", [0.3, 5.0])
def test_a_guess_that_proves_wrong_is_noticed(move):
    """All components run away from the points between two passes: last pass's lists would be wrong."""
    rng = np.random.default_rng(1)
    truth = random_mixture(rng, 40, 2, 0.2)
    points = truth.sample(2000, rng)
    expectation = Expectation(points, np.ones(2000), precision="double", truncation=1e-3, threads=1)
    expectation.log_density(KernelComponents.of(truth.weights, truth.means, truth.covariances))
    moved = Mixture(truth.weights, truth.means + move, truth.covariances)
    found = expectation.log_density(KernelComponents.of(moved.weights, moved.means, moved.covariances))
    missing = -np.expm1(found - moved.log_density(points))
    assert missing.max() <= 1e-3


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 10_000), st.sampled_from([1e-3, 0.03, 0.5]), st.sampled_from([1e-2, 1e-5]))
def test_what_blocks_remember_neglects_no_more_while_components_drift(seed, drift, truncation):
    """Each pass has other components: what was far from a block once may have come near."""
    rng = np.random.default_rng(seed)
    truth = random_mixture(rng, 40, 2, 0.1)
    n, points = 2000, truth.sample(2000, rng)
    options = dict(precision="double", threads=1)
    bounded = Expectation(points, np.ones(n), truncation=truncation, **options)
    exact = Expectation(points, np.ones(n), truncation=0, **options)
    for _ in range(5):
        components = KernelComponents.of(truth.weights, truth.means, truth.covariances)
        found, expected = bounded.moments(components), exact.moments(components)
        assert -1e-9 * n <= expected.bound - found.bound <= truncation * n
        assert np.abs(found.count - expected.count).max() <= truncation * n
        turn = np.eye(2) + drift * rng.normal(size=(40, 2, 2)) / 2
        means = truth.means + drift * rng.normal(size=(40, 2))
        truth = Mixture(truth.weights, means, turn @ truth.covariances @ np.swapaxes(turn, 1, 2))


@settings(max_examples=50, deadline=None)
@given(st.integers(0, 10_000), st.sampled_from([1, 2, 5, 9]), st.sampled_from([1e-3, 0.1, 3.0]))
def test_no_distance_falls_by_more_than_the_drift(seed, d, drift):
    rng = np.random.default_rng(seed)
    before = random_mixture(rng, 6, d, 1.0)
    turn = np.eye(d) + drift * rng.normal(size=(6, d, d))
    spread = turn @ before.covariances @ np.swapaxes(turn, 1, 2) + 1e-6 * np.eye(d)
    after = Mixture(before.weights, before.means + drift * rng.normal(size=(6, d)), spread)
    old, new = (KernelComponents.of(m.weights, m.means, m.covariances) for m in (before, after))
    points = 5 * rng.normal(size=(200, d))

    def distance(c):
        return np.linalg.norm(np.einsum("kij,nkj->nki", c.factors, points[:, None] - c.means), axis=2)

    shift, shrink = new.drift_from(old)
    assert (distance(new) >= (distance(old) - shift) * shrink * (1 - 1e-6)).all()


def test_blocks_do_not_evaluate_again_what_they_evaluated_in_vain():
    rng = np.random.default_rng(0)
    truth = random_mixture(rng, 64, 2, 0.1)
    points = truth.sample(20_000, rng)
    components = KernelComponents.of(truth.weights, truth.means, truth.covariances)
    expectation = Expectation(points, np.ones(20_000), precision="double", threads=1)
    expectation.moments(components)
    guessed = expectation.moments(components)  # its floor comes from the points, and it may evaluate more
    again = expectation.moments(components)
    assert again.pairs[0] < guessed.pairs[0]
    expectation.forget()
    expectation.moments(components)
    assert np.array_equal(expectation.moments(components).count, guessed.count)


@pytest.mark.parametrize("diagonal", [False, True])
@pytest.mark.parametrize(("d", "precision"), [(1, "double"), (3, "single"), (9, "double")])
def test_the_sums_of_a_pass_are_those_of_the_dense_formula(d, diagonal, precision):
    rng = np.random.default_rng(d)
    factors = rng.normal(size=(7, d, d)) / np.sqrt(d) + np.eye(d)
    spread = factors @ np.swapaxes(factors, 1, 2)
    m = Mixture(rng.random(7) + 0.1, rng.normal(size=(7, d)), spread * np.eye(d) if diagonal else spread)
    points, weights = m.sample(300, rng), rng.random(300)
    given = points.copy()
    found = Expectation(points, weights, diagonal=diagonal, precision=precision, threads=1).moments(
        KernelComponents.of(m.weights, m.means, m.covariances)
    )
    assert np.array_equal(points, given)  # they are sorted elsewhere
    r = weights[:, None] * m.responsibilities(points)
    apart = points[:, None] - m.means
    second = np.einsum("nk,nki,nkj->kij", r, apart, apart)
    close = dict(rtol=1e-3, atol=1e-3) if precision == "single" else dict(rtol=1e-4, atol=1e-3)
    assert np.allclose(found.count, r.sum(axis=0), **close)
    assert np.allclose(found.first, np.einsum("nk,nki->ki", r, apart), **close)
    assert np.allclose(found.second, second * np.eye(d) if diagonal else second, **close)
    assert found.bound == pytest.approx(float(weights @ m.log_density(points)), abs=300e-5)


def test_blocks_that_do_not_need_a_component_do_not_pay_for_it():
    rng = np.random.default_rng(0)
    truth = random_mixture(rng, 64, 2, 0.02)
    points = truth.sample(20_000, rng)
    components = KernelComponents.of(truth.weights, truth.means, truth.covariances)
    options = dict(precision="double", threads=1)
    bounded = Expectation(points, np.ones(20_000), truncation=1e-5, **options).moments(components)
    exact = Expectation(points, np.ones(20_000), truncation=0, **options).moments(components)
    assert bounded.pairs[0] < exact.pairs[0] / 4
    assert bounded.bound == pytest.approx(exact.bound, abs=1e-5 * 20_000)
    assert np.allclose(bounded.count, exact.count, atol=1e-4 * 20_000 / 64)


def test_single_precision_responsibilities_are_within_a_thousandth():
    """Sums of responsibilities of one component over single points: points of weight 0 but for one."""
    rng = np.random.default_rng(5)
    truth = random_mixture(rng, 30, 2, 0.2)
    points = truth.sample(500, rng)
    components = KernelComponents.of(truth.weights, truth.means, truth.covariances)
    expected = truth.responsibilities(points)
    for i in range(0, 500, 50):
        weights = np.zeros(500)
        weights[i] = 1
        found = Expectation(points, weights, precision="single", threads=1).moments(components).count
        assert np.abs(found - expected[i]).max() < 1e-3
