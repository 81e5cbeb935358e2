"""The posterior predictive: the t that each type of covariance implies, and its closed forms."""

import numpy as np
import pytest
from scipy.integrate import quad
from scipy.stats import gamma, multivariate_normal, multivariate_t, norm, t, wishart

from gmmbench.mixture import COVARIANCES, StudentMixture, fit_bayesian
from gmmbench.mixture.em.whitening import Units
from gmmbench.mixture.variational.posterior import Posterior
from gmmbench.mixture.variational.predictive import predictive
from gmmbench.mixture.variational.prior import Prior

SCALES = np.array([np.eye(2), [[2, 0.5], [0.5, 1]]])
MEANS = np.array([[0.0, 0.0], [1.0, 2.0]])
MIXTURE = StudentMixture(np.array([0.3, 0.7]), MEANS, SCALES, np.array([3.0, 9.0]))
AXES = StudentMixture(np.array([0.3, 0.7]), MEANS, SCALES * np.eye(2), np.array([4.0, 9.0]), True)


def test_the_density_is_scipys():
    at = np.array([[0.5, 0.5], [-1.0, 4.0]])
    expected = 0.3 * multivariate_t.pdf(at, [0, 0], SCALES[0], 3)
    expected += 0.7 * multivariate_t.pdf(at, [1, 2], SCALES[1], 9)
    assert np.allclose(np.exp(MIXTURE.log_density(at)), expected)
    axes = 0.3 * t.pdf(at, 4).prod(axis=1) + 0.7 * t.pdf(at, 9, [1, 2], np.sqrt([2, 1])).prod(axis=1)
    assert np.allclose(np.exp(AXES.log_density(at)), axes)


@pytest.mark.parametrize("mixture", [MIXTURE, AXES])
def test_a_marginal_is_the_density_integrated(mixture):
    for column, value in ((0, 0.7), (1, -1.2)):
        both = lambda u, c=column, v=value: np.insert([u], c, v)[None]  # noqa: E731 - a point of the line
        mass = quad(lambda u: np.exp(mixture.log_density(both(u))[0]), -np.inf, np.inf)[0]  # noqa: B023
        one = mixture.marginal([column])
        assert np.exp(one.log_density([[value]])[0]) == pytest.approx(mass, rel=1e-6)
    turned = mixture.marginal([1, 0])
    assert np.allclose(turned.log_density([[2.0, 1.0]]), mixture.log_density([[1.0, 2.0]]))


@pytest.mark.parametrize("mixture", [MIXTURE, AXES])
def test_a_conditional_mean_is_the_integral_it_stands_for(mixture):
    values = [-3.0, 0.4, 5.0]
    expected = []
    for x in values:
        p = lambda y, x=x: np.exp(mixture.log_density([[x, y]])[0])  # noqa: E731 - the density along a line
        first = quad(lambda y: y * p(y), -np.inf, np.inf)[0]  # noqa: B023
        expected.append(first / quad(p, -np.inf, np.inf)[0])
    found = mixture.conditional_mean([0], np.array(values)[:, None])
    assert np.allclose(found[:, 0], expected, rtol=1e-5)


@pytest.mark.parametrize("mixture", [MIXTURE, AXES])
def test_draws_have_the_mixtures_quantiles_and_mean(mixture):
    draws = mixture.sample(40_000, np.random.default_rng(0))
    assert np.allclose(draws.mean(axis=0), mixture.mean(), atol=0.05)
    for column in (0, 1):
        one = mixture.marginal([column])
        below = sum(
            w * t.cdf(1.5, df, m[0], np.sqrt(s[0, 0]))
            for w, m, s, df in zip(one.weights, one.means, one.scales, one.degrees, strict=True)
        )
        assert (draws[:, column] < 1.5).mean() == pytest.approx(below, abs=0.012)


def test_far_from_the_origin_no_digits_are_lost():
    far = StudentMixture(MIXTURE.weights, MEANS + 1e7, SCALES, MIXTURE.degrees)
    at = np.array([[0.5, 0.25], [-1.0, 4.0]])
    assert np.allclose(far.log_density(at + 1e7), MIXTURE.log_density(at), atol=1e-6)


def test_columns_that_are_not_there_are_refused():
    with pytest.raises(ValueError, match=r"different columns of 0\.\.1"):
        MIXTURE.marginal([2])
    with pytest.raises(ValueError, match=r"expected points \(n, 2\)"):
        MIXTURE.log_density(np.zeros((3, 1)))


@pytest.mark.parametrize("kind", ["full", "tied", "diag", "spherical"])
def test_the_predictive_is_the_mean_density_of_the_posteriors_draws(kind):
    """Oracle: Monte Carlo over precisions and means, in the points' own units."""
    rng = np.random.default_rng(2)
    spread = np.array([[1.0, 0.3], [0.3, 2.0]])
    prior = Prior(False, 0.5, np.zeros(2), 0.4, spread, 3.0, COVARIANCES[kind], 2)
    spread = np.array([[[1.0, 0.4], [0.4, 0.5]], [[0.3, 0.0], [0.0, 0.6]]])
    q = Posterior.of(prior, np.array([6.0, 4.0]), np.array([[1.0, 0], [0, 2]]), spread, 0 * np.eye(2))
    factor = {"diag": np.diag([2.0, 0.5]), "spherical": 2 * np.eye(2)}.get(
        kind, np.array([[2, 0], [0.3, 0.5]])
    )
    found = predictive(q, np.array([True, True]), Units(np.array([1.0, 0]), factor))
    inside = np.array([0.6, 0.9])
    at = factor @ inside + [1.0, 0]
    expected, noise = 0.0, 0.0
    for k in range(2):
        free, middle = q.degrees[k], q.covariances[k]
        if kind in ("full", "tied"):
            precise = wishart.rvs(free, np.linalg.inv(middle) / free, size=4000, random_state=rng)
            spreads = np.linalg.inv(precise) * (1 + 1 / q.precision[k])
            values = [multivariate_normal.pdf(inside, q.means[k], s) for s in spreads]
        else:
            shared = 2 if kind == "spherical" else 1
            shape = (4000, 1 if kind == "spherical" else 2)
            scale = 2 / (shared * free * np.diag(middle)[: shape[1]])
            precise = gamma.rvs(shared * free / 2, scale=scale, size=shape, random_state=rng)
            sd = np.sqrt((1 + 1 / q.precision[k]) / precise)
            values = norm.pdf(inside, q.means[k], sd).prod(axis=1)
        expected += q.weights[k] * np.mean(values)
        noise += q.weights[k] * np.std(values) / np.sqrt(4000)
    density = np.exp(found.log_density(at[None])[0]) * np.linalg.det(factor)
    assert density == pytest.approx(expected, abs=5 * noise)


@pytest.mark.parametrize("process", [False, True])
@pytest.mark.parametrize("covariance", ["full", "diag", "spherical", "tied"])
def test_every_predictive_integrates_to_one_over_the_plane(covariance, process):
    rng = np.random.default_rng(7)
    points = rng.normal(size=(60, 2)) @ [[1, 0.5], [0, 0.4]] + rng.choice([0, 4], size=(60, 1))
    found = fit_bayesian(
        points,
        components=3,
        covariance=covariance,
        process=process,
        concentration=3.0,
        rng=rng,
        covariance_floor=1e-3,
    ).predictive
    angle, weight = np.polynomial.legendre.leggauss(300)
    u = np.pi / 2 * angle  # the plane as a square: x = 2 + 3 tan u
    x, jacobian = 2 + 3 * np.tan(u), 3 / np.cos(u) ** 2 * np.pi / 2 * weight
    grid = np.stack(np.meshgrid(x, x), axis=-1).reshape(-1, 2)
    mass = jacobian @ np.exp(found.log_density(grid)).reshape(300, 300) @ jacobian
    assert found.weights[-1] > 0.01
    assert mass == pytest.approx(1, abs=3e-3)
