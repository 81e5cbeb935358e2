"""Variational Bayes: the evidence bound rises, what is unused goes, the predictive is a density."""

import numpy as np
import pytest
from scipy.special import digamma, gammaln
from scipy.stats import dirichlet, multivariate_normal, multivariate_t, wishart

from gmmbench.mixture import fit_bayesian
from gmmbench.mixture.posterior import Posterior, Prior
from gmmbench.mixture.student import StudentMixture


@pytest.fixture(scope="module")
def points():
    rng = np.random.default_rng(7)
    centres = np.array([[0, 0], [6, 0], [0, 6], [6, 6]], dtype=float)
    return centres[rng.integers(4, size=2000)] + rng.normal(size=(2000, 2)) @ [[1, 0.5], [0, 0.4]]


def fitted(points, **options):
    return fit_bayesian(points, **{"components": 12, "rng": np.random.default_rng(0), **options})


@pytest.mark.parametrize("process", [False, True])
def test_the_evidence_bound_never_falls(points, process):
    found = fitted(
        points, process=process, iterations=60, tolerance=0, floor=1e-12, precision="double", neglect=0
    )
    trace = np.array(found.trace)
    assert (np.diff(trace) >= -1e-9 * np.abs(trace[1:])).all()
    assert trace[-1] > trace[0] + 0.05


@pytest.mark.parametrize("process", [False, True])
def test_four_clusters_leave_four_components_of_twelve(points, process):
    found = fitted(points, process=process, concentration=1e-3, iterations=400, tolerance=1e-7)
    assert found.mixture.n_components == 4
    assert found.removed == 8
    assert np.allclose(found.mixture.weights, 0.25, atol=0.03)


def test_births_find_clusters_that_the_start_has_not(points):
    poor = fitted(points, components=1, process=True, concentration=1.0, iterations=50)
    grown = fitted(points, components=1, process=True, concentration=1.0, iterations=50, births=20)
    assert poor.mixture.n_components == 1
    assert grown.mixture.n_components >= 4
    assert grown.bound > poor.bound + 0.3


def test_a_point_of_weight_two_is_two_points(points):
    weights = np.where(np.arange(2000) < 1000, 2.0, 1.0)
    twice = np.concatenate((points, points[:1000]))
    options = dict(components=4, start="stratified", iterations=1, precision="double", neglect=0)
    heavy = fitted(points, weights=weights, **options)
    assert heavy.mixture.weights.sum() == pytest.approx(1)
    total = [
        fitted(p, weights=w, **options).predictive.degrees.sum()
        for p, w in ((points, weights), (twice, None))
    ]
    assert total[0] == pytest.approx(total[1])


def test_the_posterior_matches_scikit_learn_from_the_same_responsibilities(points):
    from sklearn.mixture import BayesianGaussianMixture

    rng = np.random.default_rng(1)
    responsibilities = rng.dirichlet(np.ones(3), size=len(points))
    theirs = BayesianGaussianMixture(n_components=3, reg_covar=1e-6, weight_concentration_prior=0.3)
    theirs._check_parameters(points)
    theirs._m_step(points, np.log(responsibilities))
    count = responsibilities.sum(axis=0)
    means = responsibilities.T @ points / count[:, None]
    apart = points[:, None] - means
    spread = np.einsum("nk,nki,nkj->kij", responsibilities, apart, apart) / count[:, None, None]
    prior = Prior(True, 0.3, points.mean(axis=0), 1.0, np.cov(points.T), 2.0)
    order = np.argsort(-count)
    mine = Posterior.of(prior, count, means, spread, 1e-6 * np.eye(2))
    dirichlet_prior = Prior(False, 0.3, prior.mean, 1.0, prior.covariance, 2.0)
    assert np.allclose(mine.covariances, theirs.covariances_[order], rtol=1e-9)
    assert np.allclose(mine.means, theirs.means_[order], rtol=1e-9)
    flat = Posterior.of(dirichlet_prior, count, means, spread, 1e-6 * np.eye(2))
    log_prob = theirs._estimate_log_prob(points)
    c = flat.components()
    white = np.einsum("kij,nkj->nki", c.factors, points[:, None] - c.means)
    ours = c.offset - flat.log_weights() - 0.5 * (white**2).sum(axis=2)
    assert np.allclose(ours, log_prob, atol=1e-8)


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
    assert q._weight_divergence() == pytest.approx(expected)


def test_the_predictive_is_scipys_student_and_integrates_to_one(points):
    scales = np.array([np.eye(2), [[2, 0.5], [0.5, 1]]])
    means = np.array([[0.0, 0.0], [1.0, 2.0]])
    mixture = StudentMixture(np.array([0.3, 0.7]), means, scales, np.array([3.0, 9.0]))
    at = np.array([[0.5, 0.5], [-1.0, 4.0]])
    expected = 0.3 * multivariate_t.pdf(at, [0, 0], np.eye(2), 3)
    expected += 0.7 * multivariate_t.pdf(at, [1, 2], [[2, 0.5], [0.5, 1]], 9)
    assert np.allclose(np.exp(mixture.log_density(at)), expected)
    found = fitted(points, components=4, iterations=20).predictive
    side = np.linspace(-20, 26, 461)
    grid = np.stack(np.meshgrid(side, side), axis=-1).reshape(-1, 2)
    mass = np.exp(found.log_density(grid)).sum() * 0.1**2
    assert mass == pytest.approx(1, abs=5e-3)
    draws = found.sample(20_000, np.random.default_rng(0))
    assert np.allclose(draws.mean(axis=0), found.weights @ found.means, atol=0.1)
