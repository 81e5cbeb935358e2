"""Every score of a fit, by the view of its image."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from ..api import Fitted, Floats, Image, Split
from ..results import DescriptionDetails, ScoreDetails, Scores
from .asking import FreshCopies
from .colour_scores import score_colour
from .description import information_criteria, parameter_bits, png_bits
from .fit_verdict import fit_verdict
from .ink_scores import score_ink
from .level_scores import score_levels
from .likelihood import log_likelihood
from .score_lookup import complete

VIEWS = {"ink": score_ink, "colour": score_colour, "levels": score_levels}


def score(fitted: Fitted, image: Image, split: Split, rng: np.random.Generator) -> Scores:
    """Score a fit; see docs/scoring.md for what each number means.

    Args:
        rng: of the scoring alone, so that its noise is that of no split and no fit.

    Raises:
        ValueError: a scorer returns a score that the catalogue does not declare for its view, or leaves out
            one that it declares.
    """
    copies = FreshCopies.of(fitted)
    part = VIEWS[image.view](copies, image, split, rng)
    raw, raw_map, unsteady = log_likelihood(copies, image, split, rng)  # the last that is asked
    weight = image.coordinates if image.view == "ink" else np.ones(image.lattice.shape)
    points = float(weight[split.trained].sum())
    parameters = parameter_bits(fitted.n_parameters, points)
    criteria = information_criteria(raw.train, points, fitted.n_parameters)
    code = None if part.image_bits is None or parameters is None else part.image_bits + parameters
    description = DescriptionDetails(
        aic=criteria["aic"],
        bic=criteria["bic"],
        image_bits=part.image_bits,
        parameter_bits=parameters,
        code_bits=code,
        png_bits=png_bits(image),
    )
    values = complete({"log_likelihood": raw, **part.values}, image.view)
    part = replace(part, not_ranked=(*part.not_ranked, *unsteady))
    verdict = fit_verdict(part, values, split)
    return Scores(
        values,
        verdict.reasons,
        ScoreDetails(**vars(part.details), description=description, asked=copies.note),
        verdict.alarms,
        _single(part.gain),
        _single(part.weight),
        raw_map,
    )


def _single(values: Floats) -> NDArray[np.float32]:
    return values.astype(np.float32)
