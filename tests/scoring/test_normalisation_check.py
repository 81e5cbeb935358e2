"""The normalisation check: few false alarms, and every kind of lie is caught."""

import numpy as np
import pytest
from known_fits import Cells, Written, ink_image
from scipy.stats import multivariate_normal, norm

from gmmbench import Lattice, Refused
from gmmbench.mixture import Mixture
from gmmbench.mixture_fit import MixtureDensity
from gmmbench.scoring.lattice_masses import ink_masses, level_masses
from gmmbench.scoring.normalisation_check import check_density, check_levels


def test_false_alarms_are_fewer_than_one_in_a_hundred():
    """50 seeds of three true densities: at p < 1e-4 and 4 standard errors none is to be expected."""
    lattice = Lattice(24, 32)
    shapes = [
        multivariate_normal([0.5, 0.4], [[0.03, 0.01], [0.01, 0.02]]),
        multivariate_normal([0.05, 0.05], 0.01 * np.eye(2)),
    ]
    true = [
        Written(shape.logpdf, lambda n, rng, shape=shape: shape.rvs(n, random_state=rng)) for shape in shapes
    ]
    rng = np.random.default_rng(0)
    true.append(Cells(lattice, (masses := rng.random(lattice.shape) ** 4) / masses.sum()))
    alarms = 0
    for fit in true:
        masses = ink_masses(fit, lattice, np.ones(lattice.shape))
        alarms += sum(
            not check_density(fit, masses, lattice, np.random.default_rng(seed), samples=20_000).holds
            for seed in range(50)
        )
    assert alarms == 0


@pytest.mark.parametrize("times", [0.5, 1.02, 3.0])
def test_a_density_that_is_scaled_is_caught(times):
    lattice = Lattice(16, 16)
    fit = Cells(lattice, np.full(lattice.shape, 1 / 256), times=times)
    found = check_density(
        fit, ink_masses(fit, lattice, np.ones(lattice.shape)), lattice, np.random.default_rng(0)
    )
    assert not found.holds
    assert found.mass_in_box == pytest.approx(times)
    assert any("mass inside the box" in reason for reason in found.reasons)


def test_samples_a_twentieth_of_a_deviation_off_are_caught():
    lattice = Lattice(32, 32)
    shape = multivariate_normal([0.5, 0.5], 0.02 * np.eye(2))
    off = 0.05 * np.sqrt(0.02)
    fit = Written(shape.logpdf, lambda n, rng: shape.rvs(n, random_state=rng) + off)
    masses = ink_masses(fit, lattice, np.ones(lattice.shape))
    found = check_density(fit, masses, lattice, np.random.default_rng(0))
    assert found.p_value < 1e-4
    assert "do not follow" in found.reasons[0]


def test_masses_that_are_no_numbers_are_caught():
    lattice = Lattice(8, 8)
    flat = Cells(lattice, np.full(lattice.shape, 1 / 64))
    fit = Written(lambda points: np.full(len(points), np.nan), flat.sample)
    found = check_density(
        fit, ink_masses(fit, lattice, np.ones(lattice.shape)), lattice, np.random.default_rng(0)
    )
    assert not found.holds
    assert found.p_value is None


def test_levels_have_the_same_check():
    shape = norm(0.4, 0.1)
    fit = Written(lambda x: shape.logpdf(x[:, 0]), lambda n, rng: shape.rvs((n, 1), random_state=rng))
    masses = level_masses(fit, 256, np.ones(256))
    edges = np.arange(257) / 256
    np.testing.assert_allclose(masses.values, np.diff(shape.cdf(edges)), rtol=1e-6, atol=1e-12)
    assert check_levels(fit, masses, np.random.default_rng(0)).holds
    shifted = Written(fit.log_p, lambda n, rng: shape.rvs((n, 1), random_state=rng) + 0.01)
    assert not check_levels(shifted, masses, np.random.default_rng(0)).holds


def test_a_smooth_density_is_integrated_as_scipy_does():
    shape = multivariate_normal([0.3, 0.5], [[0.004, 0.003], [0.003, 0.006]])
    image = ink_image(np.ones((20, 14)))
    lattice = image.lattice
    fit = Written(shape.logpdf, lambda n, rng: shape.rvs(n, random_state=rng))
    masses = ink_masses(fit, lattice, image.values)
    corners = lattice.centres() - lattice.cell / 2
    exact = [shape.cdf(low + lattice.cell, lower_limit=low) for low in corners]
    assert masses.settled
    np.testing.assert_allclose(masses.values.ravel(), exact, rtol=1e-5, atol=1e-9)


@pytest.mark.parametrize(
    "width, correlation, holds",
    [(0.3, 0.9, True), (0.02, 0.99, True), (1e-6, 0, True), (1e-6, 1 - 1e-12, False)],
)
def test_a_mixture_that_is_too_narrow_to_be_integrated_is_not_certified(width, correlation, holds):
    """A cell of 32 is 2 ** -5 wide, so that the covariance keeps its digits."""
    lattice = Lattice(32, 32)
    covariance = (width / 32) ** 2 * np.array([[1, correlation], [correlation, 1]])
    mixture = Mixture([0.5, 0.5], [[0.5, 0.5], [20.4 / 32, 20.4 / 32]], [0.05 * np.eye(2), covariance])
    fit = MixtureDensity(mixture, ("x", "y"), None, 1, True)
    ink = np.zeros(lattice.shape)
    ink[20, 20] = 1
    found = check_density(fit, ink_masses(fit, lattice, ink), lattice, np.random.default_rng(0))
    assert found.holds == holds
    assert any("not certified" in reason for reason in found.reasons) != holds


def test_a_mixture_that_is_indefinite_by_a_rounding_is_refused():
    """Its Cholesky factor in float64 exists; of the exact numbers there is none."""
    a, b, c = 0.6369616873214543, 0.2697867137638703, 0.11426883652858744
    fit = MixtureDensity(Mixture([1.0], [[0.5, 0.5]], [[[a, b], [b, c]]]), ("x", "y"), None, 1, True)
    with pytest.raises(Refused, match="the mixture of MixtureDensity: expected positive definite"):
        ink_masses(fit, Lattice(4, 4), np.ones((4, 4)))
