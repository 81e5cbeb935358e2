"""Variational Bayes: the evidence bound is one and rises, what is unused goes, nothing is lost."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import digamma, gammaln
from scipy.stats import dirichlet, multivariate_normal, wishart

from gmmbench.mixture import fit_bayesian
from gmmbench.mixture.em.whitening import Units
from gmmbench.mixture.variational.empirical_bayes import learned_prior
from gmmbench.mixture.variational.posterior import Posterior
from gmmbench.mixture.variational.predictive import predictive
from gmmbench.mixture.variational.prior import Prior


@pytest.fixture(scope="module")
def points():
    rng = np.random.default_rng(7)
    centres = np.array([[0, 0], [6, 0], [0, 6], [6, 6]], dtype=float)
    return centres[rng.integers(4, size=2000)] + rng.normal(size=(2000, 2)) @ [[1, 0.5], [0, 0.4]]


def fitted(points, **options):
    return fit_bayesian(points, **{"components": 12, "rng": np.random.default_rng(0), **options})


@given(seed=st.integers(0, 2**32 - 1))
@settings(max_examples=8, deadline=None, derandomize=True)
@pytest.mark.parametrize("covariance", ["full", "diag", "spherical", "tied"])
def test_the_evidence_bound_never_falls_under_any_floor(covariance, seed):
    rng = np.random.default_rng(seed)
    points = rng.normal(size=(rng.integers(5, 200), 2)) ** rng.integers(1, 4) * rng.uniform(0.1, 10, size=2)
    found = fit_bayesian(
        points,
        rng.uniform(size=len(points)) if rng.random() < 0.5 else None,
        components=int(rng.integers(1, 6)),
        covariance=covariance,
        process=bool(rng.random() < 0.5),
        prior=str(rng.choice(["points", "evidence"])),
        covariance_floor=points.var(axis=0) * 10 ** rng.uniform(-9, 1, size=2),
        init="random",
        iterations=25,
        tolerance=0,
        precision="double",
        truncation=0,
        rng=rng,
    )
    trace = np.array(found.trace)
    assert (np.diff(trace) >= -1e-10 * np.maximum(1, np.abs(trace[1:]))).all()


@pytest.mark.parametrize("process", [False, True])
def test_four_clusters_leave_four_components_of_twelve(points, process):
    found = fitted(points, process=process, concentration=1e-3, iterations=400, tolerance=1e-7, births=9)
    assert found.mixture.n_components == 4
    assert np.allclose(found.mixture.weights, 0.25, atol=0.03)


def test_a_point_of_weight_two_is_two_points(points):
    weights = np.where(np.arange(2000) < 1000, 2.0, 1.0)
    twice = np.concatenate((points, points[:1000]))
    options = dict(components=4, init="stratified", iterations=1, precision="double", truncation=0)
    heavy = fitted(points, weights=weights, **options)
    assert heavy.mixture.weights.sum() == pytest.approx(1)
    total = [
        fitted(p, weights=w, **options).predictive.degrees.sum()
        for p, w in ((points, weights), (twice, None))
    ]
    assert total[0] == pytest.approx(total[1])


def test_the_divergence_is_the_expectation_it_stands_for():
    """Oracle: Monte Carlo of log q - log p with scipy's Wishart, normal and Dirichlet."""
    rng = np.random.default_rng(0)
    prior = Prior(False, 0.7, np.array([0.2, -0.1]), 1.5, np.array([[1.0, 0.2], [0.2, 0.5]]), 3.0)
    count = np.array([6.0, 3.0])
    q = Posterior.of(
        prior, count, rng.normal(size=(2, 2)), np.repeat(0.3 * np.eye(2)[None], 2, axis=0), 0 * np.eye(2)
    )
    total, draws = np.zeros(600), 600
    pi = rng.dirichlet(q.sticks[:, 0], size=draws)
    total += np.array([dirichlet.logpdf(p, q.sticks[:, 0]) - dirichlet.logpdf(p, [0.7, 0.7]) for p in pi])
    for k in range(2):
        scale = np.linalg.inv(q.covariances[k]) / q.degrees[k]
        for i, lam in enumerate(wishart.rvs(q.degrees[k], scale, size=draws, random_state=rng)):
            mu = rng.multivariate_normal(q.means[k], np.linalg.inv(q.precision[k] * lam))
            total[i] += wishart.logpdf(lam, q.degrees[k], scale)
            total[i] -= wishart.logpdf(lam, 3.0, np.linalg.inv(prior.covariance))
            total[i] += multivariate_normal.logpdf(mu, q.means[k], np.linalg.inv(q.precision[k] * lam))
            total[i] -= multivariate_normal.logpdf(mu, prior.mean, np.linalg.inv(1.5 * lam))
    assert q.divergence() == pytest.approx(total.mean(), abs=5 * total.std() / np.sqrt(draws))


def test_the_sticks_divergence_is_that_of_betas():
    prior = Prior(True, 0.7, np.zeros(1), 1.0, np.eye(1), 2.0)
    q = Posterior.of(prior, np.array([5.0, 2.0]), np.zeros((2, 1)), np.ones((2, 1, 1)), np.zeros((1, 1)))
    expected = 0.0
    for a, b in q.sticks:
        both = np.array([a, b])
        expected += gammaln(a + b) - gammaln(both).sum() - (gammaln(1.7) - gammaln(1.0) - gammaln(0.7))
        expected += (both - [1.0, 0.7]) @ (digamma(both) - digamma(a + b))
    assert q.weight_divergence() == pytest.approx(expected)


def test_a_blob_is_the_mean_of_its_jitters():
    """Oracle: the expected log density of many draws from each blob."""
    rng = np.random.default_rng(3)
    prior = Prior(False, 0.7, np.zeros(2), 1.0, np.array([[1.0, 0.2], [0.2, 0.5]]), 3.0)
    covariance_floor = np.diag([0.3, 0.05])
    q = Posterior.of(prior, np.array([9.0]), np.ones((1, 2)), 0.4 * np.eye(2)[None], covariance_floor)
    blob, point = q.components(covariance_floor), q.components(0 * covariance_floor)
    drawn = rng.multivariate_normal([0.5, 2.0], covariance_floor, size=40_000)
    white = (drawn - q.means) @ point.factors[0].T
    each = point.offset - 0.5 * (white**2).sum(axis=1)
    centre = blob.factors[0] @ ([0.5, 2.0] - q.means[0])
    assert blob.offset[0] - 0.5 * centre @ centre == pytest.approx(each.mean(), abs=5 * each.std() / 200)


def test_a_learned_prior_is_the_best_of_its_neighbours(points):
    rng = np.random.default_rng(4)
    prior = Prior(True, 1.0, np.zeros(2), 0.5, np.eye(2), 2.0, open_concentration=True)
    spread = np.array([np.cov(rng.normal(size=(2, 9))) for _ in range(6)])
    count = rng.uniform(1, 50, size=6)
    q = Posterior.of(prior, count, rng.normal(size=(6, 2)) * 5, spread, 0 * np.eye(2))
    best = learned_prior(q)

    def divergence(**change):
        return replace(q, prior=replace(best, **change)).divergence()

    least = divergence()
    assert least < q.divergence()
    for factor in (0.9, 1.1):
        assert divergence(mean_precision=best.mean_precision * factor) > least
        assert divergence(concentration=best.concentration * factor) > least
        for axis in (0, 1):
            other = best.covariance.copy()
            other[axis, axis] *= factor
            assert divergence(covariance=other) > least


@pytest.mark.parametrize("engine", ["fast", "sklearn"])
@pytest.mark.parametrize("process", [False, True])
def test_what_is_reported_is_what_was_found(points, process, engine):
    found = fitted(points, components=9, process=process, concentration=2.0, engine=engine)
    assert found.used == found.mixture.n_components == found.predictive.n_components - (found.leftover > 0)
    assert found.predictive.weights.sum() == pytest.approx(1)
    assert found.predictive.weights[: found.used].sum() == pytest.approx(1 - found.leftover)
    assert found.leftover > 0 or not process
    assert (found.bound is None) == (engine == "sklearn")


def test_what_is_left_of_a_stick_is_the_product_of_what_each_break_leaves(points):
    prior = Prior(True, 50.0, np.zeros(2), 1.0, np.eye(2), 2.0)
    q = Posterior.of(
        prior, np.array([3.0, 8.0, 5.0]), np.zeros((3, 2)), np.repeat(np.eye(2)[None], 3, 0), 0 * np.eye(2)
    )
    a, b = np.array([[9.0, 58.0], [6.0, 53.0], [4.0, 50.0]]).T
    found = predictive(q, np.ones(3, bool), Units(np.zeros(2), np.eye(2)))
    assert found.weights[3] == pytest.approx(np.prod(b / (a + b)))
    assert found.weights[1] == pytest.approx(9 / 67)
    assert found.weights[0] == pytest.approx(4 / 54 * 53 / 59 * 58 / 67)


def test_scikit_learn_is_not_asked_for_what_it_has_not(points):
    for more in ({"births": 1}, {"prior": "evidence"}, {"init": "stratified"}):
        with pytest.raises(ValueError, match="try engine='fast'"):
            fitted(points, engine="sklearn", **more)
    with pytest.raises(ValueError, match="births >= 0"):
        fitted(points, births=-1)
    with pytest.raises(ValueError, match="an init of 12 components in 2 dimensions, got 1 in 2"):
        fitted(points, init=fitted(points, components=1).mixture)
