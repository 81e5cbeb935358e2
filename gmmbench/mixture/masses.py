"""Masses of a two-dimensional mixture in the cells of a lattice."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr

from .mixture import Mixture

Floats = NDArray[np.float64]

NODES = 4
"""Gauss-Legendre nodes in a cell along the wider axis: at a width of 0.29 cells, which the floor
guarantees, they err by less than 1e-3 nats."""

REACH = 7.0
"""Standard deviations beyond which a component's mass, below 1e-11 of it, is left out."""


def cell_masses(mixture: Mixture, height: int, width: int, cell: float) -> Floats:
    """Mass of every cell: (height, width); columns of the mixture are x (to the right) and y (down).

    Along the axis of smaller standard deviation each component is integrated exactly by the error
    function, along the other by Gauss-Legendre; a diagonal covariance is exact along both.

    Raises:
        ValueError: the mixture has not two columns.
    """
    if mixture.dimension != 2:
        raise ValueError(f"expected a mixture of 2 columns, got {mixture.dimension}")
    out = np.zeros((height, width))
    sides = np.array([width, height])
    nodes, node_weights = np.polynomial.legendre.leggauss(NODES)
    for weight, mean, covariance in zip(
        mixture.weights, mixture.means / cell, mixture.covariances / cell**2, strict=True
    ):
        sd = np.sqrt(np.diag(covariance))
        first = np.clip(np.floor(mean - REACH * sd), 0, sides).astype(int)
        last = np.clip(np.ceil(mean + REACH * sd), 0, sides).astype(int)
        if (first >= last).any() or weight == 0:
            continue
        edges = [np.arange(first[axis], last[axis] + 1) for axis in (0, 1)]
        if covariance[0, 1] == 0:
            along_x, along_y = (np.diff(ndtr((edges[a] - mean[a]) / sd[a])) for a in (0, 1))
            mass = along_y[:, None] * along_x
        else:
            narrow = int(sd[1] < sd[0])  # the axis of the error function
            mass = _sheared(mean, covariance, edges, narrow, nodes, node_weights)
        out[first[1] : last[1], first[0] : last[0]] += weight * mass
    return out


def _sheared(
    mean: Floats,
    covariance: Floats,
    edges: list[NDArray[np.int64]],
    narrow: int,
    nodes: Floats,
    node_weights: Floats,
) -> Floats:
    """Masses of a correlated component in cells between edges: (cells down, cells across)."""
    wide = 1 - narrow
    sd = np.sqrt(covariance[wide, wide])
    slope = covariance[narrow, wide] / covariance[wide, wide]
    left = np.sqrt(covariance[narrow, narrow] - slope * covariance[narrow, wide])
    at = edges[wide][:-1, None] + (nodes + 1) / 2 - mean[wide]  # (cells along wide, nodes)
    density = np.exp(-0.5 * (at / sd) ** 2) / (sd * np.sqrt(2 * np.pi)) * node_weights / 2
    centres = mean[narrow] + slope * at
    steps = np.diff(ndtr((edges[narrow] - centres[..., None]) / left), axis=-1)
    mass = np.einsum("wn,wne->we", density, steps)
    return np.asarray(mass if narrow == 0 else mass.T)
