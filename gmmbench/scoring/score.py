"""Every score of a fit, by the view of its image."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..api import TRAIN, Fitted, Floats, Image, Split
from ..results import Score, Scores
from .colour_scores import score_colour
from .description import information_criteria, parameter_bits, png_bits
from .ink_scores import score_ink
from .level_scores import score_levels
from .likelihood import log_likelihood
from .score_lookup import complete

VIEWS = {"ink": score_ink, "colour": score_colour, "levels": score_levels}

BEYOND = 1e-6
"""Bits by which rounding may lift a score over its ceiling."""


def score(fitted: Fitted, image: Image, split: Split, rng: np.random.Generator) -> Scores:
    """Score a fit; see docs/scoring.md for what each number means.

    Args:
        rng: of the scoring alone, so that its noise is that of no split and no fit.

    Raises:
        ValueError: a scorer returns a score that the catalogue does not declare for its view, or leaves out
            one that it declares.
    """
    raw, raw_map = log_likelihood(fitted, image, split)
    part = VIEWS[image.view](fitted, image, split, rng)
    weight = image.coordinates if image.view == "ink" else np.ones(image.lattice.shape)
    points = float(weight[split.codes == TRAIN].sum())
    parameters = parameter_bits(fitted.n_parameters, points)
    description = {
        **information_criteria(raw.train, points, fitted.n_parameters),
        "image_bits": part.image_bits,
        "parameter_bits": parameters,
        "code_bits": None if part.image_bits is None or parameters is None else part.image_bits + parameters,
        "png_bits": png_bits(image),
    }
    values = complete({"log_likelihood": raw, **part.values}, image.view)
    return Scores(
        values,
        part.not_ranked,
        {**part.details, "description": description},
        alarms(values),
        _single(part.gain),
        _single(part.weight),
        raw_map,
    )


def alarms(values: dict[str, Score]) -> tuple[str, ...]:
    """What is too good to be true: a gain beyond its ceiling, or fewer than no bits."""
    found = []
    gain, ceiling, per_dim = (values.get(key, Score()) for key in ("gain", "ceiling", "bits_per_dim"))
    for part in ("train", "held_out"):
        got, top = getattr(gain, part), getattr(ceiling, part)
        if got is not None and top is not None and got > top + BEYOND:
            found.append(
                f"the gain ({part}) of {got:.4f} lies beyond its ceiling of {top:.4f} {ceiling.unit}"
            )
        bits = getattr(per_dim, part)
        if bits is not None and bits < -BEYOND:
            found.append(f"bits_per_dim ({part}) of {bits:.4f} lie below 0")
    return tuple(found)


def _single(values: Floats) -> NDArray[np.float32]:
    return values.astype(np.float32)
