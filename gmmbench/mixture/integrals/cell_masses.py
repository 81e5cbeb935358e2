"""Masses of mixtures of Gaussians and of Student's t in the cells of a lattice, and of levels."""

from __future__ import annotations

import numpy as np
from scipy.special import ndtr, stdtr

from ..array_types import Floats
from ..distributions.arrays import AnyMixture, law_of, normaliser
from ..distributions.student import StudentMixture
from ..parallel import in_pieces

NEGLECT = 1e-10
"""Largest share of any cell's mass that is left out."""

FINER = 2
"""Nodes more than an error of 1e-4 of a cell asks for: of Gaussians in the plane they leave about 1e-7."""

CHUNK = 1 << 22
"""Entries of a (components, levels) array held at once."""


def cell_masses(
    mixture: AnyMixture, height: int, width: int, cell: float, threads: int | None = None
) -> Floats:
    """Mass of every cell: (height, width); columns of the mixture are x (to the right) and y (down).

    Along the axis of smaller standard deviation each Gaussian is integrated exactly by the error
    function, along the other by 4 to 8 Gauss-Legendre nodes a cell, as many as its width needs; a
    diagonal covariance is exact along both. Components of a Student mixture have such nodes along both
    axes. Standard deviations (of a Gaussian along an axis with the other fixed) are to be at least a
    quarter of a cell: a floor of cell^2 / 12 sees to that; down to a twentieth there are more nodes.

    What is left out is at most NEGLECT of each cell's own mass, wherever it lies and however heavy the
    tails; masses below 1e-280 may be 0.

    Args:
        mixture: a `Mixture` or a `StudentMixture` of two columns.
        height, width: cells down and across; the first cell's corner is the origin.
        cell: side of a cell, in the units of the points.
        threads: None for as many as this process may use; the result does not depend on it.

    Raises:
        ValueError: the mixture has not two columns.
    """
    from ..kernels.cells.plane import TILE, make_cells
    from ..kernels.cells.quadrature import tables

    if mixture.means.shape[1] != 2:
        raise ValueError(f"expected a mixture of 2 columns, got {mixture.means.shape[1]}")
    if isinstance(mixture, StudentMixture) and mixture.independent:
        return _product(mixture, height, width, cell)
    spread, degrees = law_of(mixture)
    means, spread = mixture.means / cell, spread / cell**2
    rows = normaliser(mixture.weights, means, spread, degrees)
    student = degrees is not None
    shapes = np.zeros((1, 8)) if student else _shapes(mixture.weights, means, spread)
    columns = np.ascontiguousarray(rows.T)
    cut = float(np.log(NEGLECT / len(rows)))
    nodes, weights = tables()
    out = np.zeros((height, width))
    kernel = make_cells(student)

    def run(start: int, stop: int) -> None:
        kernel(rows, columns, shapes, cut, nodes, weights, out, start, stop)

    in_pieces(run, -(-height // TILE) * -(-width // TILE), threads)
    return out


def _product(mixture: StudentMixture, height: int, width: int, cell: float) -> Floats:
    """Of components with independent axes: the products of the masses along each, exact."""
    sd = np.sqrt(np.diagonal(mixture.scales, axis1=1, axis2=2))
    along = [
        t_masses(mixture.degrees, (np.arange(n + 1)[:, None] * cell - mixture.means[:, axis]) / sd[:, axis])
        for axis, n in ((0, width), (1, height))
    ]
    return np.asarray((along[1] * mixture.weights) @ along[0].T)


def t_masses(degrees: Floats, edges: Floats) -> Floats:
    """Masses of standard t of degrees (K,) between edges (n + 1, K): (n, K), exact in both tails."""
    right = edges[:-1] > 0
    low, high = np.where(right, -edges[1:], edges[:-1]), np.where(right, -edges[:-1], edges[1:])
    return np.asarray(stdtr(degrees, high) - stdtr(degrees, low))


def _shapes(weights: Floats, means: Floats, spread: Floats) -> Floats:
    """What `kernels.cells.plane` reads of each Gaussian: (K, 8)."""
    from ..kernels.cells.quadrature import MOST, WIDTHS

    every = np.arange(len(weights))
    variance = np.diagonal(spread, axis1=1, axis2=2)
    narrow = (variance[:, 1] < variance[:, 0]).astype(int)  # the axis of the error function
    wide = 1 - narrow
    slope = spread[:, 0, 1] / variance[every, wide]
    left = np.sqrt(variance[every, narrow] - slope * spread[:, 0, 1])
    sd = np.sqrt(variance[every, wide])
    along = sd * left / np.sqrt(variance[every, narrow])  # with the other coordinate fixed
    nodes = np.full(len(weights), MOST)
    for width, n in reversed(WIDTHS):
        nodes[along >= width] = n
    nodes = np.minimum(nodes + FINER, MOST)
    nodes[spread[:, 0, 1] == 0] = 0
    return np.column_stack(
        (weights, narrow, means[every, wide], sd, slope, 1 / left, nodes, means[every, narrow])
    )


def level_masses(mixture: AnyMixture, levels: int = 256) -> Floats:
    """Mass of every cell [c, c + 1) / levels of one column: (levels,).

    Differences of distribution functions, right of a component's mean of survival functions, so that
    tails keep their digits.

    Raises:
        ValueError: the mixture has not one column.
    """
    if mixture.means.shape[1] != 1:
        raise ValueError(f"expected a mixture of 1 column, got {mixture.means.shape[1]}")
    spread, degrees = law_of(mixture)
    edges = np.arange(levels + 1) / levels
    out = np.zeros(levels)
    rows = max(1, CHUNK // (levels + 1))
    for start in range(0, len(mixture.weights), rows):
        part = slice(start, start + rows)
        z = (edges - mixture.means[part]) / np.sqrt(spread[part, 0])
        tail = ndtr(-abs(z)) if degrees is None else stdtr(degrees[part, None], -abs(z))
        a, b = tail[:, :-1], tail[:, 1:]
        mass = np.where((z[:, :-1] < 0) & (z[:, 1:] > 0), 1 - a - b, abs(a - b))
        out += mixture.weights[part] @ mass
    return out
