"""Scores of a classifier of ink: average precision, Bernoulli bits, and calibration."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import expit, logit

from ..api import Floats

SURE = 1e-6
"""Probabilities are kept at least this far from 0 and 1."""

STEPS = 50
"""The largest number of Newton steps of a calibration; it takes about ten."""

RIDGE = 1e-6
"""Added to the curvature of a calibration, for data that a threshold separates."""


def average_precision(rate: Floats, ink: Floats) -> float | None:
    """The area under precision against recall: sum (R_i - R_{i-1}) P_i over thresholds of the rate.

    A pixel of soft ink y counts as a positive of weight y and a negative of weight 1 - y. None without ink.
    """
    if not ink.sum() > 0:
        return None
    from sklearn.metrics import average_precision_score

    is_ink = np.repeat((True, False), len(ink))
    weight = np.concatenate((ink, 1 - ink))
    return float(average_precision_score(is_ink, np.tile(rate, 2), sample_weight=weight))


def probability(rate: Floats) -> Floats:
    """P(ink) of a rate: the rate itself, at least SURE from 0 and 1."""
    return np.clip(rate, SURE, 1 - SURE)


def bernoulli_bits(chance: Floats, ink: Floats) -> float:
    """-mean(y log2 P + (1 - y) log2(1 - P)), bits per pixel."""
    return float(-np.mean(ink * np.log2(chance) + (1 - ink) * np.log2(1 - chance)))


@dataclass(frozen=True)
class Calibration:
    """P = logistic(a + b f), where f is log l of a density or logit P of a classifier (Platt 2000)."""

    a: float
    b: float
    of_density: bool

    def __call__(self, rate: Floats) -> Floats:
        """Calibrated P(ink) of rates."""
        return probability(expit(self.a + self.b * _feature(rate, self.of_density)))


def calibrated(rate: Floats, ink: Floats, of_density: bool) -> Calibration | None:
    """Fit a and b to validation pixels by Newton's method; None if these have no ink or no paper."""
    if not 0 < ink.sum() < len(ink):
        return None
    f = _feature(rate, of_density)
    centre, scale = f.mean(), f.std() or 1.0
    design = np.stack((np.ones_like(f), (f - centre) / scale), axis=1)
    beta = np.array([logit(ink.mean()), 0.0])

    def loss(at: Floats) -> float:
        z = design @ at
        return float(np.mean(np.logaddexp(0, z) - ink * z)) + RIDGE / 2 * float(at @ at)

    now = loss(beta)
    for _ in range(STEPS):
        p = expit(design @ beta)
        slope = design.T @ (p - ink) / len(f) + RIDGE * beta
        curve = (design * (p * (1 - p))[:, None]).T @ design / len(f) + RIDGE * np.eye(2)
        step = np.linalg.solve(curve, slope)
        while (after := loss(beta - step)) > now and np.abs(step).max() > 1e-12:
            step /= 2
        beta, gained, now = beta - step, now - after, after
        if gained < 1e-12:
            break
    b = beta[1] / scale
    return Calibration(float(beta[0] - b * centre), float(b), of_density)


def _feature(rate: Floats, of_density: bool) -> Floats:
    return np.log(np.maximum(rate, SURE)) if of_density else logit(probability(rate))
