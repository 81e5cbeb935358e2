"""The scikit-learn engine behind `fit`: its floor, its weights, its refusals."""

from functools import partial

import numpy as np
import pytest
from sklearn.mixture import GaussianMixture

from gmmbench.mixture import fit as any_fit
from gmmbench.mixture import fit_bayesian as any_fit_bayesian
from gmmbench.mixture.sklearn_engine import _resampled

fit = partial(any_fit, engine="sklearn")
fit_bayesian = partial(any_fit_bayesian, engine="sklearn")
RNG = np.random.default_rng(0)
POINTS = np.vstack((RNG.normal(0, 0.3, (300, 2)), RNG.normal(2, 0.1, (200, 2))))


def rng() -> np.random.Generator:
    return np.random.default_rng(1)


@pytest.mark.parametrize("covariance", ["full", "diag", "spherical", "tied"])
def test_the_bound_is_the_mean_log_likelihood(covariance):
    found = fit(
        POINTS, components=2, covariance=covariance, covariance_floor=[1e-4, 4e-4], rng=rng(), tolerance=1e-9
    )
    assert found.converged
    assert found.bound == pytest.approx(found.mixture.log_density(POINTS).mean(), abs=1e-6)


def test_equal_floors_give_what_scikit_learn_gives():
    found = fit(POINTS, components=3, covariance_floor=1e-4, rng=rng(), tolerance=1e-9, iterations=500)
    theirs = GaussianMixture(3, tol=1e-9, max_iter=500, reg_covar=1e-4, random_state=3).fit(POINTS)
    assert found.bound == pytest.approx(theirs.lower_bound_, abs=1e-3)


def test_every_axis_keeps_its_own_floor():
    line = np.column_stack((np.linspace(0, 1, 50), np.zeros(50)))
    found = fit(line, components=1, covariance_floor=[1e-4, 9e-4], rng=rng())
    assert found.mixture.covariances[0, 1, 1] == pytest.approx(9e-4)
    assert found.mixture.covariances[0, 0, 0] == pytest.approx(line[:, 0].var() + 1e-4)


def test_resampling_takes_each_point_as_often_as_its_weight_says():
    weights = np.array([0.5, 0.0, 3.0, 1.25, 0.25])
    counts = np.bincount(_resampled(weights, rng()), minlength=5)
    assert counts.sum() == 5
    assert (np.abs(counts - weights) < 1).all()
    assert counts[1] == 0


def test_heavier_points_pull_the_mean():
    points = np.array([[0.0], [1.0]] * 200)
    found = fit(points, np.array([0.1, 0.9] * 200), components=1, covariance_floor=1e-3, rng=rng())
    assert found.mixture.mean()[0] == pytest.approx(0.9, abs=0.06)


@pytest.mark.parametrize("process", [False, True])
def test_a_bayesian_mixture_is_a_density_that_spares_components(process):
    found = fit_bayesian(
        POINTS, components=8, process=process, concentration=1e-3, covariance_floor=1e-4, rng=rng()
    )
    axis = np.linspace(-4, 5, 600)
    grid = np.stack(np.meshgrid(axis, axis), axis=-1).reshape(-1, 2)
    mass = np.exp(found.mixture.log_density(grid)).sum() * (axis[1] - axis[0]) ** 2
    assert mass == pytest.approx(1, abs=1e-3)
    assert (found.mixture.weights > 1 / len(POINTS)).sum() < 8


@pytest.mark.parametrize(
    ("points", "options", "words"),
    [
        (np.zeros((0, 2)), {}, "n >= 1"),
        (np.full((5, 2), np.nan), {}, "finite"),
        (np.zeros((5, 2)), {"components": 2}, "at most 1 components"),
        (POINTS, {"covariance_floor": 0.0}, "floor > 0"),
        (POINTS, {"weights": np.ones(3)}, "expected weights"),
    ],
)
def test_what_cannot_be_fitted_is_refused(points, options, words):
    with pytest.raises(ValueError, match=words):
        fit(points, **{"components": 1, "rng": rng(), **options})


@pytest.mark.parametrize("covariance", ["full", "diag", "spherical", "tied"])
def test_a_start_by_parameters_is_the_same_for_both_engines(covariance):
    options = dict(components=4, covariance=covariance, init="stratified", covariance_floor=1e-3, tolerance=0)
    ours = any_fit(POINTS, iterations=7, rng=rng(), truncation=0.0, precision="double", **options)
    theirs = fit(POINTS, iterations=7, rng=rng(), **options)
    assert theirs.mixture.log_density(POINTS).mean() == pytest.approx(
        ours.mixture.log_density(POINTS).mean(), abs=1e-6
    )
    again = fit(POINTS, iterations=1, rng=rng(), **{**options, "init": ours.mixture})
    assert again.bound == pytest.approx(ours.mixture.log_density(POINTS).mean(), abs=1e-6)


def test_the_scale_of_weights_is_of_no_importance():
    for weights in (np.random.default_rng(0).integers(1, 4, len(POINTS)), np.linspace(0.1, 1, len(POINTS))):
        fits = [
            fit(POINTS, weights * scale, components=2, covariance_floor=1e-3, rng=rng()).mixture
            for scale in (1.0, 1e-300, 1e-16, 1e300)
        ]
        for found in fits[1:]:
            np.testing.assert_allclose(found.means, fits[0].means)
            np.testing.assert_allclose(found.covariances, fits[0].covariances)


def test_integer_weights_are_repetitions():
    weights = np.random.default_rng(0).integers(0, 4, len(POINTS))
    one = fit(POINTS, weights, components=2, covariance_floor=1e-3, rng=rng()).mixture
    two = fit(np.repeat(POINTS, weights, axis=0), components=2, covariance_floor=1e-3, rng=rng()).mixture
    np.testing.assert_allclose(one.means, two.means)
