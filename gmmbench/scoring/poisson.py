"""Scores of ink: the Poisson log score of held-out pixels, and the representation of the others."""

from __future__ import annotations

import numpy as np
from scipy.special import xlogy

from ..api import Floats, Split

FLOOR = 1e-3
"""Share of the uniform rate that is mixed into every rate, so that one surprise is not the end."""


def ink_rate(ink: Floats, split: Split) -> float:
    """rho = n_A / |A|: the ink of a training pixel on average."""
    return float(ink[split.trained].mean())


def rates(masses: Floats, ink: Floats, split: Split) -> Floats:
    """lambda_u = n_A m_u / sum_A m: the ink that a density's cell masses (H, W) expect in each pixel.

    The training pixels fix the scale, so that a density is not judged by the mass it has in the holes.
    """
    train = split.trained
    total = masses[train].sum()
    return masses * (ink[train].sum() / total) if total > 0 else np.zeros_like(masses)


def poisson_terms(rate: Floats, ink: Floats, rho: float) -> Floats:
    """y log(lambda / rho) - (lambda - rho) of each pixel, nats, once the rate has its floor.

    With lambda <- (1 - FLOOR) lambda + FLOOR rho: the Poisson log-likelihood ratio against the uniform
    rate; a proper score of the rate (Gneiting and Raftery 2007), which every pixel adds to.
    """
    floored = (1 - FLOOR) * rate + FLOOR * rho
    return ink * np.log(floored / rho) - (floored - rho)


def poisson_gain(terms: Floats, ink: Floats, split: Split) -> float | None:
    """J_T = (1 / n_T) sum_T of the terms, nats per held-out ink pixel; None where no ink is held out."""
    test = split.tested
    total = ink[test].sum()
    return float(terms[test].sum() / total) if total > 0 else None


def poisson_ceiling(ink: Floats, split: Split, rho: float) -> float | None:
    """The gain of whoever knew the held-out pixels, lambda = y: nats per held-out ink pixel.

    -log rho - 1 + rho |T| / n_T, and for soft ink sum_T y log y / n_T more.
    """
    y = ink[split.tested]
    total = y.sum()
    if not total > 0:
        return None
    return float(-np.log(rho) - 1 + rho * len(y) / total + xlogy(y, y).sum() / total)


def expected_ink(rate: Floats, ink: Floats, split: Split) -> float | None:
    """r = sum_T lambda / n_T: how much of the held-out ink is expected; 1 is right."""
    test = split.tested
    total = ink[test].sum()
    return float(rate[test].sum() / total) if total > 0 else None


def shape_gain(masses: Floats, ink: Floats, pixels: Floats) -> float | None:
    """(1 / n) sum y log(m / sum m) + log |pixels|: the gain of the masses' shape alone, nats per ink pixel.

    Over the training pixels it is the representation G; over held-out ones G_T, which is a loophole when
    it stands alone, for a density may keep nearly all of its mass elsewhere. -inf where inked pixels
    have no mass.
    """
    y, m = ink[pixels], masses[pixels]
    total = y.sum()
    if not (total > 0 and m.sum() > 0):
        return None
    inked = y > 0
    with np.errstate(divide="ignore"):
        return float((y[inked] * np.log(m[inked] / m.sum())).sum() / total + np.log(len(m)))


def shape_ceiling(ink: Floats, pixels: Floats) -> float | None:
    """log |A| - H(y / n_A): what only the image itself reaches, nats per ink pixel.

    KL(truth || model) is this less G, for the image is its own distribution.
    """
    y = ink[pixels]
    total = y.sum()
    if not total > 0:
        return None
    share = y / total
    return float(np.log(len(y)) + xlogy(share, share).sum())
