"""Masses of colours from a millionth to a million cells wide, and correlated to 1 - 1e-12, by brute force."""

from decimal import Decimal

import numpy as np
import pytest
from box_oracle import CORRELATIONS, WIDTHS, case, factor, log_box

from gmmbench.mixture import Mixture, StudentMixture, colour_masses, law_masses

CELL = 1 / 256
TO = 1e-4
"""Nats: what is certified errs by no more."""

LOW, HIGH = np.zeros(3), np.full(3, 256.0)
"""The cube, in cells."""

PLACES = {"inside": (0.1, -0.2, 0.3), "corner": (0.5, 0.5, -0.5), "outside": (2.5, 2.1, 2.0)}
"""Of the mean, in cells from the cell's centre; outside in standard deviations."""

UNCERTAIN = {(1e-6, 1 - 1e-6), (1e-6, 1 - 1e-12), (1e-3, 1 - 1e-12)}
"""Widths and correlations whose means, as float64, are not known to 1e-4 of the conditional deviation."""


def masses_of(mean, covariance, at, degrees=None):
    """Of one component in units of cells: every scaling is by a power of 2 and exact."""
    df = None if degrees is None else [[degrees]]
    found = law_masses([[1.0]], [[mean / 256]], (covariance / 65536)[None, None], [at / 256], df)
    return found.cell[0], found.cube[0], found.error[0]


def correlated(width, correlation):
    widths = width * np.array([1.0, 1.5, 0.7])
    return (np.full((3, 3), correlation) + (1 - correlation) * np.eye(3)) * np.outer(widths, widths)


def agrees(mean, covariance, at, degrees=None):
    """Whether the masses are certified, having compared them with the brute force if they are."""
    cell, cube, error = masses_of(mean, covariance, at, degrees)
    assert cell <= cube <= 0
    if error > TO:
        return False
    true_cell = log_box(mean, covariance, at - 0.5, at + 0.5, degrees)
    true_cube = log_box(mean, covariance, LOW, HIGH, degrees)
    assert cell - cube == pytest.approx(true_cell - true_cube, rel=0, abs=TO)
    assert abs(cell - cube - true_cell + true_cube) <= error
    return True


GRID = [(w, r) for w in WIDTHS for r in CORRELATIONS]


@pytest.mark.parametrize("width, correlation", [*GRID[3::12], GRID[-1]])
def test_colours_of_any_width_and_correlation_are_right_or_not_certified(width, correlation):
    at = np.array([200.5, 17.5, 99.5])
    mean = at + np.array(PLACES["inside"])
    certified = agrees(mean, correlated(width, correlation), at)
    assert certified == ((width, correlation) not in UNCERTAIN)


@pytest.mark.slow
@pytest.mark.parametrize("degrees", [None, 0.5, 3.0, 30.0])
@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("width, correlation", GRID)
def test_every_width_and_correlation(width, correlation, place, degrees):
    at = np.array([200.5, 17.5, 99.5])
    away = np.array(PLACES[place]) * (width if place == "outside" else 1)
    certified = agrees(at + np.clip(away, -200, 200), correlated(width, correlation), at, degrees)
    if place == "inside":
        assert certified or (width, correlation) in UNCERTAIN


@pytest.mark.parametrize("seed", range(3))
def test_colours_of_any_covariance_are_right_or_not_certified(seed):
    """Rotated, grey and axis-wise correlated covariances; means inside, on faces, at corners and far away."""
    rng = np.random.default_rng(seed)
    covariance, mean, _ = case(rng, 3)
    at = rng.integers(0, 256, 3) + 0.5
    agrees(mean + at, covariance, at, rng.choice((None, 0.5, 2.0, 10.0, 100.0)))


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(100, 300))
def test_many_covariances(seed):
    test_colours_of_any_covariance_are_right_or_not_certified(seed)


@pytest.mark.parametrize("sd, off", [(0.02, 0.0), (1e-4, 0.3)])
def test_the_law_that_claimed_a_thousand_bits(sd, off):
    """Ten levels wide along grey and nearly nothing across: once it had a mass of 7e72 in a cell."""
    grey = np.ones(3) / np.sqrt(3)
    covariance = (100 - sd**2) * np.outer(grey, grey) + sd**2 * np.eye(3)
    covariance = (covariance + covariance.T) / 2
    at = np.full(3, 100.5)
    assert agrees(at + off * np.array([1, -1, 0]), covariance, at)
    assert masses_of(at, covariance, at)[0] < np.log(0.1)


@pytest.mark.parametrize("degrees", [None, *(pytest.param(df, marks=pytest.mark.slow) for df in (3.0, 40.0))])
def test_a_mixture_of_wide_narrow_and_steep_components_agrees_with_the_sum_of_boxes(degrees):
    rng = np.random.default_rng(3)
    at = np.array([120.5, 80.5, 30.5])
    spread = np.stack([correlated(w, r) for w, r in ((20, 0.5), (0.02, 0.9), (3, 0.999999), (1e3, 0.0))])
    means = at + rng.normal(0, 0.3, (4, 3))
    weights = np.array([0.4, 0.1, 0.2, 0.3])
    df = None if degrees is None else np.full((1, 4), degrees)
    found = law_masses(weights[None], means[None] / 256, spread[None] / 65536, at[None] / 256, df)
    parts = [
        [log_box(m, c, low, high, degrees) for m, c in zip(means, spread, strict=True)]
        for low, high in ((at - 0.5, at + 0.5), (LOW, HIGH))
    ]
    cell, cube = (np.logaddexp.reduce(np.log(weights) + part) for part in parts)
    assert found.cell[0] == pytest.approx(cell, abs=TO)
    assert found.cube[0] == pytest.approx(cube, abs=TO)
    assert found.error[0] <= TO


@pytest.mark.parametrize("degrees", [None, 5.0])
@pytest.mark.parametrize("width, correlation", [(0.01, 0.99), (1.0, 1 - 1e-9), (30.0, 0.9)])
def test_conditionals_of_a_joint_mixture_are_those_of_exact_algebra(degrees, width, correlation):
    """p(c | x, y) of one component: its mean and covariance by 60 digits, and the brute force."""
    joint = np.eye(5) * 0.05
    joint[2:, 2:] = correlated(width, correlation) / 65536
    joint[0, 2:] = joint[2:, 0] = 0.05 * width / 256 * np.array([1.0, 1.5, 0.7])
    joint[0, 0] = 0.4
    mean = np.array([0.4, 0.5, 0.3, 0.4, 0.5])
    x = np.array([0.45, 0.52])
    law = conditional(joint, mean, x, degrees)
    at = np.floor(law[0] * 256) + 0.5
    mixture = (
        Mixture([1.0], [mean], [joint])
        if degrees is None
        else StudentMixture(np.ones(1), mean[None], joint[None], np.array([degrees]))
    )
    found = colour_masses(mixture, x[None], at[None] / 256)
    df = None if degrees is None else degrees + 2
    expected = log_box(law[0] * 256, law[1] * 65536, at - 0.5, at + 0.5, df)
    assert found.cell[0] == pytest.approx(expected, abs=TO)
    assert found.error[0] <= TO


def conditional(joint, mean, x, degrees):
    """Mean and covariance (of a t: scale) of the last three columns given the first two, with 60 digits."""
    rows, inner = factor(joint), (2, 3, 4)
    apart = [Decimal(float(a)) - Decimal(float(b)) for a, b in zip(x, mean[:2], strict=True)]
    first = apart[0] / rows[0][0]
    second = (apart[1] - rows[1][0] * first) / rows[1][1]
    centre = np.array(
        [float(Decimal(float(mean[i])) + rows[i][0] * first + rows[i][1] * second) for i in inner]
    )
    left = [[sum(rows[i][k] * rows[j][k] for k in range(2, min(i, j) + 1)) for j in inner] for i in inner]
    spread = np.array(left, dtype=float)
    if degrees is not None:
        spread *= (degrees + float(first * first + second * second)) / (degrees + 2)
    return centre, spread


def test_cells_of_a_narrow_law_sum_to_the_cube():
    levels = 6
    everywhere = np.stack(np.meshgrid(*[(np.arange(levels) + 0.5) / levels] * 3), axis=-1).reshape(-1, 3)
    n = len(everywhere)
    grey = np.full((3, 3), 0.02) + 1e-7 * np.eye(3)
    found = law_masses(np.ones((n, 1)), np.full((n, 1, 3), 0.43), grey[None], everywhere, cell=1 / levels)
    assert np.exp(found.cell).sum() == pytest.approx(np.exp(found.cube[0]), rel=1e-6)


def test_threads_do_not_change_a_careful_mass():
    rng = np.random.default_rng(0)
    n = 60
    laws = (
        np.full((n, 2), 0.5),
        rng.random((n, 2, 3)),
        np.stack([correlated(1.0, 1 - 1e-8), correlated(0.01, 0.5)])[None] / 65536,
        (rng.integers(0, 256, (n, 3)) + 0.5) / 256,
    )
    one, two = (law_masses(*laws, threads=threads) for threads in (1, 2))
    for a, b in zip(one, two, strict=True):
        np.testing.assert_array_equal(a, b)
