"""NaN is a missing cell: fits by EM against brute force, and densities of what is there."""

import itertools

import numpy as np
import pytest
from estimators import TYPES, assert_equal, assert_same, clusters, make
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import multivariate_normal

from gmmbench.mixture import BayesianGaussianMixture, GaussianMixture

BOTH = pytest.mark.parametrize("name", ["ml", "bayes"])
EVERY = pytest.mark.parametrize("covariance", TYPES)


def holes(points, share=0.2, seed=0):
    """The points, some of whose cells are missing at random, but never a whole row."""
    rng = np.random.default_rng(seed)
    lacking = rng.random(points.shape) < share
    lacking[lacking.all(axis=1), 0] = False
    return np.where(lacking, np.nan, points)


def full_covariances(found):
    return found.as_mixture().covariances


def by_brute_force(found, rows, weights):
    """One EM step and the log-likelihood, row by row: scipy's densities and Bishop's eqs. 2.81 and 2.82."""
    k, d = found.means_.shape
    count, first, second, likelihood = np.zeros(k), np.zeros((k, d)), np.zeros((k, d, d)), 0.0
    for row, weight in zip(rows, weights, strict=True):
        o, m = np.flatnonzero(~np.isnan(row)), np.flatnonzero(np.isnan(row))
        joint = np.zeros(k)
        guess, left = np.tile(row, (k, 1)), np.zeros((k, d, d))
        for at, (w, mean, spread) in enumerate(
            zip(found.weights_, found.means_, full_covariances(found), strict=True)
        ):
            joint[at] = np.log(w) + multivariate_normal(mean[o], spread[np.ix_(o, o)]).logpdf(row[o])
            gain = spread[np.ix_(m, o)] @ np.linalg.inv(spread[np.ix_(o, o)])
            guess[at, m] = mean[m] + gain @ (row[o] - mean[o])
            left[at][np.ix_(m, m)] = spread[np.ix_(m, m)] - gain @ spread[np.ix_(o, m)]
        total = np.logaddexp.reduce(joint)
        shares = weight * np.exp(joint - total)
        likelihood += weight * total
        count += shares
        first += shares[:, None] * guess
        second += shares[:, None, None] * (guess[:, :, None] * guess[:, None, :] + left)
    means = first / count[:, None]
    spread = second / count[:, None, None] - means[:, :, None] * means[:, None, :]
    return count / count.sum(), means, spread, likelihood / weights.sum()


@EVERY
@pytest.mark.parametrize("dimension", [2, 3])
def test_a_step_is_what_brute_force_gives(covariance, dimension):
    rows = holes(clusters(60, dimension=dimension))
    weights = np.random.default_rng(1).exponential(size=60)
    start = make("ml", covariance, max_iter=2).fit(rows)
    given = {"weights_init": start.weights_, "means_init": start.means_, "precisions_init": start.precisions_}
    found = make("ml", covariance, max_iter=1, **given).fit(rows, sample_weight=weights)
    shares, means, spread, likelihood = by_brute_force(start, rows, weights)
    spread = spread + 1e-6 * np.eye(dimension)
    axes = np.diagonal(spread, axis1=1, axis2=2)
    expected = {
        "full": spread,
        "tied": np.einsum("k,kij->ij", shares, spread),
        "diag": axes,
        "spherical": axes.mean(axis=1),
    }
    np.testing.assert_allclose(found.weights_, shares)
    np.testing.assert_allclose(found.means_, means, rtol=1e-6, atol=1e-9)
    np.testing.assert_allclose(found.covariances_, expected[covariance], rtol=1e-6, atol=1e-9)
    assert found.lower_bound_ == pytest.approx(likelihood)


@BOTH
@EVERY
@settings(deadline=None, max_examples=15)
@given(seed=st.integers(0, 2**32 - 1), share=st.floats(0.05, 0.6))
def test_the_bound_never_falls(name, covariance, seed, share):
    rows = holes(clusters(60, seed, 3), share, seed)
    found = make(name, covariance, tol=0, max_iter=30, reg_covar=0 if name == "bayes" else 1e-12).fit(rows)
    bounds = np.array(found.lower_bounds_)
    assert (np.diff(bounds) > -1e-7 * np.abs(bounds[1:])).all()


@BOTH
@EVERY
def test_clusters_are_recovered_though_a_third_of_the_cells_is_missing(name, covariance, route):
    whole = clusters(1500)
    found = make(name, covariance).fit(holes(whole, 0.33))
    order = np.argsort(found.means_[:, 0])
    np.testing.assert_allclose(found.means_[order], [[-6, 0], [0, 0], [6, 6]], atol=0.25)
    np.testing.assert_allclose(full_covariances(found)[order], [np.eye(2)] * 3, atol=0.3)
    np.testing.assert_allclose(found.weights_[order], [0.2, 0.5, 0.3], atol=0.05)


def test_what_is_missing_depends_on_what_is_there_and_em_is_not_misled():
    """Of correlated columns the second is missing where the first is large: its plain mean is far off."""
    rng = np.random.default_rng(0)
    whole = rng.multivariate_normal([0, 0], [[1, 0.8], [0.8, 1]], size=4000)
    rows = np.where(np.stack((whole[:, 0] < 9, whole[:, 0] > 0.3), axis=1) & [False, True], np.nan, whole)
    found = GaussianMixture(1, tol=1e-9, max_iter=500).fit(rows)
    assert np.nanmean(rows[:, 1]) < -0.4
    np.testing.assert_allclose(found.means_[0], whole.mean(axis=0), atol=0.06)
    np.testing.assert_allclose(found.covariances_[0], np.cov(whole.T), atol=0.08)


@BOTH
@EVERY
def test_repetition_scale_and_absence_hold_with_missing_cells(name, covariance):
    rows, rng = holes(clusters(80)), np.random.default_rng(1)
    weights = rng.integers(0, 4, 80)
    weights[0] = 1
    first = make(name, covariance).fit(rows, sample_weight=weights)
    assert_same(first, make(name, covariance).fit(np.repeat(rows, weights, axis=0)), rtol=1e-6)
    for scale in (1e-300, 1 / 3, 1e300):
        assert_same(first, make(name, covariance).fit(rows, sample_weight=weights * scale))


@BOTH
@EVERY
def test_a_row_without_any_value_is_absent(name, covariance):
    rows = holes(clusters(80))
    empty = np.concatenate((np.full((2, 2), np.nan), rows, np.full((3, 2), np.nan)))
    alone = make(name, covariance).fit(rows)
    beside = make(name, covariance)
    labels = beside.fit_predict(empty)
    assert_equal(alone, beside)
    np.testing.assert_array_equal(labels[2:-3], alone.predict(rows))
    np.testing.assert_array_equal(labels[[0, 1, -1]], alone.predict(empty[:1])[0])


@EVERY
def test_a_density_is_that_of_the_cells_that_are_there(covariance, route):
    rows = holes(clusters(100, dimension=3))
    found = make("ml", covariance).fit(rows)
    mixture = found.as_mixture()
    for row, density, shares in zip(rows, found.score_samples(rows), found.predict_proba(rows), strict=True):
        there = ~np.isnan(row)
        np.testing.assert_allclose(density, mixture.marginal(there).log_density(row[None, there])[0])
        expected = mixture.marginal(there).responsibilities(row[None, there])[0]
        np.testing.assert_allclose(shares, expected, atol=1e-9)
    nothing = np.full((1, 3), np.nan)
    np.testing.assert_allclose(found.score_samples(nothing), 0, atol=1e-12)
    np.testing.assert_allclose(found.predict_proba(nothing)[0], found.weights_)


@BOTH
@EVERY
def test_far_away_rows_with_missing_cells_have_shares(name, covariance):
    found = make(name, covariance).fit(holes(clusters(100)))
    rows = np.array([[1e155, np.nan], [np.nan, -1e300], [1e20, np.nan]])
    np.testing.assert_allclose(found.predict_proba(rows).sum(axis=1), 1)


@EVERY
def test_the_default_prior_is_that_of_one_gaussian_of_the_cells_that_are_there(covariance):
    rng = np.random.default_rng(0)
    whole = rng.multivariate_normal([1, 2], [[1, 0.6], [0.6, 2]], size=3000)
    found = BayesianGaussianMixture(covariance_type=covariance).fit(holes(whole))
    expected = {"diag": np.var(whole, axis=0), "spherical": np.var(whole, axis=0).mean()}
    np.testing.assert_allclose(found.mean_prior_, whole.mean(axis=0), atol=0.06)
    np.testing.assert_allclose(found.covariance_prior_, expected.get(covariance, np.cov(whole.T)), atol=0.12)


@BOTH
def test_one_missing_cell_changes_little(name):
    """A fit with a hole lies near that of the whole rows: there is no jump between the two codes."""
    points = clusters(300)
    pierced = points.copy()
    pierced[7, 1] = np.nan
    whole, hole = (make(name).fit(rows) for rows in (points, pierced))
    np.testing.assert_allclose(hole.means_, whole.means_, atol=0.02)
    np.testing.assert_allclose(hole.covariances_, whole.covariances_, atol=0.05)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_float32_with_missing_cells_gives_float32(dtype):
    found = make("ml").fit(holes(clusters(80)).astype(dtype))
    assert found.means_.dtype == found.score_samples(holes(clusters(9)).astype(dtype)).dtype == dtype


def test_every_pattern_of_missing_cells_is_met():
    whole = clusters(800, dimension=3)
    rows = whole.copy()
    for at, pattern in enumerate(itertools.product([False, True], repeat=3)):
        rows[at::8, list(pattern)] = np.nan
    found = make("ml").fit(rows)
    assert np.isfinite(found.lower_bounds_).all()
    np.testing.assert_allclose(np.sort(found.means_[:, 0]), [-6, 0, 6], atol=0.5)
