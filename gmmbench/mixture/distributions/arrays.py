"""What the compiled integrators need of a mixture of Gaussians or of Student's t, as arrays."""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
from scipy.special import gammaln

from ..array_types import Floats
from .gaussian import Mixture
from .student import StudentMixture

AnyMixture: TypeAlias = Mixture | StudentMixture


def law_of(mixture: AnyMixture) -> tuple[Floats, Floats | None]:
    """Covariances or scale matrices (K, d, d), and degrees of freedom (K,), None of Gaussians."""
    if isinstance(mixture, Mixture):
        return mixture.covariances, None
    return np.asarray(mixture.scales, np.float64), np.asarray(mixture.degrees, np.float64)


def log_constant(degrees: Floats | None, dimension: int) -> Floats | float:
    """The log normaliser of a standard Gaussian or t (Bishop 2006, eq. B.68) in d dimensions: (K,)."""
    if degrees is None:
        return float(-0.5 * dimension * np.log(2 * np.pi))
    half = degrees / 2
    with np.errstate(invalid="ignore"):
        exact = gammaln(half + dimension / 2) - gammaln(half) - 0.5 * dimension * np.log(degrees * np.pi)
    # of huge degrees the difference loses its digits; the Gaussian's constant is right to d^2 / 4 df
    return np.where(degrees < HUGE, exact, -0.5 * dimension * np.log(2 * np.pi))


HUGE = 1e10
"""Degrees of freedom from which a t's constant is a Gaussian's, to 1e-9."""


def normaliser(weights: Floats, means: Floats, spread: Floats, degrees: Floats | None) -> Floats:
    """Rows [log normaliser, degrees, mean (d), A row by row] for the kernels: (K, 2 + d + d (d + 1) / 2).

    A is the inverse of the lower Cholesky factor of the spread (K, d, d), so that the log joint density is
    the first number less |A (x - m)|^2 / 2, or less (df + d) / 2 log(1 + |A (x - m)|^2 / df).

    Raises:
        ValueError: a matrix is not positive definite.
    """
    d = means.shape[1]
    try:
        factors = np.linalg.inv(np.linalg.cholesky(spread))
    except np.linalg.LinAlgError:
        raise ValueError("expected positive definite covariances; try a larger covariance floor") from None
    with np.errstate(divide="ignore"):
        offset = np.log(weights) + np.log(np.diagonal(factors, axis1=1, axis2=2)).sum(axis=1)
    offset = offset + log_constant(degrees, d)
    freedom = np.zeros(len(weights)) if degrees is None else degrees
    flat = factors[:, *np.tril_indices(d)]
    return np.ascontiguousarray(np.concatenate((offset[:, None], freedom[:, None], means, flat), axis=1))


ROOT_NODES = ((100.0, 3), (40.0, 4), (20.0, 5), (12.0, 8), (8.0, 10), (5.0, 16), (3.0, 20), (0.0, 24))
"""(degrees of freedom from which, nodes that give a t's distribution function to 1e-6 over 10 scales); for
fewer than 2 degrees it is 5e-6."""

GRID = 500
"""Points of the sum that stands for the chi law when a rule is made."""


def root_rules(degrees: Floats) -> tuple[Floats, Floats]:
    """Gauss's rules for v = sqrt(chi^2_df / df), (K, nodes) each with weights, 0 beyond a rule's end.

    t is N(0, S / v^2): masses of t are means of masses of Gaussians under the law of v, and those are
    entire functions of v. The rules are Lanczos's tridiagonal matrix of the law's sum over a grid of
    log v, and its eigenvalues (Golub and Welsch 1969; Gautschi 2004, section 2.2).
    """
    most = ROOT_NODES[-1][1]
    roots, shares = np.ones((len(degrees), most)), np.zeros((len(degrees), most))
    done = np.zeros(len(degrees), bool)
    for least, nodes in ROOT_NODES:
        chosen = np.flatnonzero(~done & (degrees >= least))
        done[chosen] = True
        for start in range(0, len(chosen), 512):
            part = chosen[start : start + 512]
            roots[part, :nodes], shares[part, :nodes] = _gauss(degrees[part, None], nodes)
    return roots, shares


def _gauss(df: Floats, nodes: int) -> tuple[Floats, Floats]:
    sd = 1 / np.sqrt(2 * df)  # of log v, nearly
    low, high = -(np.minimum(9 * sd, 60) + 30 / df), np.minimum(9 * sd, np.log1p(6 * sd) + 2 * sd)
    t = low + (high - low) * np.linspace(0, 1, GRID)
    weight = np.exp(df * t - 0.5 * df * np.expm1(2 * t))
    v, q, before = np.exp(t), np.sqrt(weight / weight.sum(axis=1, keepdims=True)), np.zeros_like(t)
    matrix, beta, basis = np.zeros((len(df), nodes, nodes)), np.zeros((len(df), 1)), []
    for j in range(nodes):
        basis.append(q)
        rest = v * q - beta * before
        alpha = (q * rest).sum(axis=1, keepdims=True)
        matrix[:, j, j] = alpha[:, 0]
        rest = rest - alpha * q
        for old in basis:  # Lanczos's vectors lose their orthogonality otherwise
            rest = rest - (old * rest).sum(axis=1, keepdims=True) * old
        if j + 1 < nodes:
            beta = np.sqrt((rest**2).sum(axis=1, keepdims=True))
            matrix[:, j, j + 1] = matrix[:, j + 1, j] = beta[:, 0]
            before, q = q, rest / beta
    values, vectors = np.linalg.eigh(matrix)
    return values, vectors[:, 0] ** 2
