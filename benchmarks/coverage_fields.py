"""Random maps of score differences whose true mean is 0, for the coverage study."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import numpy as np
from scipy.fft import irfft2, next_fast_len, rfft2
from scipy.signal import fftconvolve

Floats = np.ndarray
Field = Callable[[int, np.random.Generator], Floats]

SPECKS = 0.01
BLOBS, RADIUS = 0.002, 6
EDGE = 0.15


def white(side: int, rng: np.random.Generator) -> Floats:
    """Independent standard normal pixels (side, side)."""
    return rng.normal(size=(side, side))


def smooth(
    side: int, rng: np.random.Generator, sd: float, across: float | None = None, turned: float = 0.0
) -> Floats:
    """A Gaussian field of variance 1: white noise under a Gaussian of `sd` pixels, `across` at a right angle.

    It is cut from a torus that is larger by 8 deviations, so that its ends do not know of each other.
    """
    shape, response = _filter(side, sd, across or sd, turned)
    field = irfft2(rfft2(rng.normal(size=shape)) * response, shape)
    return np.asarray(field[:side, :side])


@cache
def _filter(side: int, sd: float, across: float, turned: float) -> tuple[tuple[int, int], Floats]:
    length = int(next_fast_len(side + int(np.ceil(8 * max(sd, across))), real=True))
    y, x = np.fft.fftfreq(length)[:, None], np.fft.rfftfreq(length)[None, :]
    along = np.cos(turned) * y + np.sin(turned) * x
    other = -np.sin(turned) * y + np.cos(turned) * x
    response = np.exp(-2 * np.pi**2 * ((sd * along) ** 2 + (across * other) ** 2))
    # the variance is the mean of the squared response over all frequencies, of which half are stored
    power = irfft2(response**2, (length, length))[0, 0]
    return (length, length), response / np.sqrt(power)


def nugget(side: int, rng: np.random.Generator, share: float, sd: float) -> Floats:
    """White noise and a smooth field that has this share of the variance."""
    return np.sqrt(1 - share) * white(side, rng) + np.sqrt(share) * smooth(side, rng, sd)


def edges(side: int, rng: np.random.Generator) -> Floats:
    """Errors of 2 pixels' length along the contours of another smooth field, none elsewhere."""
    near = np.exp(-((smooth(side, rng, 10) / EDGE) ** 2) / 2) * (1 + 2 / EDGE**2) ** 0.25
    return np.asarray(near * smooth(side, rng, 2))


def bursts(side: int, rng: np.random.Generator) -> Floats:
    """Smooth errors under a log-normal amplitude: calm areas and wild ones."""
    return np.asarray(np.exp(smooth(side, rng, 10) - 1) * smooth(side, rng, 3))


def student(side: int, rng: np.random.Generator) -> Floats:
    """Independent pixels of Student's t with 3 degrees of freedom."""
    return rng.standard_t(3, (side, side)) / np.sqrt(3)


def specks(side: int, rng: np.random.Generator) -> Floats:
    """One pixel in a hundred has an exponential error, all have a little noise."""
    hit = (rng.random((side, side)) < SPECKS) * rng.exponential(1, (side, side))
    return (hit - SPECKS + 0.02 * white(side, rng)) / np.sqrt(2 * SPECKS - SPECKS**2 + 0.02**2)


def blobs(side: int, rng: np.random.Generator) -> Floats:
    """Discs of 6 pixels' radius at random places, as where a model lacks an object, and noise."""
    y, x = np.mgrid[-RADIUS : RADIUS + 1, -RADIUS : RADIUS + 1]
    disc = (y**2 + x**2 <= RADIUS**2).astype(float)
    at = rng.poisson(BLOBS, (side + 2 * RADIUS, side + 2 * RADIUS))
    found = fftconvolve(at, disc, "valid") - BLOBS * disc.sum() + 0.3 * white(side, rng)
    return np.asarray(found / np.sqrt(BLOBS * disc.sum() + 0.09))


def trend(side: int, rng: np.random.Generator) -> Floats:
    """Half of the variance is a plane of random slope, half white noise; the plane's mean is 0."""
    y, x = rng.normal(size=2)
    ramp = np.linspace(-1, 1, side) * np.sqrt(1.5)
    return np.sqrt(0.5) * (y * ramp[:, None] + x * ramp[None, :]) + np.sqrt(0.5) * white(side, rng)


def fan(side: int, rng: np.random.Generator) -> Floats:
    """Smooth errors that grow from left to right, twenty-fold."""
    scale = np.geomspace(1, 20, side)
    return np.asarray(smooth(side, rng, 2) * scale / np.sqrt((scale**2).mean()))


KINDS: dict[str, Field] = {
    "independent": white,
    "correlated, 1.5 px": lambda side, rng: smooth(side, rng, 1.5),
    "correlated, 4 px": lambda side, rng: smooth(side, rng, 4),
    "correlated, 8 px": lambda side, rng: smooth(side, rng, 8),
    "correlated, 15 px": lambda side, rng: smooth(side, rng, 15),
    "anisotropic, 3 and 12 px": lambda side, rng: smooth(side, rng, 3, 12, np.pi / 6),
    "1/10 smooth, 6 px": lambda side, rng: nugget(side, rng, 0.1, 6),
    "1/10 smooth, 15 px": lambda side, rng: nugget(side, rng, 0.1, 15),
    "1/100 smooth, 15 px": lambda side, rng: nugget(side, rng, 0.01, 15),
    "edges": edges,
    "bursts": bursts,
    "heavy tails, t(3)": student,
    "specks": specks,
    "blobs": blobs,
    "growing errors": fan,
    "trend": trend,
}
"""What is drawn by the name it has in docs/coverage.md: each of variance 1 and true mean 0."""
