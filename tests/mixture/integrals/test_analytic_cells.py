"""Masses of cells, colours and levels against scipy's distribution functions and fine quadrature."""

import numpy as np
import pytest
from scipy.stats import multivariate_normal, norm
from scipy.stats import t as student

from gmmbench.mixture import Mixture, StudentMixture
from gmmbench.mixture.integrals.cell_masses import cell_masses, level_masses
from gmmbench.mixture.integrals.colour_masses import colour_masses
from gmmbench.mixture.integrals.law_masses import law_masses

CELL = 1 / 24


def rotated(long, short, angle):
    """A covariance with these standard deviations in cells, floored as a fit is."""
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    spread = turn @ np.diag([long**2, short**2]) @ turn.T + np.eye(2) / 12
    return spread * CELL**2


SHAPES = {
    "at the floor": rotated(0, 0, 0),
    "a narrow stroke": rotated(5, 0, 0.6),
    "a steep stroke": rotated(8, 0, 1.4),
    "wide": rotated(9, 6, 0.3),
}


def gauss_legendre(density, height, width, order=24):
    nodes, weights = np.polynomial.legendre.leggauss(order)
    at = (nodes + 1) / 2 * CELL
    x = (np.arange(width)[:, None] * CELL + at).ravel()
    y = (np.arange(height)[:, None] * CELL + at).ravel()
    p = density(np.stack(np.meshgrid(x, y), axis=-1).reshape(-1, 2)).reshape(height, order, width, order)
    return np.einsum("hiwj,i,j->hw", p, weights, weights) * CELL**2 / 4


@pytest.mark.parametrize("shape", SHAPES)
def test_gaussian_cells_are_right_to_a_thousandth_of_a_nat(shape):
    mixture = Mixture([1.0], [[0.413, 0.287]], [SHAPES[shape]])
    found = cell_masses(mixture, 14, 24, CELL)
    exact = gauss_legendre(lambda p: np.exp(mixture.log_density(p)), 14, 24)
    seen = exact > 1e-9  # below, the floor of every score decides
    assert np.abs(np.log(found[seen] / exact[seen])).max() < 8e-4
    truth = multivariate_normal(mixture.means[0], mixture.covariances[0])
    box = truth.cdf([1.0, 14 / 24], lower_limit=[0.0, 0.0])
    assert found.sum() == pytest.approx(box, abs=2e-5)


def test_a_diagonal_covariance_is_exact_and_what_lies_outside_counts_nothing():
    mixture = Mixture([1.0, 1.0], [[0.3, 0.2], [7.0, 9.0]], [np.diag([0.01, 0.002])] * 2)
    x, y = (
        np.diff(norm(m, s).cdf(np.arange(n + 1) * CELL))
        for m, s, n in ((0.3, 0.1, 24), (0.2, 0.002**0.5, 14))
    )
    np.testing.assert_allclose(
        cell_masses(mixture, 14, 24, CELL), 0.5 * np.outer(y, x), rtol=1e-8, atol=1e-14
    )


@pytest.mark.parametrize("degrees", [1.5, 4.0, 60.0, 1e7])
@pytest.mark.parametrize("shape", ["at the floor", "a narrow stroke", "wide"])
def test_student_cells_are_right_however_heavy_the_tails(shape, degrees):
    mixture = StudentMixture(np.ones(1), np.array([[0.413, 0.287]]), SHAPES[shape][None], np.array([degrees]))
    found = cell_masses(mixture, 14, 24, CELL)
    exact = gauss_legendre(lambda p: np.exp(mixture.log_density(p)), 14, 24)
    seen = exact > 1e-9  # below, the floor of every score decides
    assert np.abs(np.log(found[seen] / exact[seen])).max() < 2e-3


def test_independent_axes_are_products_of_t():
    mixture = StudentMixture(
        np.array([0.3, 0.7]),
        np.array([[0.4, 0.3], [0.7, 0.2]]),
        np.array([np.diag([0.01, 0.003]), np.diag([0.002, 0.02])]),
        np.array([3.0, 8.0]),
        independent=True,
    )
    exact = np.zeros((14, 24))
    for w, m, s, df in zip(mixture.weights, mixture.means, mixture.scales, mixture.degrees, strict=True):
        x, y = (
            np.diff(student(df, m[a], s[a, a] ** 0.5).cdf(np.arange(n + 1) * CELL))
            for a, n in ((0, 24), (1, 14))
        )
        exact += w * np.outer(y, x)
    np.testing.assert_allclose(cell_masses(mixture, 14, 24, CELL), exact, rtol=1e-9)
    fine = gauss_legendre(lambda p: np.exp(mixture.log_density(p)), 14, 24)
    np.testing.assert_allclose(exact, fine, rtol=1e-6)


@pytest.mark.parametrize("threads", [1, 2])
def test_masses_do_not_depend_on_the_threads(threads):
    rng = np.random.default_rng(0)
    mixture = Mixture(
        rng.random(40), rng.random((40, 2)), np.repeat(SHAPES["a narrow stroke"][None], 40, axis=0)
    )
    one, some = (cell_masses(mixture, 60, 60, 1 / 60, threads=n) for n in (1, threads))
    assert (one == some).all()


def joint(seed=0, components=3, student_degrees=None):
    rng = np.random.default_rng(seed)
    means = np.hstack((rng.random((components, 2)), rng.uniform(0.2, 1.0, (components, 3))))
    factors = 0.12 * rng.normal(size=(components, 5, 5))
    spread = factors @ np.swapaxes(factors, 1, 2) + np.diag([0.01, 0.01, *[(1 / 16) ** 2 / 12] * 3])
    weights = rng.dirichlet(np.ones(components))
    if student_degrees is None:
        return Mixture(weights, means, spread)
    return StudentMixture(weights, means, spread, np.full(components, student_degrees))


def places(n=12, levels=16, seed=1):
    rng = np.random.default_rng(seed)
    colours = rng.integers(levels, size=(n, 3))
    colours[:3] = [[levels - 1] * 3, [0] * 3, [levels - 1, 0, levels - 1]]
    return rng.random((n, 2)), (colours + 0.5) / levels


def cube_nodes(side, order=10):
    nodes, weights = np.polynomial.legendre.leggauss(order)
    grid = np.stack(np.meshgrid(*[nodes / 2 * side] * 3, indexing="ij"), axis=-1).reshape(-1, 3)
    return grid, np.einsum("i,j,k->ijk", *[weights / 2 * side] * 3).ravel()


def test_colours_of_a_mixture_are_those_of_its_conditionals():
    mixture, (x, y) = joint(), places()
    log_cell, log_cube, _ = colour_masses(mixture, x, y, 1 / 16)
    grid, share = cube_nodes(1 / 16)
    for i in range(len(x)):
        law = mixture.condition((0, 1), x[i])
        assert log_cell[i] == pytest.approx(np.log(np.exp(law.log_density(y[i] + grid)) @ share), abs=2e-4)
        cube = sum(
            w * multivariate_normal(m, c).cdf(np.ones(3), lower_limit=np.zeros(3))
            for w, m, c in zip(law.weights, law.means, law.covariances, strict=True)
        )
        assert log_cube[i] == pytest.approx(np.log(cube), abs=1e-4)
        one = [part[None] for part in (law.weights, law.means, law.covariances)]
        again = law_masses(*one, y[i : i + 1], cell=1 / 16)
        assert again[0][0] == pytest.approx(log_cell[i], abs=2e-4)
        assert again[1][0] == pytest.approx(log_cube[i], abs=1e-5)


def test_colours_of_a_student_mixture_are_joint_over_marginal():
    """p(c | x) = p(x, c) / p(x), whatever the formulas for conditionals of t."""
    mixture, (x, y) = joint(student_degrees=7.0), places()
    log_cell, log_cube, _ = colour_masses(mixture, x, y, 1 / 16)
    marginal = mixture.marginal((0, 1)).log_density(x)
    grid, share = cube_nodes(1 / 16)
    for i in range(len(x)):
        points = np.hstack((np.repeat(x[i : i + 1], len(grid), axis=0), y[i] + grid))
        cell = np.log(np.exp(mixture.log_density(points)) @ share) - marginal[i]
        assert log_cell[i] == pytest.approx(cell, abs=2e-3)
    grid, share = cube_nodes(1.0, 48)
    for i in range(3):
        points = np.hstack((np.repeat(x[i : i + 1], len(grid), axis=0), 0.5 + grid))
        cube = np.log(np.exp(mixture.log_density(points)) @ share) - marginal[i]
        assert log_cube[i] == pytest.approx(cube, abs=1e-3)


def test_colours_of_independent_t_are_joint_over_marginal():
    rng = np.random.default_rng(3)
    scales = np.array([np.diag(rng.uniform(0.003, 0.02, 5)) for _ in range(3)])
    mixture = StudentMixture(
        np.array([0.2, 0.5, 0.3]), rng.random((3, 5)), scales, np.array([3.0, 9.0, 40.0]), independent=True
    )
    x, y = places()
    log_cell, log_cube, _ = colour_masses(mixture, x, y, 1 / 16)
    marginal = mixture.marginal((0, 1)).log_density(x)
    grid, share = cube_nodes(1 / 16)
    for i in range(len(x)):
        points = np.hstack((np.repeat(x[i : i + 1], len(grid), axis=0), y[i] + grid))
        cell = np.log(np.exp(mixture.log_density(points)) @ share) - marginal[i]
        assert log_cell[i] == pytest.approx(cell, abs=1e-6)
    assert (log_cube < 0).all()
    everywhere = np.stack(np.meshgrid(*[(np.arange(16) + 0.5) / 16] * 3), axis=-1).reshape(-1, 3)
    cells, cube, _ = colour_masses(mixture, np.repeat(x[:1], 4096, axis=0), everywhere, 1 / 16)
    assert np.exp(cells).sum() == pytest.approx(np.exp(cube[0]), rel=1e-9)


def test_all_cells_together_are_the_cube():
    mixture, (x, _) = joint(seed=4), places()
    everywhere = np.stack(np.meshgrid(*[(np.arange(16) + 0.5) / 16] * 3), axis=-1).reshape(-1, 3)
    cells, cube, _ = colour_masses(mixture, np.repeat(x[:1], 4096, axis=0), everywhere, 1 / 16)
    assert np.exp(cells).sum() == pytest.approx(np.exp(cube[0]), rel=1e-4)


def test_levels_are_differences_of_distribution_functions_in_both_tails():
    mixture = Mixture([0.4, 0.6], [[0.05], [0.95]], [[[1e-5]], [[4e-4]]])
    edges = np.arange(257) / 256
    cdf = 0.4 * norm(0.05, 1e-5**0.5).cdf(edges) + 0.6 * norm(0.95, 0.02).cdf(edges)
    np.testing.assert_allclose(level_masses(mixture, 256), np.diff(cdf), rtol=1e-7, atol=1e-13)
    far = Mixture([1.0], [[0.0]], [[[1e-4]]])
    sf = norm(0, 0.01).sf(edges)
    np.testing.assert_allclose(level_masses(far, 256)[:90], (sf[:-1] - sf[1:])[:90], rtol=1e-6)
