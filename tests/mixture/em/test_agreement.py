"""The fast engine and scikit-learn go the same way from the same start."""

import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.exceptions import ConvergenceWarning
from sklearn.mixture import GaussianMixture

from gmmbench.mixture import Mixture, fit
from gmmbench.mixture.em.e_step import Expectation

K, D, N = 8, 2, 1500
FLOOR = 1e-6


@pytest.fixture(scope="module")
def points():
    rng = np.random.default_rng(3)
    centres = 3 * rng.normal(size=(K, D))
    return centres[rng.integers(K, size=N)] + 0.7 * rng.normal(size=(N, D)) @ [[1.0, 0.4], [0.0, 0.6]]


def started(points, covariance="full"):
    init = Mixture(np.full(K, 1 / K), points[:K], np.repeat(np.eye(D)[None], K, axis=0))
    ones = {
        "full": np.repeat(np.eye(D)[None], K, axis=0),
        "tied": np.eye(D),
        "diag": np.ones((K, D)),
        "spherical": np.ones(K),
    }[covariance]
    return init, ones


def reference(points, covariance, iterations):
    init, ones = started(points, covariance)
    estimator = GaussianMixture(
        K,
        covariance_type=covariance,
        tol=0,
        max_iter=iterations,
        reg_covar=FLOOR,
        weights_init=init.weights,
        means_init=init.means,
        precisions_init=ones,
        init_params="random",
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        return estimator.fit(points)


def ours(points, covariance="full", iterations=20, **options):
    init, _ = started(points, covariance)
    return fit(
        points,
        components=K,
        covariance=covariance,
        init=init,
        tolerance=0,
        iterations=iterations,
        covariance_floor=FLOOR,
        rng=np.random.default_rng(0),
        **options,
    )


def as_full(estimator, covariance):
    return {
        "full": lambda c: c,
        "tied": lambda c: np.repeat(c[None], K, axis=0),
        "diag": lambda c: c[:, :, None] * np.eye(D),
        "spherical": lambda c: c[:, None, None] * np.eye(D),
    }[covariance](estimator.covariances_)


@pytest.mark.parametrize("covariance", ["full", "diag", "spherical", "tied"])
@pytest.mark.parametrize("iterations", [1, 5, 20])
def test_double_and_exact_is_scikit_learn_to_a_millionth(points, covariance, iterations):
    theirs = reference(points, covariance, iterations)
    found = ours(points, covariance, iterations, precision="double", truncation=0)
    for mine, expected in (
        (found.mixture.weights, theirs.weights_),
        (found.mixture.means, theirs.means_),
        (found.mixture.covariances, as_full(theirs, covariance)),
    ):
        assert np.linalg.norm(mine - expected) <= 1e-6 * np.linalg.norm(expected)
    assert found.bound == pytest.approx(theirs.lower_bound_, abs=1e-9)
    assert found.iterations == iterations


def test_single_keeps_the_likelihood_at_each_of_twenty_iterations(points):
    exact = ours(points, precision="double", truncation=0)
    single = ours(points, precision="single")
    assert len(single.trace) == 20
    assert np.abs(np.subtract(single.trace, exact.trace)).max() < 1e-4


@pytest.mark.parametrize("precision", ["single", "double"])
def test_the_result_does_not_depend_on_the_threads(precision):
    many, k = np.random.default_rng(6).normal(size=(60_000, D)), 60
    options = dict(components=k, init="stratified", tolerance=0, iterations=8, precision=precision)
    one, two, three = (
        fit(many, rng=np.random.default_rng(0), threads=threads, **options) for threads in (1, 2, 3)
    )
    assert one.trace == two.trace == three.trace
    assert np.array_equal(one.mixture.means, two.mixture.means)
    assert np.array_equal(one.mixture.covariances, two.mixture.covariances)
    ask = Expectation(many, np.ones(len(many)), precision=precision, threads=2)
    assert len(ask._edges(k, 1)) > 2  # there was something to share out


@settings(max_examples=12, deadline=None)
@given(st.integers(0, 10_000), st.integers(1, 12), st.sampled_from(["full", "diag", "spherical", "tied"]))
def test_the_bound_never_falls_wherever_it_begins(seed, k, covariance):
    rng = np.random.default_rng(seed)
    cloud = rng.normal(size=(300, D)) * rng.lognormal(size=(300, 1)) @ rng.normal(size=(D, D))
    options = dict(covariance=covariance, init="random", tolerance=0, iterations=15, empty="remove")
    found = fit(
        cloud, components=k, rng=rng, precision="double", truncation=0, covariance_floor=1e-9, **options
    )
    trace = np.array(found.trace)
    assert (np.diff(trace) >= -1e-9 * np.maximum(1, np.abs(trace[1:]))).all()


@settings(max_examples=8, deadline=None)
@given(st.integers(0, 10_000))
def test_the_order_of_the_points_and_an_affine_map_change_nothing(seed):
    rng = np.random.default_rng(seed)
    cloud, k = rng.normal(size=(400, D)), 5
    factor, shift = np.eye(D) + np.tril(rng.normal(size=(D, D)) / 2), rng.normal(size=D)
    means, options = cloud[:k], dict(components=k, tolerance=0, iterations=5, covariance_floor=1e-12, rng=rng)
    options |= dict(precision="double", truncation=0)
    spread = np.repeat(np.eye(D)[None], k, axis=0)
    plain = fit(cloud, init=Mixture(np.ones(k), means, spread), **options)
    init = Mixture(np.ones(k), means @ factor.T + shift, factor @ spread @ factor.T)
    moved = fit(rng.permutation(cloud) @ factor.T + shift, init=init, **options)
    assert moved.bound + np.linalg.slogdet(factor)[1] == pytest.approx(plain.bound, abs=1e-6)
    assert np.allclose(moved.mixture.means, plain.mixture.means @ factor.T + shift, atol=1e-5)


@pytest.mark.parametrize(("precision", "fall"), [("double", 1e-9), ("single", 1e-6)])
def test_the_bound_never_falls(points, precision, fall):
    trace = np.array(ours(points, iterations=40, precision=precision, truncation=0).trace)
    assert (np.diff(trace) >= -fall * np.abs(trace[1:])).all()
    assert trace[-1] > trace[0]


def test_a_weight_of_two_is_the_point_twice(points):
    weights = np.arange(N) % 3.0
    init, _ = started(points)
    options = dict(
        components=K, init=init, tolerance=0, iterations=5, precision="double", truncation=0, rng=None
    )
    weighted = fit(points, weights, **options)
    repeated = fit(np.repeat(points, weights.astype(int), axis=0), **options)
    assert weighted.bound == pytest.approx(repeated.bound, abs=1e-10)
    assert np.allclose(weighted.mixture.covariances, repeated.mixture.covariances, atol=1e-9)


def test_the_density_of_the_fit_has_the_bound_that_was_said(points):
    found = ours(points, iterations=5, precision="double", truncation=0)
    next_bound = ours(points, iterations=6, precision="double", truncation=0).bound
    assert found.mixture.log_density(points).mean() == pytest.approx(next_bound, abs=1e-9)


def test_watch_sees_each_iteration_and_can_ask_for_the_mixture(points):
    seen = []
    found = fit(
        points,
        components=K,
        init="stratified",
        iterations=4,
        tolerance=0,
        precision="single",
        rng=np.random.default_rng(0),
        watch=lambda iteration, bound, snapshot: seen.append((iteration, bound, snapshot())),
    )
    assert [iteration for iteration, *_ in seen] == [1, 2, 3, 4]
    assert tuple(bound for _, bound, _ in seen) == found.trace
    assert np.allclose(seen[-1][2].means, found.mixture.means)
