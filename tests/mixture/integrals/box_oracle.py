"""Masses of Gaussians and of Student's t in boxes by brute force: slow, and written without the package.

The covariance is taken as the exact matrix that its float64 numbers say and factored with 60 digits, so
that correlations of 1 - 1e-12 lose nothing. The last axis is integrated by distribution functions in logs,
the others by composite Gauss-Legendre on panels that are graded around all that can change quickly: the
mean, the box's edges, and the point of the box that is nearest to the mean. Any order of the axes must give
the same answer; the difference of two orders is the oracle's own error.
"""

from decimal import Decimal, getcontext
from itertools import permutations

import numpy as np
from scipy.special import gammaln, log_ndtr, logsumexp, stdtr

getcontext().prec = 60

NODES, WEIGHTS = np.polynomial.legendre.leggauss(10)
STEPS = np.concatenate((np.arange(0, 9, 1.0), 9 * 2.0 ** np.arange(0, 45)))
"""Distances, in scales of what changes, at which panels end on either side of it."""

TINY = 1e-5
"""Below this width in standard deviations an interval's mass is its middle density times its width."""

TINY_T = 1e-4
"""The same of a t, relative to where it lies: `stdtr` has nine digits or so in far tails."""


def factor(covariance):
    """The lower Cholesky factor of a matrix of floats, with 60 digits: rows of Decimals."""
    c = [[Decimal(float(v)) for v in row] for row in covariance]
    out = [[Decimal(0)] * len(c) for _ in c]
    for i in range(len(c)):
        for j in range(i + 1):
            rest = c[i][j] - sum((out[i][k] * out[j][k] for k in range(j)), Decimal(0))
            out[i][j] = rest.sqrt() if i == j else rest / out[j][j]
    return out


def log_box(mean, covariance, low, high, degrees=None, order=None):
    """log of the mass in the box low..high of a Gaussian (or a t of these degrees): up to 3 axes."""
    mean, low, high = (np.atleast_1d(np.asarray(v, float)) for v in (mean, low, high))
    d = len(mean)
    order = list(range(d)) if order is None else list(order)
    covariance = np.asarray(covariance, float).reshape(d, d)[np.ix_(order, order)]
    exact = factor(covariance)
    a = [Decimal(float(low[i])) - Decimal(float(mean[i])) for i in order]
    b = [Decimal(float(high[i])) - Decimal(float(mean[i])) for i in order]
    # rows in units of the conditional standard deviation, so that z_i = a_i / l_ii - sum s_ij z_j
    slope = np.array([[float(exact[i][j] / exact[i][i]) for j in range(d)] for i in range(d)])
    a = np.array([float(v / exact[i][i]) for i, v in enumerate(a)])
    b = np.array([float(v / exact[i][i]) for i, v in enumerate(b)])
    return _nested(a, b, slope, np.inf if degrees is None else float(degrees))


def both_orders(mean, covariance, low, high, degrees=None):
    """The mean over all orders of the axes, and the largest difference between two of them."""
    found = [log_box(mean, covariance, low, high, degrees, order) for order in permutations(range(len(mean)))]
    return float(np.mean(found)), float(np.ptp(found))


def _nested(a, b, slope, df):
    """log of the mass in a <= z_i + sum_j<i slope_ij z_j <= b of standard normals or a standard t."""
    if len(a) == 1:
        return float(_log_between(a, b, df)[0])
    x, log_share = _panels(_breaks(a, b, slope), a[0], b[0])
    # of a t given z: degrees df + 1, and everything left is wider by the stretch
    stretch = np.ones_like(x) if np.isinf(df) else np.sqrt((df + x * x) / (df + 1))
    values = np.empty_like(x)
    if len(a) == 2:
        values = _log_between((a[1] - slope[1, 0] * x) / stretch, (b[1] - slope[1, 0] * x) / stretch, df + 1)
    else:
        values[:] = -np.inf
        start = np.searchsorted(x, _nearest(a, b, slope))
        for side in (range(start, len(x)), range(start - 1, -1, -1)):
            best = -np.inf
            for i in side:  # the integrand has one summit, so what follows a fall of 45 nats is nothing
                z = x[i]
                lower, upper = (
                    (a[1:] - slope[1:, 0] * z) / stretch[i],
                    (b[1:] - slope[1:, 0] * z) / stretch[i],
                )
                values[i] = _nested(lower, upper, slope[1:, 1:], df + 1)
                here = values[i] + _log_density(z, df)
                best = max(best, here)
                if here < best - 45:
                    break
    return float(logsumexp(values + _log_density(x, df) + log_share))


def _breaks(a, b, slope):
    """(centres, scales) of what changes along the first axis."""
    found = [(0.0, 1.0), (a[0], 1.0), (b[0], 1.0)]
    for i in range(1, len(a)):
        width = np.sqrt((slope[i, 1:i] ** 2).sum() + 1)  # of what is left, in units of l_ii
        if slope[i, 0] != 0:
            found += [(edge / slope[i, 0], width / abs(slope[i, 0])) for edge in (a[i], b[i])]
    if len(a) == 3:
        for p in (a[1], b[1]):
            for q in (a[2], b[2]):
                corner = np.array([p, q - slope[2, 1] * p])
                speed = np.array([slope[1, 0], slope[2, 0] - slope[2, 1] * slope[1, 0]])
                if (speed != 0).any():
                    found.append((corner @ speed / (speed @ speed), 1 / np.hypot(*speed)))
    near = _nearest(a, b, slope)
    return [*found, (near, 1e-12 + 1e-9 * abs(near)), (near, (b[0] - a[0]) * 1e-6)]


def _nearest(a, b, slope):
    """First coordinate of the point of the box that is nearest to the mean."""
    if len(a) == 1:
        return float(np.clip(0, a[0], b[0]))
    from scipy.optimize import lsq_linear

    # y_i = z_i + sum slope z: minimise |z|^2 over a <= y <= b
    unit = np.linalg.inv(np.tril(slope, -1) + np.eye(len(a)))
    return float(lsq_linear(unit, np.zeros(len(a)), bounds=(a, b)).x[0])


def _panels(breaks, low, high):
    """Nodes in low..high and log weights of composite Gauss-Legendre between graded breaks."""
    ends = [np.array([low, high])]
    for centre, scale in breaks:
        ends += [centre + scale * STEPS, centre - scale * STEPS]
    ends = np.unique(np.clip(np.concatenate(ends), low, high))
    half, middle = np.diff(ends)[:, None] / 2, (ends[1:] + ends[:-1])[:, None] / 2
    with np.errstate(divide="ignore"):
        return (middle + half * NODES).ravel(), np.log(half * WEIGHTS).ravel()


def _log_density(z, df):
    """Of a standard normal or t, one coordinate."""
    if np.isinf(df):
        return -0.5 * z * z - 0.5 * np.log(2 * np.pi)
    constant = gammaln((df + 1) / 2) - gammaln(df / 2) - 0.5 * np.log(df * np.pi)
    return constant - (df + 1) / 2 * np.log1p(z * z / df)


def _log_between(a, b, df):
    """log of the mass between a < b, however far out and however narrow."""
    a, b = np.where(a > 0, -b, a), np.where(a > 0, -a, b)  # now a < 0
    middle, width = (a + b) / 2, b - a
    with np.errstate(divide="ignore", invalid="ignore"):
        if np.isinf(df):
            right = log_ndtr(np.where(b > 0, -b, b))
            inside = np.log1p(-np.exp(log_ndtr(a)) - np.exp(right))
            wide = np.where(b > 0, inside, right + np.log(-np.expm1(np.minimum(log_ndtr(a) - right, 0))))
            narrow = width * np.maximum(1, abs(middle)) < TINY
        else:
            left, right = stdtr(df, a), stdtr(df, np.where(b > 0, -b, b))
            wide = np.where(b > 0, np.log1p(-left - right), np.log(right - left))
            narrow = width < TINY_T * np.maximum(1, abs(middle))
        return np.where(narrow, _log_density(middle, df) + np.log(width), wide)


WIDTHS = (1e-6, 1e-3, 0.02, 0.1, 0.3, 1.0, 10.0, 1e3, 1e6)
"""Standard deviations in cells."""

CORRELATIONS = (0.0, 0.5, 0.9, 0.999, 1 - 1e-6, 1 - 1e-12)

PLACES = ("inside", "edge", "corner", "outside", "far")
"""Of the mean: in the cell, on a face or a corner of it, a few cells or standard deviations beyond."""


def case(rng, d, extreme=True):
    """A random covariance (d, d) and mean (d,) in cells, and what kind it is."""
    while True:
        widths = rng.choice(WIDTHS if extreme else (0.3, 0.5, 1.0, 3.0, 10.0, 100.0), d)
        r = rng.choice(CORRELATIONS) if d > 1 else 0.0
        shape = rng.choice(("axes", "grey", "rotated")) if d > 1 else "axes"
        if shape == "axes":
            matrix = np.full((d, d), r) + (1 - r) * np.eye(d)
            signs = rng.choice((-1, 1), d)
            covariance = matrix * np.outer(widths * signs, widths * signs)
        else:
            turn = np.linalg.qr(rng.normal(size=(d, d)))[0]
            if shape == "grey":
                turn = np.linalg.qr(np.column_stack((np.ones(d), rng.normal(size=(d, d - 1)))))[0]
            covariance = turn @ np.diag(widths**2) @ turn.T
            covariance = (covariance + covariance.T) / 2
        try:
            conditional = np.array([float(row[i]) for i, row in enumerate(factor(covariance))])
        except ArithmeticError:
            continue
        if (conditional**2 > 1e-12 * np.diag(covariance)).all():  # else a correlation exceeds 1 - 1e-12
            break
    place = rng.choice(PLACES)
    mean = rng.uniform(-0.5, 0.5, d)
    if place in ("edge", "corner"):
        for axis in rng.permutation(d)[: 1 if place == "edge" else d]:
            mean[axis] = rng.choice((-0.5, 0.5))
    if place in ("outside", "far"):
        axis = rng.integers(d)
        reach = min(np.sqrt(covariance[axis, axis]), 1e3) * (30 if place == "far" else 3)
        mean[axis] = rng.choice((-1, 1)) * (0.5 + rng.uniform(0, 1) * reach)
    return covariance, mean, f"{shape}, {place}"
