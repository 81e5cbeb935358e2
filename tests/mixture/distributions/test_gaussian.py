"""What a mixture says in closed form, against brute force."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import chisquare, multivariate_normal

from gmmbench.mixture import Mixture


def mixture(seed: int, components: int, dimension: int) -> Mixture:
    rng = np.random.default_rng(seed)
    shape = rng.standard_normal((components, dimension, dimension))
    covariances = shape @ np.swapaxes(shape, 1, 2) + 0.1 * np.eye(dimension)
    weights = rng.dirichlet(np.ones(components))
    return Mixture(weights, rng.normal(0, 2, (components, dimension)), covariances)


def by_scipy(m: Mixture, points: np.ndarray) -> np.ndarray:
    parts = zip(m.weights, m.means, m.covariances, strict=True)
    return sum(w * multivariate_normal(mean, cov).pdf(points) for w, mean, cov in parts)


SHAPES = pytest.mark.parametrize(("components", "dimension"), [(1, 1), (4, 1), (3, 2), (7, 3), (5, 5)])


@SHAPES
def test_log_density_is_the_log_of_the_weighted_sum(components, dimension):
    m = mixture(1, components, dimension)
    points = np.random.default_rng(2).normal(0, 3, (50, dimension))
    np.testing.assert_allclose(m.log_density(points), np.log(by_scipy(m, points)), rtol=1e-10)


@SHAPES
def test_responsibilities_are_shares_of_the_density(components, dimension):
    m = mixture(3, components, dimension)
    points = np.random.default_rng(4).normal(0, 2, (20, dimension))
    shares = m.responsibilities(points)
    np.testing.assert_allclose(shares.sum(axis=1), 1, rtol=1e-12)
    first = m.weights[0] * multivariate_normal(m.means[0], m.covariances[0]).pdf(points)
    np.testing.assert_allclose(shares[:, 0], first / by_scipy(m, points), rtol=1e-9)


def test_a_density_integrates_to_one():
    m = mixture(5, 6, 2)
    axis = np.linspace(-25, 25, 1001)
    grid = np.stack(np.meshgrid(axis, axis), axis=-1).reshape(-1, 2)
    assert np.exp(m.log_density(grid)).sum() * (axis[1] - axis[0]) ** 2 == pytest.approx(1, abs=1e-6)


def test_mean_and_covariance_are_those_of_many_draws():
    m = mixture(6, 4, 3)
    draws = m.sample(400_000, np.random.default_rng(7))
    error = 5 * np.sqrt(np.diag(m.covariance()) / len(draws))
    assert (np.abs(draws.mean(axis=0) - m.mean()) < error).all()
    np.testing.assert_allclose(np.cov(draws.T), m.covariance(), atol=0.05 * np.abs(m.covariance()).max())


def test_draws_follow_the_density():
    m = mixture(8, 3, 1)
    edges = np.linspace(-4, 4, 30)
    cells = [np.linspace(a, b, 201) for a, b in zip(edges[:-1], edges[1:], strict=True)]
    masses = np.array([np.trapezoid(np.exp(m.log_density(c[:, None])), c) for c in cells])
    draws = m.sample(100_000, np.random.default_rng(9))[:, 0]
    seen, _ = np.histogram(draws, edges)
    kept = masses * len(draws) > 20
    expected = masses[kept] / masses[kept].sum() * seen[kept].sum()
    assert chisquare(seen[kept], expected).pvalue > 1e-3


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 10**6), known=st.sampled_from([(0,), (1,), (0, 1), (2, 0), (3, 1, 0)]))
def test_conditional_times_marginal_is_joint(seed, known):
    m = mixture(seed, 3, 4)
    rng = np.random.default_rng(seed)
    rest = [column for column in range(4) if column not in known]
    value = rng.normal(0, 2, len(known))
    others = rng.normal(0, 2, (10, len(rest)))
    points = np.empty((10, 4))
    points[:, list(known)] = value
    points[:, rest] = others
    apart = m.condition(known, value).log_density(others) + m.marginal(known).log_density(value[None])
    np.testing.assert_allclose(apart, m.log_density(points), rtol=1e-9, atol=1e-9)


def test_a_marginal_is_the_joint_with_the_rest_integrated_out():
    m = mixture(10, 4, 2)
    axis = np.linspace(-30, 30, 6001)
    at = 0.7
    line = np.column_stack((np.full(len(axis), at), axis))
    by_sum = np.trapezoid(np.exp(m.log_density(line)), axis)
    assert np.exp(m.marginal([0]).log_density([[at]])[0]) == pytest.approx(by_sum, rel=1e-9)


def test_a_marginal_keeps_the_order_that_was_asked_for():
    m = mixture(11, 3, 3)
    np.testing.assert_array_equal(m.marginal([2, 0]).means, m.means[:, [2, 0]])


@pytest.mark.parametrize("known", [(0,), (2, 1), (0, 1)])
def test_the_conditional_mean_is_the_mean_of_the_conditional(known):
    m = mixture(12, 6, 5)
    values = np.random.default_rng(13).normal(0, 2, (20, len(known)))
    one_by_one = [m.condition(known, value).mean() for value in values]
    np.testing.assert_allclose(m.conditional_mean(known, values), one_by_one, rtol=1e-9, atol=1e-12)


def test_far_away_nothing_is_nan():
    m = mixture(14, 3, 2)
    far = np.array([[1e6, -1e6]])
    assert np.isfinite(m.log_density(far)).all()
    assert np.isfinite(m.responsibilities(far)).all()
    assert np.isfinite(m.conditional_mean([0], [[1e6]])).all()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (([1.0], [[0.0]], [[[-1.0]]]), "positive definite"),
        (([1.0], [[0.0]], [[1.0]]), "covariances"),
        (([0.0], [[0.0]], [[[1.0]]]), "positive sum"),
        (([1.0], [[np.nan]], [[[1.0]]]), "finite"),
    ],
)
def test_what_is_no_mixture_is_refused(arguments, words):
    with pytest.raises(ValueError, match=words):
        Mixture(*arguments)


def test_points_and_columns_that_do_not_fit_are_refused():
    m = mixture(15, 2, 2)
    with pytest.raises(ValueError, match=r"expected points \(n, 2\)"):
        m.log_density([[1.0, 2.0, 3.0]])
    with pytest.raises(ValueError, match="columns"):
        m.marginal([0, 0])
    with pytest.raises(ValueError, match="left unknown"):
        m.condition([0, 1], [0.0, 0.0])
