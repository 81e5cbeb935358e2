"""Masses of pixels and of levels from a millionth to a million cells wide, by brute force."""

import numpy as np
import pytest
from box_oracle import CORRELATIONS, WIDTHS, case, log_box

from gmmbench.mixture import Mixture, StudentMixture, cell_masses, estimated_cell_masses, level_masses

TO = 1e-4
"""Nats: what is certified errs by no more."""

HEIGHT, WIDTH = 12, 14

CENTRE = np.array([6.5, 4.5])
"""Of the cell round which means are placed."""


def component(mean, covariance, degrees=None):
    if degrees is None:
        return Mixture([1.0], [mean], [covariance])
    return StudentMixture(np.ones(1), np.array([mean]), np.array([covariance]), np.array([degrees]))


def agrees(mean, covariance, degrees, cells):
    """How many of the cells (x, y) are certified, having compared these with the brute force."""
    found = estimated_cell_masses(component(mean, covariance, degrees), HEIGHT, WIDTH, 1.0)
    assert np.isfinite(found.values).all() and (found.values >= 0).all()
    assert found.values.sum() <= 1 + TO
    certified = 0
    for x, y in cells:
        if found.error[y, x] <= TO:
            expected = log_box(mean, covariance, [x, y], [x + 1, y + 1], degrees)
            assert np.log(found.values[y, x]) == pytest.approx(expected, rel=0, abs=TO)
            certified += 1
    return certified


def correlated(width, correlation):
    widths = width * np.array([1.0, 1.6])
    return (np.full((2, 2), correlation) + (1 - correlation) * np.eye(2)) * np.outer(widths, widths)


@pytest.mark.parametrize("degrees", [None, 0.5, 3.0, 30.0])
@pytest.mark.parametrize("width", WIDTHS)
def test_cells_of_any_width_and_correlation_are_right_or_not_certified(width, degrees):
    for correlation in (*CORRELATIONS, -0.7, -1 + 1e-9):
        covariance = correlated(width, correlation)
        for off in ((0.1, -0.2), (0.5, -0.5), (0.5, 0.3)):
            certified = agrees(CENTRE + off, covariance, degrees, [(6, 4), (7, 4), (5, 5)])
            assert certified or (width <= 1e-3 and abs(correlation) >= 1 - 1e-6)


@pytest.mark.parametrize("kind", ["gaussian", "student"])
@pytest.mark.parametrize("seed", range(8))
def test_cells_of_any_covariance_are_right_or_not_certified(seed, kind):
    rng = np.random.default_rng(seed)
    for _ in range(15):
        covariance, mean, _ = case(rng, 2)
        degrees = None if kind == "gaussian" else rng.choice((0.5, 1.0, 3.0, 10.0, 100.0))
        others = [tuple(at) for at in rng.integers(0, 12, (3, 2))]
        agrees(CENTRE + mean, covariance, degrees, [(6, 4), *others])


@pytest.mark.parametrize("degrees", [None, 1.0, 10.0, 100.0])
def test_down_to_forty_nats_the_nodes_hold(degrees):
    """Of components as wide as the covariance floor and wider, which are integrated by nodes."""
    rng = np.random.default_rng(4)
    for _ in range(40):
        turn = np.linalg.qr(rng.normal(size=(2, 2)))[0]
        covariance = turn @ np.diag(np.exp(rng.uniform(np.log(0.3), np.log(30), 2)) ** 2) @ turn.T
        covariance = (covariance + covariance.T) / 2
        agrees(rng.uniform(3, 9, 2), covariance, degrees, [tuple(at) for at in rng.integers(0, 12, (6, 2))])


@pytest.mark.parametrize("degrees", [None, 4.0])
@pytest.mark.parametrize("sd", [0.02, 1e-3, 1e-5])
def test_no_mass_is_lost_by_narrow_correlated_components(sd, degrees):
    """Once 0.225 of the mass at 0.02 cells."""
    covariance = sd**2 * np.array([[1.0, 0.8], [0.8, 1.0]])
    found = cell_masses(component([5.3, 6.2], covariance, degrees), HEIGHT, WIDTH, 1.0)
    assert found.sum() == pytest.approx(1, abs=1e-4 if degrees is None or sd <= 1e-3 else 1e-2)
    assert found[6, 5] == pytest.approx(found.sum(), rel=2e-4 if degrees is None else 2e-2)


@pytest.mark.parametrize("degrees", [None, 5.0])
def test_a_mixture_of_wide_and_narrow_components_is_the_sum_of_its_components(degrees):
    rng = np.random.default_rng(1)
    spread = np.stack([correlated(w, r) for w, r in ((4, 0.5), (0.02, 0.9), (3, 1 - 1e-8), (1e3, 0.3))])
    means, weights = rng.uniform(2, 10, (4, 2)), np.array([0.4, 0.1, 0.2, 0.3])
    mixture = (
        Mixture(weights, means, spread)
        if degrees is None
        else StudentMixture(weights, means, spread, np.full(4, degrees))
    )
    found = estimated_cell_masses(mixture, HEIGHT, WIDTH, 1.0)
    parts = [
        w * cell_masses(component(m, c, degrees), HEIGHT, WIDTH, 1.0)
        for w, m, c in zip(weights, means, spread, strict=True)
    ]
    np.testing.assert_allclose(found.values, sum(parts), rtol=1e-6)
    assert found.error.max() <= TO


def test_a_cell_that_float64_cannot_know_is_not_certified():
    """A millionth of a cell across a line of slope 1: the mean itself is not known so well."""
    covariance = correlated(1e-6, 1 - 1e-12)
    found = estimated_cell_masses(component([900.4, 700.4], covariance), 701, 901, 1.0)
    assert found.error[700, 900] > TO
    assert estimated_cell_masses(component([0.4, 0.4], np.eye(2)), 1, 1, 1.0).error[0, 0] <= TO


@pytest.mark.parametrize("degrees", [None, 0.5, 3.0, 30.0, 1e4])
@pytest.mark.parametrize("width", WIDTHS)
def test_levels_of_any_width_are_right(width, degrees):
    sd = width / 256
    for mean in (0.1, 100.5 / 256, 0.5, 1.0, 1.2, -3.0):
        found = level_masses(component([mean], [[sd**2]], degrees))
        for level in (0, 25, 26, 100, 101, 128, 255):
            expected = log_box(mean * 256, [[sd**2 * 65536]], level, level + 1, degrees)
            if expected > -600:
                assert np.log(found[level]) == pytest.approx(expected, rel=0, abs=TO)
            else:
                assert found[level] < 1e-250
