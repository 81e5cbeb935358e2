"""The raw log-likelihood of a fit in nats per point: of training and held-out pixels, and as a map."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..api import LEVELS, TEST, TRAIN, Density, Floats, Image, Predictor, Split, level_coordinates
from ..results import Score
from .asking import FreshCopies, shuffled, unsteady
from .score_lookup import score_of

SURE = 1e-6
"""Probabilities are kept at least this far from 0 and 1, so that one wrong pixel does not cost infinity."""


def log_likelihood(
    copies: FreshCopies, image: Image, split: Split, rng: np.random.Generator
) -> tuple[Score, NDArray[np.float32], tuple[str, ...]]:
    """The mean log-likelihood over training and held-out data, and the score of each pixel.

    A density scores log p at the data points, in units of pixels and levels 0..255, with each point weighted
    by its ink. A classifier scores y log P + (1 - y) log(1 - P) at every pixel, which cannot be compared with
    the score of a density. A regression without a predictive distribution of colour has no likelihood.

    Points of ink and levels are asked about as whole lattices. Those of colour name the values of pixels:
    this is the last that is asked of a fit.

    Returns:
        The score; its map, (H, W) float32 in nats, NaN where nothing is scored; and why the fit cannot be
        ranked, if its answers depend on how it is asked.
    """
    values = image.coordinates.reshape(image.lattice.size, -1)
    fitted, other = copies.fresh(), copies.fresh()
    unit = of = None  # for a density: as declared in the catalogue
    reasons: tuple[str, ...] = ()
    if isinstance(fitted, Density) and isinstance(other, Density):
        weights = values[:, 0] if image.view == "ink" else np.ones(len(values))
        scores, reasons = _of_density(fitted, other, image, rng)
        scores[weights == 0] = np.nan
    elif isinstance(fitted, Predictor) and image.view == "ink":
        weights = np.ones(len(values))
        unit, of = "nats per pixel", "ink or no ink given x, y"
        probability = np.clip(image.lattice.ask(fitted.predict).ravel(), SURE, 1 - SURE)
        scores = values[:, 0] * np.log(probability) + (1 - values[:, 0]) * np.log1p(-probability)
    else:
        empty = np.full(image.lattice.shape, np.nan, dtype=np.float32)
        reason = "this fit predicts an expected colour, not a distribution of colour"
        of = "colour given x, y"
        return score_of("log_likelihood", image.view, of=of, reason=reason), empty, ()
    scored = np.flatnonzero(weights > 0)

    def mean(code: int) -> float | None:
        pixels = np.intersect1d(split.indices(code), scored, assume_unique=True)
        return float(np.average(scores[pixels], weights=weights[pixels])) if len(pixels) else None

    # The map has the contribution of each pixel: the sum over pixels is the log-likelihood of all the ink.
    score_map = (scores * weights).reshape(image.lattice.shape).astype(np.float32)
    score = score_of("log_likelihood", image.view, train=mean(TRAIN), held_out=mean(TEST), unit=unit, of=of)
    return score, score_map, reasons


def _of_density(
    fitted: Density, other: Density, image: Image, rng: np.random.Generator
) -> tuple[Floats, tuple[str, ...]]:
    """log p of every pixel (n,) per pixel and level, and why the density cannot be ranked."""
    lattice = image.lattice
    if image.view == "levels":
        points = level_coordinates(np.arange(LEVELS, dtype=np.float64))[:, None]
        pixel = image.values.ravel().astype(np.intp)
        found = np.asarray(fitted.log_density(points), dtype=np.float64)
    elif image.view == "ink":
        points, pixel = lattice.centres(), np.arange(lattice.size)
        found = np.asarray(lattice.ask(fitted.log_density), dtype=np.float64)
        found = found.reshape(lattice.size, *found.shape[2:])
    else:
        points = np.hstack((lattice.centres(), image.coordinates.reshape(lattice.size, 3)))
        pixel = np.arange(lattice.size)
        found = shuffled(lambda part: fitted.log_density(points[part]), lattice.size, rng)
    if found.shape != (len(points),):
        raise ValueError(f"expected log_density to answer with the shape {(len(points),)}, got {found.shape}")
    reasons = unsteady("log_density", lambda part: other.log_density(points[part]), found, rng)
    # A density per unit becomes one per pixel and level: multiply by the cell's volume.
    spatial = 0 if image.view == "levels" else 2
    volume = spatial * np.log(lattice.cell) - (len(fitted.columns) - spatial) * np.log(LEVELS)
    return found[pixel] + volume, reasons
