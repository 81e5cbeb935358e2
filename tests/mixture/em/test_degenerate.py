"""Points no one should fit give a proper mixture or an error that says what is wrong."""

import numpy as np
import pytest

from gmmbench.mixture import Mixture, fit

RNG = np.random.default_rng(0)
LINE = np.linspace(0, 1, 200)


def fitted(points, components, **options):
    return fit(
        points, components=components, **{"iterations": 20, "rng": np.random.default_rng(1), **options}
    )


def assert_proper(found, points):
    mixture = found.mixture
    assert np.isfinite(mixture.means).all()
    assert np.isfinite(mixture.covariances).all()
    assert (np.linalg.eigvalsh(mixture.covariances) > 0).all()
    assert mixture.weights.sum() == pytest.approx(1)
    assert np.isfinite(mixture.log_density(points)).all()
    assert np.isfinite(found.bound)


@pytest.mark.parametrize("init", ["kmeans", "k-means++", "stratified", "random"])
@pytest.mark.parametrize(
    "points",
    [
        np.stack((LINE, 2 * LINE), axis=1),
        np.repeat(RNG.normal(size=(5, 2)), 40, axis=0),
        np.stack((LINE, np.full(200, 3.0)), axis=1),
        np.round(RNG.normal(size=(300, 2))),
    ],
    ids=["collinear", "duplicates", "constant column", "lattice"],
)
def test_degenerate_points_give_a_proper_mixture(points, init):
    assert_proper(fitted(points, 4, init=init), points)


@pytest.mark.parametrize("scale", [1e-8, 1e8])
@pytest.mark.parametrize("covariance", ["full", "tied"])
def test_any_scale_gives_a_proper_mixture(scale, covariance):
    points = scale * RNG.normal(size=(300, 2))
    assert_proper(fitted(points, 3, covariance=covariance), points)


def test_collinear_points_of_a_huge_scale_give_a_proper_mixture():
    points = 1e8 * np.stack((LINE, 2 * LINE), axis=1)
    assert_proper(fitted(points, 3), points)


def test_the_scale_of_the_points_changes_the_likelihood_by_its_logarithm_alone():
    points = RNG.normal(size=(500, 2))
    small, large = (
        fitted(s * points, 3, init="stratified", covariance_floor=1e-4 * s**2, tolerance=0)
        for s in (1e-8, 1e8)
    )
    assert small.bound - large.bound == pytest.approx(2 * np.log(1e16), abs=1e-4)


def test_one_point_is_a_gaussian_as_wide_as_the_floor():
    found = fitted(np.array([[1.0, 2.0]]), 1, covariance_floor=[0.01, 0.04])
    assert np.allclose(found.mixture.means, [[1.0, 2.0]])
    assert np.allclose(found.mixture.covariances, [np.diag([0.01, 0.04])])


def test_the_floor_is_added_to_each_axis():
    points = RNG.normal(size=(400, 2))
    found = fitted(points, 1, covariance_floor=[0.5, 2.0], precision="double")
    assert np.allclose(found.mixture.covariances[0], np.cov(points.T, bias=True) + np.diag([0.5, 2.0]))


def test_more_components_than_distinct_points_is_refused():
    with pytest.raises(ValueError, match="at most 5 components"):
        fitted(np.repeat(RNG.normal(size=(5, 2)), 10, axis=0), 6)


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_points_that_are_not_finite_are_refused(bad):
    points = RNG.normal(size=(20, 2))
    points[3, 1] = bad
    with pytest.raises(ValueError, match="finite"):
        fitted(points, 2)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"init": "lucky"}, "init to be one of kmeans"),
        ({"engine": "warp"}, "engine to be one of fast, sklearn"),
        ({"precision": "half"}, "auto, single, double"),
        ({"truncation": 1.0}, "0 <= truncation < 1"),
        ({"covariance": "round"}, "covariance to be one of full"),
        ({"covariance_floor": 0.0}, "floor > 0"),
        ({"empty": "ignore"}, "empty to be one of remove, reseed"),
        ({"weights": np.zeros(30)}, "some are > 0"),
    ],
)
def test_options_that_do_not_exist_are_refused_with_what_does(options, said):
    with pytest.raises(ValueError, match=said):
        fitted(RNG.normal(size=(30, 2)), 2, **options)


def test_moves_and_more_starts_never_lose_likelihood():
    rng = np.random.default_rng(2)
    centres = 6 * rng.normal(size=(12, 2))
    points = centres[rng.integers(12, size=3000)] + 0.3 * rng.normal(size=(3000, 2))
    plain = fitted(points, 12, init="random", iterations=100)
    moved = fitted(points, 12, init="random", iterations=100, split_merge=8)
    assert moved.bound >= plain.bound
    assert moved.mixture.n_components == 12
    several = fitted(points, 12, init="random", iterations=100, n_init=5)
    assert several.iterations <= 100


def far_start(near, far):
    """Components of which some lie where no point is."""
    means = np.concatenate((RNG.normal(size=(near, 2)), 1e6 + RNG.normal(size=(far, 2))))
    return Mixture(np.full(near + far, 1.0), means, np.repeat(np.eye(2)[None], near + far, axis=0))


def test_an_empty_component_is_removed_and_counted():
    found = fitted(RNG.normal(size=(500, 2)), 2, init=far_start(1, 1), empty="remove")
    assert (found.removed, found.reseeded) == (1, 0)
    assert (found.mixture.n_components, found.n_parameters) == (1, 5)


@pytest.mark.parametrize("covariance", ["full", "diag", "spherical", "tied"])
def test_an_empty_component_is_reseeded_and_gains_likelihood(covariance):
    rng = np.random.default_rng(4)
    centres = 6 * rng.normal(size=(6, 2))
    points = centres[rng.integers(6, size=1500)] + 0.3 * rng.normal(size=(1500, 2))
    init = far_start(2, 4)
    options = dict(init=init, covariance=covariance, iterations=100)
    kept = fitted(points, 6, empty="reseed", **options)
    assert (kept.removed, kept.reseeded, kept.mixture.n_components) == (0, 4, 6)
    assert_proper(kept, points)
    fewer = fitted(points, 6, empty="remove", **options)
    assert (fewer.removed, fewer.mixture.n_components) == (4, 2)
    assert kept.bound > fewer.bound + 0.1
