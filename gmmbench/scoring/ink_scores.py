"""All scores of a fit to ink."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

import numpy as np

from ..api import TEST, TRAIN, VALIDATION, Density, Fitted, Floats, Image, Predictor, Split
from ..results import Score
from .asking import answers
from .baselines import ratio_kde
from .certificate import Certificate, certify
from .classifier import average_precision, bernoulli_bits, calibrated, probability
from .fidelity import fidelity
from .intervals import difference
from .lattice_masses import ink_masses
from .poisson import (
    POISSON,
    SHAPE,
    expected_ink,
    ink_rate,
    poisson_ceiling,
    poisson_gain,
    poisson_terms,
    rates,
    shape_ceiling,
    shape_gain,
)
from .view_scores import LN2, Part, bits

PER_INK = "bits per ink pixel over uniform"


def score_ink(fitted: Fitted, image: Image, split: Split, rng: np.random.Generator) -> Part:
    """Masses or probabilities of every pixel, and what they are worth; see docs/scoring.md."""
    ink = image.coordinates
    rho = ink_rate(ink, split)
    certificate: Certificate | None = None
    if isinstance(fitted, Density):
        found = ink_masses(fitted, image.lattice, ink)
        certificate = certify(fitted, found, image.lattice, rng)
        masses, rate = found.values, rates(found.values, ink, split)
    else:
        assert isinstance(fitted, Predictor)
        masses = rate = answers(fitted.predict, image.lattice)
    terms = poisson_terms(rate, ink, rho)
    train, test = split.codes == TRAIN, split.codes == TEST
    gain, ceiling = bits(poisson_gain(terms, ink, split)), bits(poisson_ceiling(ink, split, rho))
    shape, shape_top = bits(shape_gain(masses, ink, train)), bits(shape_ceiling(ink, train))
    apart = difference(terms, ink, test)
    interval = apart.interval() if apart is not None else None
    unknown = None if gain is not None else "no ink is held out"
    held = f"held-out pixels, interpolation at {split.block} px" if split.block > 1 else "held-out pixels"
    classifier = _as_classifier(rate, ink, split, certificate is not None, rho)
    like = fidelity(ink, np.clip(rate, 0, 1), 1.0, split)
    values = {
        "gain": Score(
            train=shape,
            held_out=gain,
            unit=PER_INK,
            of=f"Poisson log score of {held}; shape over training pixels",
            convention=f"{POISSON} (train: {SHAPE})",
            reason=unknown,
            interval=None if interval is None else (interval[0] / LN2, interval[1] / LN2),
        ),
        "ceiling": Score(
            train=shape_top,
            held_out=ceiling,
            unit=PER_INK,
            of="the image itself as a model",
            convention=f"{POISSON} (train: {SHAPE})",
            reason=unknown,
        ),
        "kl": Score(
            train=None if shape is None or shape_top is None else shape_top - shape,
            unit="bits per ink pixel",
            of="KL(image || model) over training pixels",
            convention=SHAPE,
        ),
        "skill": Score(
            held_out=gain / ceiling if gain is not None and ceiling else None,
            unit="share of the ceiling",
            of=held,
            convention=POISSON,
            reason=unknown,
        ),
        "expected_ink": Score(
            held_out=expected_ink(rate, ink, split),
            unit="ink expected per ink there, 1 is right",
            of=held,
            convention=POISSON,
            reason=unknown,
        ),
        "shape_gain": Score(
            held_out=bits(shape_gain(masses, ink, test)),
            unit=PER_INK,
            of=f"shape alone over {held}: a loophole when it stands alone",
            convention=SHAPE,
            reason=unknown,
        ),
        "average_precision": Score(
            held_out=classifier["average_precision"],
            unit="share, higher is better",
            of=held,
            convention="average-precision-1",
            reason=unknown,
        ),
        "bits_per_dim": Score(unit="bits per dimension", reason="ink has no colours to predict"),
        "psnr": Score(
            held_out=like["psnr"]["held_out"],
            overall=like["psnr"]["all"],
            unit="dB",
            of="expected ink against the image",
            convention="psnr-1",
        ),
        "ssim": Score(
            held_out=like["ssim"]["held_out"],
            overall=like["ssim"]["all"],
            unit="SSIM, 1 is identical",
            of="expected ink against the image",
            convention="ssim-1",
        ),
        "mass_in_box": Score(
            overall=None if certificate is None else certificate.mass_in_box,
            unit="share of the density's mass inside the image",
            convention="cell-masses-1",
            reason=None if certificate is not None else "a classifier has no mass",
        ),
    }
    reasons = () if certificate is None else certificate.reasons
    details = {
        "certificate": None if certificate is None else {**asdict(certificate), "holds": certificate.holds},
        "baselines": {
            "uniform": 0.0,
            "ratio_kde_half_pixel": _baseline(ink, split, 0.5, rho),
            "ratio_kde_one_pixel": _baseline(ink, split, 1.0, rho),
        },
        "classifier": classifier,
        "tiles": None if apart is None else {"count": apart.tiles, "side": apart.side},
    }
    return Part(values, reasons, details, terms, ink, classifier["image_bits"])


def _as_classifier(
    rate: Floats, ink: Floats, split: Split, of_density: bool, rho: float
) -> Mapping[str, Any]:
    """Average precision and Bernoulli bits on held-out pixels, raw and calibrated on validation pixels."""
    test, validation = split.codes == TEST, split.codes == VALIDATION
    found: dict[str, Any] = dict.fromkeys(
        (
            "average_precision",
            "prevalence",
            "bits_per_pixel_raw",
            "bits_per_pixel_calibrated",
            "gain_calibrated",
            "image_bits",
        )
    )
    if test.any():
        found["average_precision"] = average_precision(rate[test], ink[test])
        found["prevalence"] = float(ink[test].mean())
        found["bits_per_pixel_raw"] = bernoulli_bits(probability(rate[test]), ink[test])
    calibration = calibrated(rate[validation], ink[validation], of_density)
    if calibration is not None:
        chance = calibration(rate)
        found["bits_per_pixel_calibrated"] = bernoulli_bits(chance[test], ink[test])
        found["gain_calibrated"] = bits(poisson_gain(poisson_terms(chance, ink, rho), ink, split))
        found["image_bits"] = bernoulli_bits(chance, ink) * ink.size
    return found


def _baseline(ink: Floats, split: Split, width: float, rho: float) -> float | None:
    return bits(poisson_gain(poisson_terms(ratio_kde(ink, split, width), ink, rho), ink, split))
