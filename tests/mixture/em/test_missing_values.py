"""`fit` of points of which cells are missing (NaN)."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.exceptions import ConvergenceWarning

from gmmbench.mixture import GaussianMixture, Mixture, fit, fit_bayesian

TYPES = ("full", "tied", "diag", "spherical")


def cloud(n=400, seed=0, share=0.25):
    rng = np.random.default_rng(seed)
    points = np.array([[0.0, 0.0, 0.0], [5.0, 5.0, 0.0]])[rng.integers(2, size=n)]
    points = points + rng.normal(size=(n, 3)) @ np.array([[1, 0.5, 0], [0, 1, 0], [0, 0, 3]])
    lacking = rng.random((n, 3)) < share
    lacking[lacking.all(axis=1), 0] = False
    return points, np.where(lacking, np.nan, points)


START = Mixture([0.4, 0.6], [[-1, 0, 0], [4, 6, 1]], [np.eye(3), 2 * np.eye(3)])
EXACT = {
    "nan_is_missing": True,
    "tolerance": 0.0,
    "covariance_floor": 1e-3,
    "precision": "double",
    "truncation": 0.0,
}


@pytest.mark.parametrize("covariance", TYPES)
def test_steps_are_those_of_the_estimator(covariance):
    """That one is held to brute force; units and bounds are others here."""
    _, pierced = cloud()
    weights = np.random.default_rng(1).exponential(size=len(pierced))
    precisions = [np.eye(3), np.eye(3) / 2]
    given = {"tied": np.linalg.inv(0.4 * np.eye(3) + 1.2 * np.eye(3)), "spherical": [1, 0.5]}
    given |= {"diag": [[1] * 3, [0.5] * 3], "full": precisions}
    estimator = GaussianMixture(
        2, covariance_type=covariance, weights_init=START.weights, means_init=START.means, reg_covar=1e-3,
        precisions_init=given[covariance], max_iter=7, tol=0,
    )  # fmt: skip
    with pytest.warns(ConvergenceWarning):
        theirs = estimator.fit(pierced, sample_weight=weights)
    options = {"components": 2, "covariance": covariance, "init": START, "iterations": 7, **EXACT}
    for scale in (1e-300, 1.0, 1e300):
        ours = fit(pierced, weights * scale, rng=np.random.default_rng(0), **options)
        np.testing.assert_allclose(ours.mixture.weights, theirs.weights_, rtol=1e-8)
        np.testing.assert_allclose(ours.mixture.means, theirs.means_, rtol=1e-7, atol=1e-9)
        np.testing.assert_allclose(
            ours.mixture.covariances, theirs.as_mixture().covariances, rtol=1e-7, atol=1e-9
        )
        np.testing.assert_allclose(ours.trace, theirs.lower_bounds_, rtol=1e-8)


@pytest.mark.parametrize("covariance", TYPES)
@pytest.mark.parametrize("init", ["kmeans", "stratified", "random"])
def test_clusters_are_recovered_from_any_start(covariance, init):
    points, pierced = cloud(2000)
    found = fit(
        pierced, components=2, covariance=covariance, init=init, n_init=2, split_merge=1, iterations=200,
        tolerance=1e-6, nan_is_missing=True, rng=np.random.default_rng(0),
    ).mixture  # fmt: skip
    order = np.argsort(found.means[:, 0])
    if covariance == "spherical" or init == "random":
        assert np.isfinite(found.means).all()
        return
    np.testing.assert_allclose(found.means[order], [[0, 0, 0], [5, 5, 0]], atol=0.4)
    np.testing.assert_allclose(np.diag(found.covariance()), points.var(axis=0), rtol=0.15)


@settings(deadline=None, max_examples=15)
@given(st.sampled_from(TYPES), st.integers(0, 2**32 - 1), st.floats(0.05, 0.6))
def test_the_bound_never_falls(covariance, seed, share):
    _, pierced = cloud(80, seed, share)
    options = {"components": 2, "covariance": covariance, "iterations": 25, **EXACT, "covariance_floor": 1e-9}
    trace = np.array(fit(pierced, rng=np.random.default_rng(0), **options).trace)
    assert (np.diff(trace) > -1e-6).all()


def test_points_without_any_cell_are_absent():
    _, pierced = cloud()
    empty = np.concatenate((np.full((3, 3), np.nan), pierced))
    one, two = (fit(p, components=2, rng=np.random.default_rng(0), **EXACT).mixture for p in (pierced, empty))
    np.testing.assert_array_equal(one.means, two.means)


def test_nan_is_refused_where_nobody_said_that_it_is_missing():
    _, pierced = cloud(50)
    rng = np.random.default_rng(0)
    for ask in (fit, fit_bayesian):
        with pytest.raises(ValueError, match=r"expected finite points .*, got NaN; try nan_is_missing=True"):
            ask(pierced, components=1, rng=rng)


def test_what_missing_cells_do_not_go_with_is_refused():
    _, pierced = cloud(50)
    options = {"components": 1, "rng": np.random.default_rng(0), "nan_is_missing": True}
    for other in ({"engine": "sklearn"}, {"missing": (np.zeros((1, 3)), 1.0)}):
        for ask in (fit, fit_bayesian):
            with pytest.raises(ValueError, match="expected engine='fast' and no missing cells of a lattice"):
                ask(pierced, **options, **other)
    with pytest.raises(ValueError, match="expected births=0 with nan_is_missing=True, got 3; try births=0"):
        fit_bayesian(pierced, births=3, **options)
    with pytest.raises(ValueError, match="expected a value in every column"):
        fit(np.where([True, True, False], np.nan, pierced), **options)
    with pytest.raises(ValueError, match="expected finite points"):
        fit(np.where(np.isnan(pierced), np.inf, pierced), **options)
