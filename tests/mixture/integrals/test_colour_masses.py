"""Masses of conditional colours: cells sum to the cube, odd colours keep theirs, white its corner."""

import numpy as np
import pytest
from scipy.special import logsumexp, ndtr
from scipy.stats import multivariate_normal, multivariate_t

from gmmbench.mixture import Mixture, StudentMixture, colour_masses, law_masses

CELL = 1 / 256


def joint(components, seed=0, narrow=0.02):
    """A mixture over x, y, r, g, b whose colours depend on the position."""
    rng = np.random.default_rng(seed)
    shape = rng.normal(size=(components, 5, 5)) * np.array([0.1, 0.1, narrow, narrow, narrow])[:, None]
    floor = np.diag([1e-4, 1e-4, *[CELL**2 / 12] * 3])
    means = np.concatenate((rng.random((components, 2)), rng.uniform(-0.02, 1.02, (components, 3))), axis=1)
    return Mixture(rng.random(components) + 0.1, means, shape @ np.swapaxes(shape, 1, 2) + floor)


def heavy(mixture, degrees):
    return StudentMixture(
        mixture.weights, mixture.means, mixture.covariances, np.full(mixture.n_components, degrees)
    )


def pixels(mixture, n, seed=1):
    draws = mixture.sample(n, np.random.default_rng(seed))
    return draws[:, :2], (np.clip(np.floor(draws[:, 2:] * 256), 0, 255) + 0.5) / 256


def by_quadrature(mixture, position, colour, nodes=12, panels=2):
    """log of the cell's mass given the position, from joint and marginal log densities alone."""
    x, w = np.polynomial.legendre.leggauss(nodes)
    u = ((np.arange(panels)[:, None] + (x + 1) / 2) / panels).ravel() - 0.5
    w = np.tile(w / 2 / panels, panels)
    grid = np.stack(np.meshgrid(u, u, u, indexing="ij"), axis=-1).reshape(-1, 3) * CELL + colour
    share = np.einsum("i,j,k->ijk", w, w, w).ravel() * CELL**3
    points = np.column_stack((np.repeat(position[None], len(grid), axis=0), grid))
    known = slice_of(mixture)
    inside = logsumexp(mixture.log_density(points), b=share)
    return inside - known.log_density(position[None])[0]


def slice_of(mixture):
    """The law of x and y."""
    if isinstance(mixture, Mixture):
        return mixture.marginal([0, 1])
    return StudentMixture(mixture.weights, mixture.means[:, :2], mixture.scales[:, :2, :2], mixture.degrees)


@pytest.mark.parametrize("degrees", [None, 3.0, 200.0])
def test_a_cell_is_the_integral_of_joint_over_marginal(degrees):
    mixture = joint(30)
    positions, colours = pixels(mixture, 30)
    mixture = mixture if degrees is None else heavy(mixture, degrees)
    found, *_ = colour_masses(mixture, positions, colours)
    expected = [by_quadrature(mixture, *each) for each in zip(positions, colours, strict=True)]
    assert np.abs(found - expected).max() < 1e-4


@pytest.mark.parametrize("degrees", [None, 3.0])
def test_the_cell_of_a_colour_that_nobody_expects_is_right_too(degrees):
    """Colours of other pixels: log masses down to -330, where components of no responsibility decide."""
    mixture = joint(30, narrow=0.003)
    positions, colours = pixels(mixture, 40)
    mixture = mixture if degrees is None else heavy(mixture, degrees)
    found, *_ = colour_masses(mixture, positions, colours[::-1])
    expected = np.array(
        [by_quadrature(mixture, *each) for each in zip(positions, colours[::-1], strict=True)]
    )
    assert expected.min() < (-300 if degrees is None else -20)
    assert np.abs(found / expected - 1).max() < 5e-3
    usual = expected > -40
    assert np.abs(found - expected)[usual].max() < 1e-3


@pytest.mark.parametrize("degrees", [None, 2.0, 40.0])
def test_cells_of_all_levels_sum_to_the_cube(degrees):
    """Coarse levels, so that all 12^3 cells can be asked for: two integrals that share no code."""
    levels = 12
    mixture = joint(12, seed=4, narrow=0.12)
    floor = np.diag([0, 0, *[1 / levels**2 / 12] * 3])
    mixture = Mixture(mixture.weights, mixture.means, mixture.covariances + floor)
    mixture = mixture if degrees is None else heavy(mixture, degrees)
    axis = (np.arange(levels) + 0.5) / levels
    colours = np.stack(np.meshgrid(axis, axis, axis), axis=-1).reshape(-1, 3)
    for position in np.random.default_rng(5).random((6, 2)):
        cells, cube, _ = colour_masses(
            mixture, np.repeat(position[None], len(colours), axis=0), colours, cell=1 / levels
        )
        assert np.ptp(cube) < 1e-12
        assert logsumexp(cells) == pytest.approx(cube[0], abs=2e-5)
        assert cube[0] < -1e-3


def corner(seed):
    """Correlations and faces as near a saturated colour: some nearly singular, some outside."""
    rng = np.random.default_rng(seed)
    shape = rng.normal(size=(3, 3)) * rng.choice([1.0, 0.1, 0.01], 3)
    covariance = (shape @ shape.T) * 0.02 + np.eye(3) * CELL**2 / 12
    mean = rng.choice([0.0, 1.0], 3) + rng.uniform(-1, 2, 3) * np.sqrt(np.diag(covariance))
    return mean, covariance


@pytest.mark.parametrize("seed", range(8))
def test_the_cube_is_a_rectangle_of_a_trivariate_normal(seed):
    mean, covariance = corner(seed)
    expected = multivariate_normal.cdf(
        np.ones(3), mean, covariance, maxpts=300_000, abseps=1e-7, releps=1e-7, lower_limit=np.zeros(3)
    )
    _, cube, _ = law_masses([[1.0]], [[mean]], covariance[None], [[0.5, 0.5, 0.5]])
    assert np.exp(cube[0]) == pytest.approx(expected, abs=2e-5)


@pytest.mark.parametrize("degrees", [1.0, 3.0, 7.0, 60.0])
def test_the_cube_is_a_rectangle_of_a_trivariate_t(degrees):
    mean, covariance = corner(3)
    expected = multivariate_t(mean, covariance, df=degrees).cdf(
        np.ones(3), lower_limit=np.zeros(3), maxpts=300_000, random_state=1
    )
    _, cube, _ = law_masses([[1.0]], [[mean]], covariance[None], [[0.5, 0.5, 0.5]], degrees=[[degrees]])
    assert np.exp(cube[0]) == pytest.approx(expected, abs=5e-5)


@pytest.mark.parametrize("spread", [0.3, 0.01])
@pytest.mark.parametrize("at", [1.0, 0.995, 0.0])
def test_grey_edges_of_white_have_their_corner_to_a_millionth(spread, at):
    """r = g = b but for the floor, correlations to 0.9999: one factor, so one integral is the truth."""
    noise = CELL / np.sqrt(12)
    covariance = spread**2 * np.ones((3, 3)) + noise**2 * np.eye(3)
    mean = at + np.array([0.0, 0.6, -0.4]) * CELL
    z, w = np.polynomial.legendre.leggauss(30)
    ends = np.unique(np.clip([0.0, 1.0, *(k * noise + e for e in (0, 1) for k in range(-12, 13))], -9, 9))
    ends = np.unique(np.concatenate((ends, at + spread * np.linspace(-9, 9, 40))))
    total = 0.0
    for low, high in zip(ends[:-1], ends[1:], strict=True):
        grey = low + (high - low) * (z + 1) / 2
        shift = mean - at
        inside = [ndtr((1 - s - grey) / noise) - ndtr((0 - s - grey) / noise) for s in shift]
        density = np.exp(-0.5 * ((grey - at) / spread) ** 2) / (spread * np.sqrt(2 * np.pi))
        total += (high - low) / 2 * (w @ (density * np.prod(inside, axis=0)))
    _, cube, _ = law_masses([[1.0]], [[mean]], covariance[None], [[0.5, 0.5, 0.5]])
    assert np.exp(cube[0]) == pytest.approx(total, rel=1e-6)


def test_white_clip_art_is_scored_in_its_half_space():
    """All pixels white: the cell of white has what a Gaussian at white has there, and the cube an eighth."""
    sd = CELL / np.sqrt(12)
    mixture = Mixture([1.0], [[0.5, 0.5, *[255.5 / 256] * 3]], [np.diag([0.08, 0.08, *[sd**2] * 3])])
    positions = np.random.default_rng(0).random((300, 2))
    cells, cube, _ = colour_masses(mixture, positions, np.full((300, 3), 255.5 / 256))
    across = ndtr(np.sqrt(3)) - ndtr(-np.sqrt(3))  # half a cell is sqrt 3 standard deviations
    np.testing.assert_allclose(cells, 3 * np.log(across), rtol=1e-12)
    np.testing.assert_allclose(cube, 3 * np.log(ndtr(np.sqrt(3))), rtol=1e-7)


@pytest.mark.parametrize("degrees", [None, 5.0])
def test_a_mixture_and_its_law_at_each_pixel_agree(degrees):
    gaussian = joint(20, narrow=0.1)
    positions, colours = pixels(gaussian, 600)
    mixture = gaussian if degrees is None else heavy(gaussian, degrees)
    known = gaussian.covariances[:, :2, :2]
    gain, left = gaussian._regression([0, 1], [2, 3, 4])
    apart = positions[:, None] - gaussian.means[:, :2]
    means = gaussian.means[:, 2:] + np.einsum("kij,nkj->nki", gain, apart)
    if degrees is None:
        weights, covariances, df = gaussian.marginal([0, 1]).responsibilities(positions), left, None
    else:
        q = np.einsum("nki,kij,nkj->nk", apart, np.linalg.inv(known), apart)
        each = [multivariate_t(m[:2], c, df=degrees) for m, c in zip(gaussian.means, known, strict=True)]
        weights = np.stack(
            [w * t.pdf(positions) for w, t in zip(gaussian.weights, each, strict=True)], axis=1
        )
        covariances = left[None] * ((degrees + q) / (degrees + 2))[..., None, None]
        df = np.full(20, degrees + 2)
    cells, cube, _ = colour_masses(mixture, positions, colours)
    by_law = law_masses(weights, means, covariances, colours, degrees=df)
    np.testing.assert_allclose(cells, by_law[0], atol=1e-8)
    np.testing.assert_allclose(cube, by_law[1], atol=3e-6)


def test_infinite_degrees_are_a_gaussian():
    mean, covariance = corner(2)
    gaussian = law_masses([[1.0]], [[mean]], covariance[None], [[0.5, 0.5, 0.5]])
    student = law_masses([[1.0]], [[mean]], covariance[None], [[0.5, 0.5, 0.5]], degrees=[np.inf])
    np.testing.assert_allclose(student, gaussian, rtol=1e-6)


def test_diagonal_laws_are_products_of_differences():
    rng = np.random.default_rng(6)
    means, sd, colours = (
        rng.random((9, 2, 3)),
        rng.uniform(0.001, 0.1, (2, 3)),
        (rng.integers(0, 256, (9, 3)) + 0.5) / 256,
    )
    weights = rng.random((9, 2))
    weights /= weights.sum(axis=1, keepdims=True)
    cells, cube, _ = law_masses(weights, means, sd[..., None] ** 2 * np.eye(3), colours)

    def mass(low, high):
        a, b = (low - means) / sd, (high - means) / sd
        return np.log(np.where(a > 0, ndtr(-a) - ndtr(-b), ndtr(b) - ndtr(a))).sum(axis=2)

    half = CELL / 2
    with np.errstate(divide="ignore"):
        expected = logsumexp(mass(colours[:, None] - half, colours[:, None] + half), b=weights, axis=1)
    seen = np.isfinite(expected)
    assert seen.any()
    np.testing.assert_allclose(cells[seen], expected[seen], rtol=1e-9)
    assert np.isfinite(cells).all()
    np.testing.assert_allclose(cube, logsumexp(mass(0.0, 1.0), b=weights, axis=1), atol=1e-6)


def test_masses_do_not_depend_on_threads():
    mixture = joint(20)
    positions, colours = pixels(mixture, 1000)
    one, more = (colour_masses(mixture, positions, colours, threads=t) for t in (1, 3))
    np.testing.assert_array_equal(one, more)


def test_what_is_no_colour_law_is_refused():
    with pytest.raises(ValueError, match="5 columns"):
        colour_masses(Mixture([1.0], [[0.0]], [[[1.0]]]), [[0.0, 0.0]], [[0.5, 0.5, 0.5]])
    with pytest.raises(ValueError, match=r"colours \(n, 3\)"):
        colour_masses(joint(2), [[0.0, 0.0]], [[0.5, 0.5]])
    with pytest.raises(ValueError, match="covariances"):
        law_masses([[1.0]], [[[0.5] * 3]], np.eye(3), [[0.5] * 3])
    with pytest.raises(ValueError, match="positive definite"):
        law_masses([[1.0]], [[[0.5] * 3]], -np.eye(3)[None], [[0.5] * 3])
    with pytest.raises(ValueError, match="positive sum"):
        law_masses([[0.0]], [[[0.5] * 3]], np.eye(3)[None], [[0.5] * 3])
