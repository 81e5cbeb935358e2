"""The baselines: they are densities, and a histogram is what counting by hand gives."""

import numpy as np
import pytest

from gmmbench import Image, Refused, Scene, Split, Watch, compose, registry
from gmmbench.api import TEST, TRAIN


def fitted(name, picture, block=1, hold_out=0.2, **options):
    scene = Scene.of(picture, Split.draw(picture.lattice, 0, hold_out, block=block))
    return registry.load().lookup("model", name)(**options).fit(scene, np.random.default_rng(0), Watch())


def drawing(side=60):
    return compose("image=dog", f"image.max_side={side}").image.load()


def photo(view, side=40):
    return compose("image=astronaut", f"image.view={view}", f"image.max_side={side}").image.load()


def cell_masses(fit, lattice):
    """Gauss-Legendre over every pixel, as for a density that is not known to be flat there."""
    nodes, weights = np.polynomial.legendre.leggauss(3)
    total = np.zeros(lattice.size)
    for x, w in zip(nodes, weights, strict=True):
        for y, v in zip(nodes, weights, strict=True):
            where = lattice.centres() + np.array([x, y]) * lattice.cell / 2
            total += w * v / 4 * np.exp(fit.log_density(where)) * lattice.cell**2
    return total


@pytest.mark.parametrize(("name", "options"), [("uniform", {}), ("histogram", {}), ("histogram", {"bin": 7})])
@pytest.mark.parametrize("block", [1, 4])
def test_a_baseline_of_ink_sums_to_one_over_the_pixels(name, options, block):
    picture = drawing()
    fit = fitted(name, picture, block, **options)
    assert cell_masses(fit, picture.lattice).sum() == pytest.approx(1, abs=1e-12)
    assert np.exp(fit.log_density(np.array([[-0.01, 0.3], [0.3, 1.01], [1.01, 0.3]]))).sum() == 0


def test_uniform_is_flat_and_has_no_parameter():
    picture = drawing()
    fit = fitted("uniform", picture)
    width, height = picture.lattice.box
    np.testing.assert_allclose(fit.log_density(picture.lattice.centres()), -np.log(width * height))
    assert fit.n_parameters == 0


@pytest.mark.parametrize("name", ["uniform", "histogram"])
@pytest.mark.parametrize("view", ["ink", "levels", "colour"])
def test_draws_of_a_baseline_follow_its_density(name, view):
    picture = drawing(40) if view == "ink" else photo(view)
    fit = fitted(name, picture, **({} if name == "uniform" else {"smooth": 3.0}))
    draws = fit.sample(40_000, np.random.default_rng(1))
    # E[1 / p] over draws is the volume that p covers, whatever p is: exact where p is everywhere positive
    ratio = np.exp(-fit.log_density(draws))
    volume = np.prod(picture.lattice.box) if view != "levels" else 1.0
    error = ratio.std() / np.sqrt(len(ratio))
    assert abs(ratio.mean() - volume) <= 4 * error + 1e-9


@pytest.mark.parametrize("side", [1, 5, 8, 100])
def test_levels_sum_to_one_whatever_the_bins(side):
    fit = fitted("histogram", photo("levels"), level_bin=side)
    cells = (np.arange(256)[:, None] + 0.5) / 256
    assert np.exp(fit.log_density(cells)).mean() == pytest.approx(1, abs=1e-12)
    assert np.isneginf(fit.log_density(np.array([[-0.01], [1.01]]))).all()


def test_a_histogram_of_one_level_a_bin_counts_the_levels():
    picture = photo("levels")
    codes = Split.draw(picture.lattice, 0, 0.2).codes
    counts = np.bincount(picture.values[codes == TRAIN], minlength=256)
    fit = fitted("histogram", picture, level_bin=1, smooth=2.0)
    cells = (np.arange(256)[:, None] + 0.5) / 256
    expected = (counts + 2) / (counts.sum() + 2 * 256) * 256
    np.testing.assert_allclose(np.exp(fit.log_density(cells)), expected)


@pytest.mark.parametrize("level_bin", [32, 100])
def test_the_law_of_colours_sums_to_one_at_every_pixel(level_bin):
    fit = fitted("histogram", photo("colour"), level_bin=level_bin)
    edges = np.append(np.arange(0, 256, level_bin), 256) / 256
    middle, width = (edges[:-1] + edges[1:]) / 2, np.diff(edges)
    cells = np.stack(np.meshgrid(middle, middle, middle, indexing="ij"), axis=-1).reshape(-1, 3)
    volume = np.einsum("i,j,k->ijk", width, width, width).ravel()
    for where in np.array([[0.01, 0.01], [0.5, 0.7], [0.999, 0.999]]):
        here = np.tile(where, (len(cells), 1))
        density = np.exp(fit.log_predictive(here, cells))
        assert density @ volume == pytest.approx(1, abs=1e-12)
        np.testing.assert_allclose((density * volume) @ cells, fit.predict(where[None])[0], atol=1e-12)
        joint = fit.log_density(np.hstack((here, cells)))  # the position is uniform
        np.testing.assert_allclose(joint, np.log(density), atol=1e-12)


def test_the_law_of_colours_is_what_counting_gives():
    picture = photo("colour", 24)
    codes, a, width = Split.draw(picture.lattice, 0, 0.2).codes, 5.0, 32
    fit = fitted("histogram", picture, bin=6, level_bin=width, smooth=a)
    bins = picture.values // width
    volume = (width / 256) ** 3
    for row, column in ((0, 0), (7, 13), (23, 23)):
        wanted = bins[row, column]
        same = (bins == wanted).all(axis=2) & (codes == TRAIN)
        tile = np.s_[row // 6 * 6 : row // 6 * 6 + 6, column // 6 * 6 : column // 6 * 6 + 6]
        everywhere = (same.sum() + a * volume) / ((codes == TRAIN).sum() + a)
        share = (same[tile].sum() + a * everywhere) / ((codes[tile] == TRAIN).sum() + a)
        where = picture.lattice.coordinates(np.array([row * 24 + column]))
        colour = picture.coordinates[row, column][None]
        np.testing.assert_allclose(np.exp(fit.log_predictive(where, colour)), share / volume)


def test_a_hole_is_unknown_and_not_white():
    """Black paper with holes in it: every pixel, seen or not, is expected to be as black."""
    black = Image("black", "ink", np.ones((40, 40)), "0" * 64)
    fit = fitted("histogram", black, block=4)
    np.testing.assert_allclose(fit.log_density(black.lattice.centres()), 0, atol=1e-12)


def test_a_bin_without_a_seen_pixel_has_the_average_ink():
    picture = drawing()
    codes = Split.draw(picture.lattice, 0, 0.2).codes
    fit = fitted("histogram", picture, bin=1)
    density = np.exp(fit.log_density(picture.lattice.centres())).reshape(codes.shape)
    ink = picture.values[codes == TRAIN].mean()
    rates = np.where(codes == TRAIN, (picture.values + ink) / 2, ink)
    np.testing.assert_allclose(density, rates / rates.sum() / picture.lattice.cell**2)


@pytest.mark.parametrize("block", [1, 2, 4])
def test_bins_as_large_as_the_holes_know_nothing_of_them_and_the_default_does(block):
    picture = drawing(120)
    held = (Split.draw(picture.lattice, 0, 0.2, block=block).codes == TEST) & (picture.values > 0)
    where = picture.lattice.centres()[held.ravel()]
    blind, default = fitted("histogram", picture, block, bin=block), fitted("histogram", picture, block)
    plain = fitted("uniform", picture).log_density(where)
    assert abs(blind.log_density(where) - plain).max() < 0.2
    assert default.log_density(where).mean() > plain.mean() + 0.5


def test_the_histogram_beats_uniform_on_held_out_ink():
    picture = drawing(120)
    held = (Split.draw(picture.lattice, 0, 0.2).codes == TEST) & (picture.values > 0)
    where = picture.lattice.centres()[held.ravel()]
    better, plain = fitted("histogram", picture), fitted("uniform", picture)
    assert better.log_density(where).mean() > plain.log_density(where).mean() + 1


def test_without_ink_there_is_nothing_to_count():
    white = Image("white", "ink", np.zeros((8, 8)), "0" * 64)
    with pytest.raises(Refused, match="histogram: expected training pixels with ink, got none"):
        fitted("histogram", white)
