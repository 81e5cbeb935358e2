"""Synthetic images: two rings, two clusters, and grey levels sampled from a mixture."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.random import PCG64, Generator
from numpy.typing import NDArray

from gmmbench import Floats, Image, ImageSource, Refused, hookimpl, option

CLUSTERS = (
    (1.0, (0.33, 0.36), ((0.0100, 0.0045), (0.0045, 0.0050))),
    (0.8, (0.66, 0.66), ((0.0045, -0.0045), (-0.0045, 0.0120))),
)
"""Ink at the centre, centre x, y and covariance of each cluster; the side of the image is 1."""


@dataclass(frozen=True)
class TwoCircles(ImageSource):
    """Two rings, one inside the other, which two Gaussians cannot represent.

    A ring of radius R has ink exp(-(r - R)^2 / 2 s^2) at distance r from the centre of the image.
    """

    name = "two_circles"

    side: int = option(256, "side of the image, pixels", low=2, high=10_000)
    inner: float = option(0.18, "radius of the inner ring, sides of the image", above=0, high=0.5)
    outer: float = option(0.38, "radius of the outer ring, sides of the image", above=0, high=0.5)
    width: float = option(0.015, "standard deviation across a ring, sides of the image", above=0, high=0.2)

    def load(self) -> Image:
        """Compute the ink."""
        x, y = _centres(self.side)
        r = np.hypot(x - 0.5, y - 0.5)
        ink = sum(np.exp(-0.5 * ((r - radius) / self.width) ** 2) for radius in (self.inner, self.outer))
        return _ink(self.name, np.asarray(ink), "two synthetic rings")


@dataclass(frozen=True)
class TwoClusters(ImageSource):
    """Two clusters of ink, each a Gaussian, which two Gaussians represent exactly."""

    name = "two_clusters"

    side: int = option(256, "side of the image, pixels", low=2, high=10_000)

    def load(self) -> Image:
        """Compute the ink."""
        where = np.stack(_centres(self.side), axis=-1)
        ink = np.zeros((self.side, self.side))
        for amount, centre, covariance in CLUSTERS:
            apart = where - np.array(centre)
            ink += amount * np.exp(
                -0.5 * np.einsum("hwi,ij,hwj->hw", apart, np.linalg.inv(covariance), apart)
            )
        return _ink(self.name, ink, "two synthetic clusters")


@dataclass(frozen=True)
class Mixture1D(ImageSource):
    """Grey levels sampled from a mixture of Gaussians, independently in each pixel."""

    name = "mixture_1d"

    side: int = option(128, "side of the image, pixels", low=2, high=10_000)
    weights: list[float] = option([0.3, 0.5, 0.2], "weight of each Gaussian; normalised to sum to 1", above=0)
    means: list[float] = option([60.0, 120.0, 200.0], "mean of each, grey levels", low=0, high=255)
    deviations: list[float] = option(
        [14.0, 22.0, 9.0], "standard deviation of each, levels", above=0, high=255
    )
    draw: int = option(0, "number of the sample: another one gives other pixels of the same mixture", low=0)

    def __post_init__(self) -> None:
        super().__post_init__()
        counts = [len(self.weights), len(self.means), len(self.deviations)]
        if len(set(counts)) > 1:
            raise Refused(
                f"means: expected as many as weights ({counts[0]}) and deviations ({counts[2]}), got "
                f"{counts[1]}; try means=[60,120,200]"
            )

    def load(self) -> Image:
        """Sample the levels; levels beyond 0..255 are clipped."""
        from scipy.special import ndtri

        rng = Generator(PCG64(self.draw))  # a stream of its own: the image is the same for every seed
        weights = np.cumsum(self.weights) / np.sum(self.weights)
        which = np.searchsorted(weights[:-1], rng.random(self.side**2))
        noise = ndtri(1 - rng.random(self.side**2))  # numpy keeps the stream of uniforms stable
        levels = np.array(self.means)[which] + np.array(self.deviations)[which] * noise
        values = np.clip(np.rint(levels), 0, 255).astype(np.uint8).reshape(self.side, self.side)
        note = f"{values.size:,} grey levels sampled from a mixture of {len(self.weights)} Gaussians"
        return Image(self.name, "levels", values, _digest(values), (note,))


def _centres(side: int) -> tuple[Floats, Floats]:
    """The x and y of the pixel centres: (side, side) each, y down."""
    at = (np.arange(side) + 0.5) / side
    x, y = np.meshgrid(at, at)
    return x, y


def _ink(name: str, ink: Floats, what: str) -> Image:
    # In 256 levels, like the soft ink of a file, because the last digits of exp differ between machines.
    values = np.rint(255 * np.minimum(ink, 1.0)) / 255
    note = f"{what}: soft ink, equivalent to {values.sum():,.0f} full pixels"
    return Image(name, "ink", values, _digest(np.rint(255 * values).astype(np.uint8)), (note,))


def _digest(levels: NDArray[Any]) -> str:
    """The SHA-256 of the pixels, row by row, one byte each."""
    return hashlib.sha256(levels.tobytes()).hexdigest()


@hookimpl
def gmmbench_images() -> list[type[ImageSource]]:
    """The image sources offered here."""
    return [TwoCircles, TwoClusters, Mixture1D]
