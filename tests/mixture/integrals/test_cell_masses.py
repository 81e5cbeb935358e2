"""Masses in the cells of a lattice and of levels are integrals of the density, wherever components lie."""

import numpy as np
import pytest
from scipy.stats import norm
from scipy.stats import t as student_t

from gmmbench.mixture import Mixture, StudentMixture, cell_masses, level_masses


def rotated(long, short, angle):
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    return turn @ np.diag([long**2, short**2]) @ turn.T + np.eye(2) / 12


CASES = {
    "at the floor": ([5.3, 6.9], np.eye(2) / 12),
    "correlation 0.999": ([6.2, 5.8], np.array([[100, 99.98], [99.98, 100]]) + np.eye(2) / 12),
    "rotated stroke": ([7.1, 6.6], rotated(6, 0, 0.4)),
    "steep stroke": ([7.1, 6.6], rotated(6, 0.05, 1.3)),
    "falling stroke": ([4.1, 8.6], rotated(3, 0.1, -0.8)),
    "wide": ([3, 20.0], rotated(40, 25, 0.7)),
    "outside": ([-9.0, 14.0], rotated(3, 2, 2.0)),
    "between pixels": ([5.0, 6.0], rotated(0.1, 0.02, 0.3)),
}
HEIGHT, WIDTH = 19, 21


def dense(mixture, panels=4, nodes=12):
    """Composite Gauss-Legendre, 48 x 48 points a cell: exact for anything as wide as the floor."""
    x, w = np.polynomial.legendre.leggauss(nodes)
    inside = ((np.arange(panels)[:, None] + (x + 1) / 2) / panels).ravel()
    share = np.tile(w / 2 / panels, panels)
    out = np.empty((HEIGHT, WIDTH))
    for i in range(HEIGHT):
        for j in range(WIDTH):
            grid = np.stack(np.meshgrid(j + inside, i + inside), axis=-1).reshape(-1, 2)
            out[i, j] = share @ np.exp(mixture.log_density(grid)).reshape(len(share), -1) @ share
    return out


@pytest.mark.parametrize("case", CASES)
def test_a_gaussian_component_errs_by_less_than_a_ten_thousandth_of_a_nat(case):
    mean, covariance = CASES[case]
    mixture = Mixture([1.0], [mean], [covariance])
    expected, found = dense(mixture), cell_masses(mixture, HEIGHT, WIDTH, 1.0)
    there = expected > 1e-6 * expected.max()
    assert np.abs(np.log(found[there] / expected[there])).max() < 1e-4
    assert np.abs(found - expected).max() < 3e-6 * expected.max()


@pytest.mark.parametrize("degrees", [1.0, 4.0, 80.0, 1e12])
@pytest.mark.parametrize("case", ["at the floor", "correlation 0.999", "steep stroke", "wide", "outside"])
def test_a_student_component_errs_by_less_than_a_few_ten_thousandths_of_a_nat(case, degrees):
    mean, scale = CASES[case]
    mixture = StudentMixture(np.ones(1), np.array([mean]), scale[None], np.array([min(degrees, 1e8)]))
    expected = dense(mixture)
    mixture = StudentMixture(np.ones(1), np.array([mean]), scale[None], np.array([degrees]))
    found = cell_masses(mixture, HEIGHT, WIDTH, 1.0)
    there = expected > 1e-5 * expected.max()
    assert np.abs(np.log(found[there] / expected[there])).max() < 5e-4
    assert found.sum() == pytest.approx(expected.sum(), rel=1e-5)


def test_diagonal_covariances_are_exact_and_keep_their_digits_in_tails():
    sd = np.array([0.3, 1.7])
    mixture = Mixture([1.0], [[4.4, 3.2]], [np.diag(sd**2)])
    found = cell_masses(mixture, 8, 14, 1.0)
    x, y = (norm(m, s) for m, s in ((4.4, 0.3), (3.2, 1.7)))
    right = np.arange(5, 14)  # cells right of the mean: survival functions
    expected = (x.sf(right) - x.sf(right + 1))[None] * np.diff(y.cdf(np.arange(9)))[:, None]
    np.testing.assert_allclose(found[:, 5:], expected, rtol=1e-11, atol=1e-280)


def many(components, seed=0):
    rng = np.random.default_rng(seed)
    angles, long, short = (
        rng.uniform(0, np.pi, components),
        rng.gamma(2, 2.0, components),
        rng.random(components),
    )
    covariances = np.array([rotated(*each) for each in zip(long, short, angles, strict=True)])
    return Mixture(rng.random(components), rng.uniform(-5, 75, (components, 2)), covariances)


def test_what_is_left_out_of_any_cell_is_bounded_by_that_cell():
    """Oracle: each component alone, which leaves nothing out, for its list has one entry."""
    mixture = many(60)
    alone = [
        Mixture([1.0], m[None], c[None]) for m, c in zip(mixture.means, mixture.covariances, strict=True)
    ]
    expected = sum(w * cell_masses(m, 50, 70, 1.0) for w, m in zip(mixture.weights, alone, strict=True))
    found = cell_masses(mixture, 50, 70, 1.0)
    missing = 1 - found / expected
    assert missing.max() < 1e-9
    assert missing.min() > -1e-12


@pytest.mark.parametrize("degrees", [1.5, 30.0])
def test_heavy_tails_are_not_cut(degrees):
    g = many(40)
    mixture = StudentMixture(g.weights, g.means, g.covariances, np.full(40, degrees))
    alone = [
        StudentMixture(np.ones(1), m[None], c[None], np.array([degrees]))
        for m, c in zip(g.means, g.covariances, strict=True)
    ]
    expected = sum(w * cell_masses(m, 50, 70, 1.0) for w, m in zip(g.weights, alone, strict=True))
    assert np.abs(cell_masses(mixture, 50, 70, 1.0) / expected - 1).max() < 1e-9


def test_a_large_lattice_holds_all_the_mass():
    mixture = many(200)
    shifted = Mixture(mixture.weights, mixture.means + 100, mixture.covariances)
    assert cell_masses(shifted, 290, 290, 1.0).sum() == pytest.approx(1, abs=1e-6)
    axes = np.diagonal(mixture.covariances, axis1=1, axis2=2)
    straight = Mixture(mixture.weights, mixture.means + 100, axes[:, :, None] * np.eye(2))
    assert cell_masses(straight, 290, 290, 1.0).sum() == pytest.approx(1, abs=1e-9)


def test_masses_are_the_share_of_draws():
    g = many(30, seed=3)
    mixture = StudentMixture(g.weights, g.means, g.covariances, np.full(30, 3.0))
    draws = mixture.sample(200_000, np.random.default_rng(1))
    inside = ((draws >= 0) & (draws < [70, 50])).all(axis=1).mean()
    assert cell_masses(mixture, 50, 70, 1.0).sum() == pytest.approx(inside, abs=4 * 0.5 / np.sqrt(len(draws)))


def test_masses_do_not_depend_on_units_or_threads():
    mixture = many(50)
    scaled = Mixture(mixture.weights, mixture.means / 64, mixture.covariances / 64**2)
    one = cell_masses(mixture, 33, 40, 1.0, threads=1)
    np.testing.assert_array_equal(one, cell_masses(mixture, 33, 40, 1.0, threads=3))
    np.testing.assert_allclose(one, cell_masses(scaled, 33, 40, 1 / 64), rtol=1e-9, atol=1e-300)


def test_level_masses_are_differences_of_distribution_functions():
    mixture = Mixture([0.3, 0.7], [[0.2], [0.9]], [[[1e-3]], [[0.04]]])
    edges = np.arange(257) / 256
    cdf = 0.3 * norm(0.2, 1e-3**0.5).cdf(edges) + 0.7 * norm(0.9, 0.2).cdf(edges)
    np.testing.assert_allclose(level_masses(mixture), np.diff(cdf), atol=1e-15)


@pytest.mark.parametrize("degrees", [None, 2.5])
def test_levels_keep_their_digits_in_both_tails(degrees):
    sd = 0.01
    law = norm(0.5, sd) if degrees is None else student_t(degrees, 0.5, sd)
    if degrees is None:
        mixture = Mixture([1.0], [[0.5]], [[[sd**2]]])
    else:
        mixture = StudentMixture(np.ones(1), np.array([[0.5]]), np.array([[[sd**2]]]), np.array([degrees]))
    found, edges = level_masses(mixture, 64), np.arange(65) / 64
    expected = law.sf(edges[40:-1]) - law.sf(edges[41:])
    np.testing.assert_allclose(found[40:], expected, rtol=1e-10)
    np.testing.assert_allclose(found, found[::-1], rtol=1e-10)


def test_other_columns_are_refused():
    mixture = Mixture([1.0], [[0.0]], [[[1.0]]])
    with pytest.raises(ValueError, match="2 columns"):
        cell_masses(mixture, 3, 3, 1.0)
    with pytest.raises(ValueError, match="1 column"):
        level_masses(many(2))
