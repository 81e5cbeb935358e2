"""Densities and the masses of their cells by brute force: scipy's densities, and Gauss-Legendre nodes.

Nothing here imports gmmbench. Lengths are in pixels, colours in levels.
"""

import numpy as np
from scipy import stats
from scipy.special import logsumexp

NODES = 14
"""Gauss-Legendre nodes along a cell; no standard deviation is below 1 / sqrt(12) of a cell."""


def gaussians(weights, means, covariances):
    """Components as (weight, mean, matrix, degrees of freedom)."""
    return [(w, m, c, None) for w, m, c in zip(weights, means, covariances, strict=True)]


def students(weights, means, scales, degrees):
    return list(zip(weights, means, scales, degrees, strict=True))


def scaled(components, factors):
    """The same components in other units: each axis times its factor."""
    return [(w, m * factors, c * np.outer(factors, factors), df) for w, m, c, df in components]


def log_pdf(components, points):
    """log p at points (n, d), by scipy."""
    parts = [np.log(w) + _component(m, c, df).logpdf(points) for w, m, c, df in components]
    return logsumexp([np.reshape(part, len(points)) for part in parts], axis=0)


def _component(mean, matrix, degrees):
    if degrees is None:
        return stats.multivariate_normal(mean, matrix)
    return stats.multivariate_t(mean, matrix, degrees)


def nodes(dimension):
    """Nodes in the cell from -1/2 to 1/2 and their weights."""
    x, w = np.polynomial.legendre.leggauss(NODES)
    grid = np.stack(np.meshgrid(*[x / 2] * dimension, indexing="ij"), axis=-1).reshape(-1, dimension)
    weight = np.array([1.0])
    for _ in range(dimension):
        weight = np.outer(weight, w / 2).ravel()
    return grid, weight


def cell_masses(components, centres):
    """log of the mass in the unit cell round each centre (n, d)."""
    offsets, weight = nodes(centres.shape[1])
    return np.array([logsumexp(log_pdf(components, centre + offsets), b=weight) for centre in centres])


def interval_masses(components, low, high):
    """The mass of a density of one axis between low (n,) and high (n,)."""
    total = 0.0
    for w, m, c, df in components:
        law = stats.norm if df is None else stats.t(df)
        scale = np.sqrt(np.ravel(c)[0])
        total = total + w * _between(law, (low - m[0]) / scale, (high - m[0]) / scale)
    return total


def _between(law, low, high):
    """P(low < z < high) from the nearer tail, so that small masses keep their digits."""
    return np.where(low > 0, law.sf(low) - law.sf(high), law.cdf(high) - law.cdf(low))


def given(components, known, values):
    """The components of the remaining columns, given values of the known ones (first ones)."""
    rest = [column for column in range(len(components[0][1])) if column not in known]
    out, log_shares = [], []
    for w, m, c, df in components:
        within, across = c[np.ix_(known, known)], c[np.ix_(known, rest)]
        line = np.linalg.solve(within, across).T
        away = values - m[known]
        mean, matrix = m[rest] + line @ away, c[np.ix_(rest, rest)] - line @ across
        log_shares.append(np.log(w) + _component(m[known], within, df).logpdf(values))
        if df is not None:
            far = away @ np.linalg.solve(within, away)
            matrix = matrix * (df + far) / (df + len(known))
        out.append((mean, (matrix + matrix.T) / 2, df and df + len(known)))
    shares = np.exp(np.array(log_shares) - logsumexp(log_shares))
    return [(s, *rest) for s, rest in zip(shares, out, strict=True)]


def mean_of(components):
    return sum(w * m for w, m, _, _ in components)


def box_mass(components, low, high):
    """The mass in the cube from low to high along three axes, one axis after another.

    The innermost axis by scipy's cdf; the outer two by panels of Gauss-Legendre nodes in asinh of the
    standardised axis, narrow near the mean and wide in the tails.
    """
    return sum(w * _box(m, c, df, low, high) for w, m, c, df in components if w > 1e-14)


PANELS = 26


def _panels(low, high):
    """Nodes between low and high, broadcast, and their weights: (..., PANELS * 8)."""
    low, high = np.arcsinh(low)[..., None, None], np.arcsinh(high)[..., None, None]
    x, w = np.polynomial.legendre.leggauss(8)
    edges = np.arange(PANELS)[:, None]
    width = (high - low) / PANELS
    v = low + width * (edges + (x + 1) / 2)
    weight = width * w / 2 * np.cosh(v)
    return np.sinh(v).reshape(*v.shape[:-2], -1), weight.reshape(*v.shape[:-2], -1)


def _box(mean, matrix, df, low, high):
    (a, _, _), (b, c, _), (d, e, f) = np.linalg.cholesky(matrix)
    first, second, third = (
        (stats.norm,) * 3 if df is None else (stats.t(df), stats.t(df + 1), stats.t(df + 2))
    )
    u, weight = _panels(np.array((low - mean[0]) / a), np.array((high - mean[0]) / a))
    density = weight * first.pdf(u)
    keep = density > 1e-18
    u, density = u[keep], density[keep]
    # A t's next axis is spread by what the last one was off.
    spread = 1.0 if df is None else np.sqrt((df + u**2) / (df + 1))
    v, inner = _panels((low - mean[1] - b * u) / c / spread, (high - mean[1] - b * u) / c / spread)
    spread = np.broadcast_to(spread, u.shape)[:, None]
    density = density[:, None] * inner * second.pdf(v)
    further = 1.0 if df is None else np.sqrt((df + 1 + v**2) / (df + 2))
    middle = mean[2] + d * u[:, None] + e * spread * v
    scale = f * spread * further
    return float((density * _between(third, (low - middle) / scale, (high - middle) / scale)).sum())
