"""`fit_bayesian` of points of which cells are missing (NaN)."""

import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gmmbench.mixture import COVARIANCES, BayesianGaussianMixture, fit_bayesian
from gmmbench.mixture.em.incomplete import most_likely_gaussian
from gmmbench.mixture.variational.prior import Prior

TYPES = ("full", "tied", "diag", "spherical")
FLOOR = 1e-9


def pierced(n=400, seed=0, share=0.25):
    """Two clusters in three dimensions, and which cells are missing: (n, 3) with NaN."""
    rng = np.random.default_rng(seed)
    points = np.array([[0.0, 0.0, 0.0], [7.0, 7.0, 0.0]])[(rng.random(n) < 0.4).astype(int)]
    points = points + rng.normal(size=(n, 3)) @ np.array([[1, 0.5, 0], [0, 1, 0], [0, 0, 1.5]])
    lacking = rng.random((n, 3)) < share
    lacking[lacking.all(axis=1), 0] = False
    return np.where(lacking, np.nan, points)


def fitted(points, components=2, **options):
    usual = {"covariance_floor": FLOOR, "precision": "double", "truncation": 0.0, "nan_is_missing": True}
    return fit_bayesian(points, components=components, rng=np.random.default_rng(0), **(usual | options))


@pytest.mark.parametrize("process", [False, True])
@pytest.mark.parametrize("covariance", ["full", "tied", "diag"])
def test_the_posterior_is_that_of_the_estimator_with_the_same_prior(covariance, process):
    """That one is held to brute force; units, order of sticks and bounds are others here."""
    points = pierced()
    kind = COVARIANCES[covariance]
    mean, spread = most_likely_gaussian(points, np.ones(len(points)))
    prior = Prior.of_moments(mean, spread, 2, kind, process, None)
    theirs = BayesianGaussianMixture(
        n_components=2,
        covariance_type=covariance,
        reg_covar=FLOOR,
        tol=1e-12,
        max_iter=500,
        mean_prior=mean,
        mean_precision_prior=prior.mean_precision,
        covariance_prior=kind.form.compact(prior.covariance),
        degrees_of_freedom_prior=3,
        weight_concentration_prior_type="dirichlet_process" if process else "dirichlet_distribution",
        weight_concentration_prior=prior.concentration,
        random_state=0,
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        theirs.fit(points)
    ours = fitted(points, covariance=covariance, process=process, tolerance=1e-13, iterations=500).mixture
    order, theirs_order = np.argsort(ours.means[:, 0]), np.argsort(theirs.means_[:, 0])
    close = {"rtol": 1e-4, "atol": 1e-4}
    np.testing.assert_allclose(ours.means[order], theirs.means_[theirs_order], **close)
    np.testing.assert_allclose(
        ours.covariances[order], theirs.as_mixture().covariances[theirs_order], **close
    )


@settings(deadline=None, max_examples=15)
@given(
    st.sampled_from(TYPES), st.booleans(), st.sampled_from(["points", "evidence"]), st.integers(0, 2**32 - 1),
    st.floats(0.05, 0.6), st.sampled_from([1e-9, 1e-2, 1.0]),
)  # fmt: skip
def test_the_evidence_bound_never_falls(covariance, process, prior, seed, share, floor):
    found = fitted(
        pierced(80, seed, share), 3, covariance=covariance, process=process, prior=prior, tolerance=0.0,
        iterations=25, covariance_floor=floor,
    )  # fmt: skip
    assert (np.diff(found.trace) > -1e-9).all()


def test_the_bound_has_no_units():
    points = pierced()
    scale = np.array([1e-3, 1.0, 50.0])
    one = fitted(points, 3, iterations=20, tolerance=0.0, covariance_floor=1e-6)
    two = fitted(points * scale, 3, iterations=20, tolerance=0.0, covariance_floor=1e-6 * scale**2)
    there = ~np.isnan(points)
    assert one.bound - two.bound == pytest.approx((there @ np.log(scale)).mean(), abs=1e-4)


@pytest.mark.parametrize("covariance", TYPES)
def test_clusters_are_recovered(covariance):
    found = fitted(
        pierced(1500), covariance=covariance, process=True, prior="evidence", iterations=400, tolerance=1e-7
    )
    order = np.argsort(found.mixture.means[:, 0])
    np.testing.assert_allclose(found.mixture.means[order], [[0, 0, 0], [7, 7, 0]], atol=0.3)
    np.testing.assert_allclose(found.mixture.weights[order], [0.6, 0.4], atol=0.05)
    assert np.isfinite(found.predictive.log_density(np.nan_to_num(pierced(50)))).all()


def test_complete_points_are_fitted_as_ever():
    points = np.nan_to_num(pierced(200))
    one, two = (fitted(points, 3, nan_is_missing=said) for said in (False, True))
    np.testing.assert_array_equal(one.mixture.means, two.mixture.means)
    assert one.trace == two.trace
