"""Types of covariance: their shapes, and types that are registered from outside the engine."""

import numpy as np
import pytest
from sklearn.mixture import GaussianMixture as Reference

from gmmbench.mixture import COVARIANCES, CovarianceType, fit, fit_bayesian, register_covariance
from gmmbench.mixture.covariances import Dense

IN_SCIKIT_LEARN = ("full", "diag", "spherical", "tied")


@pytest.fixture
def points():
    rng = np.random.default_rng(0)
    centres = [[0.0, 0.0], [3.0, 1.0], [-1.0, 4.0]]
    return np.concatenate([c + rng.normal(size=(150, 2)) * [0.3, 0.6] for c in centres])


@pytest.fixture
def register():
    """Register types for one test only."""
    added = []

    def add(kind):
        register_covariance(kind)
        added.append(kind.name)

    yield add
    for name in added:
        del COVARIANCES[name]


@pytest.mark.parametrize("name", IN_SCIKIT_LEARN)
def test_scikit_learn_has_the_types_its_shapes_and_its_numbers_of_parameters(name, points):
    kind, model = COVARIANCES[name], Reference(3, covariance_type=name, random_state=0).fit(points)
    whole = kind.expand(model.covariances_, 3, 2)
    assert whole.shape == (3, 2, 2)
    np.testing.assert_array_equal(kind.compact(whole), model.covariances_)
    assert kind.n_parameters(3, 2) == model._n_parameters()


def test_no_type_claims_a_name_of_scikit_learn_that_is_none():
    claimed = {name for name, kind in COVARIANCES.items() if kind.in_scikit_learn}
    assert claimed == set(IN_SCIKIT_LEARN)


@pytest.mark.parametrize("name", COVARIANCES)
def test_restricting_twice_is_restricting_once(name):
    rng = np.random.default_rng(1)
    factors, weights = rng.normal(size=(4, 3, 3)), rng.random(4)
    kind = COVARIANCES[name]
    once = kind.restrict(factors @ np.swapaxes(factors, 1, 2), weights)
    np.testing.assert_allclose(kind.restrict(once, weights), once, rtol=1e-14)
    np.testing.assert_array_equal(kind.expand(kind.compact(once), 4, 3), once)


def test_a_name_that_is_taken_is_refused():
    with pytest.raises(ValueError, match="new name for a covariance type, got 'full'"):
        register_covariance(CovarianceType("full", Dense()))


def test_a_name_that_is_not_there_is_refused_with_those_that_are(points):
    assert set(IN_SCIKIT_LEARN) <= COVARIANCES.keys()
    for any_fit in (fit, fit_bayesian):
        with pytest.raises(ValueError, match=f"one of {', '.join(COVARIANCES)}, got 'round'"):
            any_fit(points, components=2, covariance="round", rng=np.random.default_rng(0))


ISOTROPIC_TIED = CovarianceType("isotropic_tied", COVARIANCES["spherical"].form, shared=True)


def test_a_registered_type_is_fitted_by_em(register, points):
    """One variance for all axes of all components: K-means' model, whose M-step is known."""
    register(ISOTROPIC_TIED)
    options = {"components": 3, "covariance": "isotropic_tied", "rng": np.random.default_rng(0)}
    found = fit(points, **options, covariance_floor=1e-9, tolerance=1e-13, iterations=500, precision="double")
    assert found.n_parameters == 2 + 3 * 2 + 1
    assert (np.diff(found.trace) > -1e-12).all()
    shares = found.mixture.responsibilities(points)
    apart = ((points[:, None] - found.mixture.means) ** 2).sum(axis=2)
    variance = (shares * apart).sum() / (2 * len(points))
    np.testing.assert_allclose(found.mixture.covariances, np.tile(variance * np.eye(2), (3, 1, 1)), rtol=1e-5)


def test_a_registered_type_is_fitted_by_variational_bayes(register, points):
    register(ISOTROPIC_TIED)
    options = {"components": 6, "covariance": "isotropic_tied", "rng": np.random.default_rng(0)}
    options |= {"process": True, "prior": "evidence", "precision": "double", "tolerance": 1e-9}
    found = fit_bayesian(points, **options, iterations=200)
    assert (np.diff(found.trace) > -1e-9).all()
    assert np.ptp(found.mixture.covariances, axis=0).max() < 1e-12
    x, y = np.meshgrid(np.arange(-30, 30, 0.1), np.arange(-30, 30, 0.1))
    density = np.exp(found.predictive.log_density(np.stack((x, y), axis=-1).reshape(-1, 2)))
    assert density.sum() * 0.01 == pytest.approx(1, abs=2e-3)
    assert fit_bayesian(points, **options, births=5).bound > found.bound - 1e-6


def test_scikit_learns_engine_refuses_a_type_that_it_does_not_have(register, points):
    register(ISOTROPIC_TIED)
    options = {"components": 2, "covariance": "isotropic_tied", "engine": "sklearn"}
    for any_fit in (fit, fit_bayesian):
        with pytest.raises(ValueError, match="scikit-learn has, got 'isotropic_tied'; try engine='fast'"):
            any_fit(points, **options, rng=np.random.default_rng(0))


class PlaceAndColour(Dense):
    """Matrices without covariances between the first two axes and the others."""

    def n_parameters(self, dimension):
        return 3 + super().n_parameters(dimension - 2)

    def restrict(self, matrices):
        blocks = super().restrict(matrices).copy()
        blocks[..., :2, 2:] = blocks[..., 2:, :2] = 0
        return blocks

    def whitening_factor(self, covariance, covariance_floor):
        return super().whitening_factor(self.restrict(covariance), covariance_floor)


def test_a_form_from_outside_is_fitted(register):
    register(CovarianceType("place_and_colour", PlaceAndColour()))
    rng = np.random.default_rng(3)
    noise = rng.normal(size=(800, 3)) @ [[1.0, 0.5, 0.4], [0, 1, 0.3], [0, 0, 0.5]]
    options = {"components": 3, "covariance": "place_and_colour", "precision": "double", "tolerance": 1e-9}
    found = fit(noise + rng.integers(3, size=800)[:, None], **options, rng=rng)
    assert (np.diff(found.trace) > -1e-12).all()
    across, within = found.mixture.covariances[:, :2, 2], found.mixture.covariances[:, 0, 1]
    assert np.abs(across).max() < 1e-12 < np.abs(within).min()
    assert found.n_parameters == 2 + 3 * 3 + 3 * 4
