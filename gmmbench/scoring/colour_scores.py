"""All scores of a fit to colours."""

from __future__ import annotations

import numpy as np

from ..api import LEVELS, TEST, TRAIN, Fitted, Floats, Image, Predictor, Split
from ..mixture_fit import ColourMixture
from ..results import LawDetails, Score, ViewDetails
from .asking import FreshCopies, predicted
from .colour_distribution import colour_masses
from .fidelity import fidelity
from .intervals import difference
from .score_lookup import score_of
from .view_scores import LN2, Part, patches

UNIFORM = float(np.log2(LEVELS))
"""Bits per dimension of the uniform law."""


def score_colour(copies: FreshCopies, image: Image, split: Split, rng: np.random.Generator) -> Part:
    """Conditional bits per dimension, and the fidelity of the expected colours; see docs/scoring.md."""
    lattice = image.lattice
    values: dict[str, Score] = {}
    law: LawDetails | None = None
    nats = np.full(lattice.size, np.nan)
    not_ranked: tuple[str, ...] = ()
    reason = None
    how = "exact"
    fitted = copies.fresh()
    likeness, unsteady = _fidelity(copies, image, split, rng)
    found = colour_masses(copies, image, split, rng) if isinstance(fitted, Predictor) else None
    if found is None:
        reason = "this fit has no predictive distribution of colour given x, y"
        not_ranked = (reason,)
    else:
        nats = found.log_cell - found.log_cube
        not_ranked, how = found.reasons, found.how
        law = LawDetails(
            how,
            mass_in_cube=float(np.exp(found.log_cube).mean()),
            error_nats=found.error,
            total=None if found.total is None else found.total.value,
            total_error=None if found.total is None else found.total.error,
        )
    gain = nats.reshape(lattice.shape) + 3 * np.log(LEVELS)
    train, test = split.codes == TRAIN, split.codes == TEST

    def mean(pixels: Floats) -> float | None:
        return float(gain[pixels].mean() / LN2 / 3) if found is not None and pixels.any() else None

    apart = difference(gain / 3, np.ones(lattice.shape), test) if found is not None else None
    interval = apart.interval() if apart is not None else None
    in_sample, held_out = mean(train), mean(test)
    variant = "" if how == "exact" else f"-{how}"
    values["gain"] = score_of(
        "gain",
        "colour",
        train=in_sample,
        held_out=held_out,
        reason=reason,
        interval=None if interval is None else (interval[0] / LN2, interval[1] / LN2),
        variant=variant,
    )
    values["bits_per_dim"] = score_of(
        "bits_per_dim",
        "colour",
        train=None if in_sample is None else UNIFORM - in_sample,
        held_out=None if held_out is None else UNIFORM - held_out,
        reason=reason,
        variant=variant,
    )
    values |= likeness
    values |= _position(fitted, image, split)
    entropy = _entropy(image.values[test]) if test.any() else None
    details = ViewDetails(law=law, entropy_of_held_out_colours=entropy, patches=patches(apart))
    image_bits = None if found is None else float(-nats.sum() / LN2)
    return Part(values, (*unsteady, *not_ranked), details, gain, np.ones(lattice.shape), image_bits)


def _fidelity(
    copies: FreshCopies, image: Image, split: Split, rng: np.random.Generator
) -> tuple[dict[str, Score], tuple[str, ...]]:
    """PSNR and SSIM of the expected colours, and why they cannot be ranked."""
    if not isinstance(copies.fitted, Predictor):
        reason = "this fit predicts no colour"
        return {key: score_of(key, "colour", reason=reason) for key in ("psnr", "ssim")}, ()
    found, reasons = predicted(copies, image.lattice, rng)
    expected = np.clip(LEVELS * found - 0.5, 0, LEVELS - 1)
    like = fidelity(image.values.astype(np.float64), expected, LEVELS - 1.0, split)
    scores = {
        key: score_of(key, "colour", held_out=like[key]["held_out"], overall=like[key]["all"])
        for key in ("psnr", "ssim")
    }
    return scores, reasons


def _position(fitted: Fitted, image: Image, split: Split) -> dict[str, Score]:
    """Nats spent on position: the other factor of the joint likelihood, whose truth is flat."""
    if not isinstance(fitted, ColourMixture):
        return {
            "position": score_of("position", "colour", reason="this fit has no density of positions"),
            "mass_in_box": score_of("mass_in_box", "colour", reason="no mass of positions"),
        }
    from ..mixture.integrals.cell_masses import cell_masses

    lattice = image.lattice
    area = np.log(np.prod(lattice.box))
    inside = cell_masses(fitted.position(), *lattice.shape, lattice.cell).sum()
    log_density = fitted.position().log_density(lattice.centres()).reshape(lattice.shape) + area

    def mean(code: int) -> float | None:
        pixels = split.codes == code
        return float(log_density[pixels].mean()) if pixels.any() else None

    return {
        "position": score_of("position", "colour", train=mean(TRAIN), held_out=mean(TEST)),
        "mass_in_box": score_of("mass_in_box", "colour", overall=float(inside)),
    }


def _entropy(colours: Floats) -> float:
    """Of the colours (n, 3) as one kind each, bits per dimension: what a code made for them would take."""
    codes = colours.astype(np.int64) @ np.array([1 << 16, 1 << 8, 1])
    share = np.unique(codes, return_counts=True)[1] / len(codes)
    return float(-(share * np.log2(share)).sum() / 3)
