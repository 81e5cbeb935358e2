"""Images that are made: what they show follows from their options."""

import hashlib

import numpy as np
import pytest
from scipy.stats import chisquare, norm

import gmmbench
from gmmbench import Refused
from gmmbench.images.synthetic import CLUSTERS, Mixture1D, TwoCircles, TwoClusters


@pytest.mark.parametrize("option", ["two_circles", "two_clusters", "mixture_1d"])
def test_a_made_image_is_the_same_each_time_and_its_digest_is_of_its_pixels(option):
    one, two = (gmmbench.compose(f"image={option}", f"seed={seed}").image.load() for seed in (0, 1))
    np.testing.assert_array_equal(one.values, two.values)
    assert one.name == option
    levels = one.values if one.view == "levels" else np.rint(255 * one.values)
    assert one.sha256 == hashlib.sha256(levels.astype(np.uint8).tobytes()).hexdigest()
    small = type(gmmbench.compose(f"image={option}").image)(side=32).load()
    assert small.values.shape == (32, 32)
    assert small.sha256 != one.sha256


def test_rings_lie_at_their_radii():
    ink = TwoCircles(side=200, inner=0.2, outer=0.4, width=0.01).load().values
    y, x = (np.mgrid[:200, :200] + 0.5) / 200
    r = np.hypot(x - 0.5, y - 0.5)
    for radius in (0.2, 0.4):
        near = np.abs(r - radius) < 0.05
        assert np.average(r[near], weights=ink[near]) == pytest.approx(radius, abs=0.002)
        assert ink[np.abs(r - radius) < 0.002].min() > 0.9
    assert ink[np.abs(r - 0.3) < 0.02].max() == 0
    np.testing.assert_allclose(ink, ink.T, atol=1e-12)


def test_clusters_are_gaussians_at_their_centres():
    ink = TwoClusters(side=200).load().values
    y, x = (np.mgrid[:200, :200] + 0.5) / 200
    expected = 0
    for amount, centre, covariance in CLUSTERS:
        apart = np.stack((x - centre[0], y - centre[1]), axis=-1)
        expected = expected + amount * np.exp(-0.5 * (apart @ np.linalg.inv(covariance) * apart).sum(axis=-1))
    np.testing.assert_allclose(ink, np.minimum(expected, 1), atol=1 / 255)
    assert ink[int(0.36 * 200), int(0.33 * 200)] > 0.95, "y runs down"


def test_grey_levels_follow_the_mixture():
    made = Mixture1D()
    counts = np.bincount(made.load().values.ravel(), minlength=256)
    edges = np.arange(257) - 0.5
    parts = zip(made.weights, made.means, made.deviations, strict=True)
    mass = sum(w * np.diff(norm.cdf(edges, mean, deviation)) for w, mean, deviation in parts)
    kept = mass * counts.sum() > 8
    expected = mass[kept] / mass[kept].sum() * counts[kept].sum()
    assert chisquare(counts[kept], expected).pvalue > 1e-3
    assert (Mixture1D(draw=1).load().values != made.load().values).mean() > 0.9


def test_pixels_of_grey_are_independent_of_their_neighbours():
    values = Mixture1D().load().values.astype(float)
    assert abs(np.corrcoef(values[:, 1:].ravel(), values[:, :-1].ravel())[0, 1]) < 0.03


def test_lists_of_different_lengths_are_refused():
    with pytest.raises(
        Refused, match=r"means: expected as many as weights \(3\) and deviations \(3\), got 2"
    ):
        Mixture1D(means=[1.0, 2.0])
