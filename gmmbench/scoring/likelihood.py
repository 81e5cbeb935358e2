"""The raw log-likelihood of a fit in nats per point: of training and held-out pixels, and as a map."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..api import LEVELS, TEST, TRAIN, Density, Fitted, Floats, Image, Predictor, Split
from ..results import Score
from .score_lookup import score_of

CHUNK = 1 << 20
"""The number of pixels that are scored at once."""

SURE = 1e-6
"""Probabilities are kept at least this far from 0 and 1, so that one wrong pixel does not cost infinity."""


def log_likelihood(fitted: Fitted, image: Image, split: Split) -> tuple[Score, NDArray[np.float32]]:
    """The mean log-likelihood over training and held-out data, and the score of each pixel.

    A density scores log p at the data points, in units of pixels and levels 0..255, with each point weighted
    by its ink. A classifier scores y log P + (1 - y) log(1 - P) at every pixel, which cannot be compared with
    the score of a density. A regression without a predictive distribution of colour has no likelihood.

    Returns:
        The score, and its map: (H, W) float32 in nats, NaN where nothing is scored.
    """
    values = image.coordinates.reshape(image.lattice.size, -1)
    unit = of = None  # for a density: as declared in the catalogue
    if isinstance(fitted, Density):
        weights = values[:, 0] if image.view == "ink" else np.ones(len(values))
    elif isinstance(fitted, Predictor) and image.view == "ink":
        weights = np.ones(len(values))
        unit, of = "nats per pixel", "ink or no ink given x, y"
    else:
        empty = np.full(image.lattice.shape, np.nan, dtype=np.float32)
        reason = "this fit predicts an expected colour, not a distribution of colour"
        of = "colour given x, y"
        return score_of("log_likelihood", image.view, of=of, reason=reason), empty
    scores = np.full(len(values), np.nan)
    scored = np.flatnonzero(weights > 0)
    for start in range(0, len(scored), CHUNK):
        part = scored[start : start + CHUNK]
        scores[part] = _score(fitted, image, values[part], part)

    def mean(code: int) -> float | None:
        pixels = np.intersect1d(split.indices(code), scored, assume_unique=True)
        return float(np.average(scores[pixels], weights=weights[pixels])) if len(pixels) else None

    # The map has the contribution of each pixel: the sum over pixels is the log-likelihood of all the ink.
    score_map = (scores * weights).reshape(image.lattice.shape).astype(np.float32)
    score = score_of("log_likelihood", image.view, train=mean(TRAIN), held_out=mean(TEST), unit=unit, of=of)
    return score, score_map


def _score(fitted: Fitted, image: Image, values: Floats, pixels: NDArray[np.intp]) -> Floats:
    where = image.lattice.coordinates(pixels)
    if isinstance(fitted, Density):
        points = {"ink": where, "levels": values, "colour": np.hstack((where, values))}.get(image.view)
        spatial = 0 if image.view == "levels" else 2
        # Multiplying by the volume of a cell turns a density per unit into one per pixel and level.
        volume = spatial * np.log(image.lattice.cell) - (len(fitted.columns) - spatial) * np.log(LEVELS)
        return fitted.log_density(np.asarray(points)) + volume
    assert isinstance(fitted, Predictor)
    probability = np.clip(fitted.predict(where), SURE, 1 - SURE)
    ink = values[:, 0]
    return ink * np.log(probability) + (1 - ink) * np.log1p(-probability)
