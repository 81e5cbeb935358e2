"""All scores of a fit to ink."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from ..api import TEST, TRAIN, VALIDATION, Density, Floats, Image, Split
from ..results import ClassifierDetails, Score, ViewDetails
from .asking import FreshCopies, predicted
from .baselines import ratio_kde
from .classifier import average_precision, bernoulli_bits, calibrated, probability
from .fidelity import fidelity
from .fit_verdict import outside
from .intervals import difference
from .lattice_masses import ink_masses
from .normalisation_check import NormalisationCheck, check_density
from .poisson import (
    expected_ink,
    ink_rate,
    poisson_ceiling,
    poisson_gain,
    poisson_terms,
    rates,
    shape_ceiling,
    shape_gain,
)
from .score_lookup import score_of
from .view_scores import LN2, Part, bits, patches, unscored


def score_ink(copies: FreshCopies, image: Image, split: Split, rng: np.random.Generator) -> Part:
    """Masses or probabilities of every pixel, and what they are worth; see docs/scoring.md."""
    ink = image.coordinates
    rho = ink_rate(ink, split)
    check: NormalisationCheck | None = None
    fitted = copies.fresh()
    reasons: tuple[str, ...] = ()
    if isinstance(fitted, Density):
        found = ink_masses(fitted, image.lattice, ink)
        check = check_density(fitted, found, image.lattice, rng)
        reasons = check.reasons
        masses, rate = found.values, rates(found.values, ink, split)
    else:
        rate, reasons = predicted(copies, image.lattice, rng)
        masses = rate
    wrong = () if check is not None else outside(rate)
    reasons = (*wrong, *reasons)
    if wrong or not np.isfinite(masses).all():
        return unscored("ink", ink, reasons)
    terms = poisson_terms(rate, ink, rho)
    train, test = split.codes == TRAIN, split.codes == TEST
    gain, ceiling = bits(poisson_gain(terms, ink, split)), bits(poisson_ceiling(ink, split, rho))
    shape, shape_top = bits(shape_gain(masses, ink, train)), bits(shape_ceiling(ink, train))
    apart = difference(terms, ink, test)
    interval = apart.interval() if apart is not None else None
    unknown = None if gain is not None else "no ink is held out"
    held = f"held-out pixels, interpolation at {split.block} px" if split.block > 1 else "held-out pixels"
    classifier = _as_classifier(rate, ink, split, check is not None, rho)
    like = fidelity(ink, np.clip(rate, 0, 1), 1.0, split)

    def value(key: str, **numbers: Any) -> Score:
        return score_of(key, "ink", held=held, **numbers)

    values = {
        "gain": value(
            "gain",
            train=shape,
            held_out=gain,
            reason=unknown,
            interval=None if interval is None else (interval[0] / LN2, interval[1] / LN2),
        ),
        "skill": value(
            "skill", held_out=gain / ceiling if gain is not None and ceiling else None, reason=unknown
        ),
        "ceiling": value("ceiling", train=shape_top, held_out=ceiling, reason=unknown),
        "expected_ink": value("expected_ink", held_out=expected_ink(rate, ink, split), reason=unknown),
        "shape_gain": value("shape_gain", held_out=bits(shape_gain(masses, ink, test)), reason=unknown),
        "average_precision": value(
            "average_precision", held_out=classifier.average_precision, reason=unknown
        ),
        "kl": value("kl", train=None if shape is None or shape_top is None else shape_top - shape),
        **{
            key: value(key, held_out=like[key]["held_out"], overall=like[key]["all"])
            for key in ("psnr", "ssim")
        },
        "mass_in_box": value(
            "mass_in_box",
            overall=None if check is None else check.mass_in_box,
            reason=None if check is not None else "a classifier has no mass",
        ),
    }
    details = ViewDetails(
        normalisation_check=None if check is None else check.details(),
        baselines={
            "uniform": 0.0,
            "ratio_kde_half_pixel": _baseline(ink, split, 0.5, rho),
            "ratio_kde_one_pixel": _baseline(ink, split, 1.0, rho),
        },
        classifier=classifier,
        patches=patches(apart),
    )
    return Part(values, reasons, details, terms, ink, classifier.image_bits)


def _as_classifier(
    rate: Floats, ink: Floats, split: Split, of_density: bool, rho: float
) -> ClassifierDetails:
    """Average precision and Bernoulli bits on held-out pixels, raw and calibrated on validation pixels."""
    test, validation = split.codes == TEST, split.codes == VALIDATION
    found = ClassifierDetails()
    if test.any():
        found = ClassifierDetails(
            average_precision=average_precision(rate[test], ink[test]),
            prevalence=float(ink[test].mean()),
            bits_per_pixel_raw=bernoulli_bits(probability(rate[test]), ink[test]),
        )
    calibration = calibrated(rate[validation], ink[validation], of_density)
    if calibration is not None:
        chance = calibration(rate)
        found = replace(
            found,
            bits_per_pixel_calibrated=bernoulli_bits(chance[test], ink[test]),
            gain_calibrated=bits(poisson_gain(poisson_terms(chance, ink, rho), ink, split)),
            image_bits=bernoulli_bits(chance, ink) * ink.size,
        )
    return found


def _baseline(ink: Floats, split: Split, width: float, rho: float) -> float | None:
    return bits(poisson_gain(poisson_terms(ratio_kde(ink, split, width), ink, rho), ink, split))
