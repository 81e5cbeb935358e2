"""Masses of mixtures of Gaussians and of Student's t in the cells of a lattice, and of levels."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from scipy.special import ndtr, stdtr

from ..array_types import Booleans, Floats
from ..distributions.arrays import AnyMixture, law_of, normaliser
from ..distributions.exact_factors import pivoted_factors
from ..distributions.student import StudentMixture
from ..parallel import in_pieces
from .law_checks import FLAT

TRUNCATION = 1e-10
"""Largest share of any cell's mass that is left out."""

NARROW, NARROW_T = 0.12, 0.2
"""Conditional standard deviation in cells below which the nodes do not hold: of a Gaussian along the axis of
its nodes, of a t along either axis."""

NEAR_POLE = 0.3
"""The same of a t's conditional scale times the root of its degrees: its density has a pole so far away."""

ERROR = 5e-5
"""Nats by which the nodes err at most in a cell, where it is no deeper than DEEP."""

DEEP = 40.0
"""Nats below 1 to which the nodes hold; smaller masses have the error infinity."""

TINY = float(np.exp(-DEEP))
"""Mass by which a cell that is deeper may err."""

FINER = 2
"""Nodes more than an error of 1e-4 of a cell asks for: of Gaussians in the plane they leave about 1e-7."""

CHUNK = 1 << 22
"""Entries of a (components, levels) array held at once."""


class CellMasses(NamedTuple):
    """Masses in the cells of a lattice.

    Attributes:
        values: (H, W).
        error: (H, W) estimates of their errors, nats; infinity where a mass is not known.
    """

    values: Floats
    error: Floats


def cell_masses(
    mixture: AnyMixture, height: int, width: int, cell: float, threads: int | None = None
) -> Floats:
    """Mass of every cell: (height, width); columns of the mixture are x (to the right) and y (down).

    Along the axis of smaller standard deviation each Gaussian is integrated exactly by the error
    function, along the other by 4 to 16 Gauss-Legendre nodes a cell, as many as its width needs; a
    diagonal covariance is exact along both. Components of a Student mixture have such nodes along both
    axes. Components that are narrower or flatter than nodes can follow are integrated by conditioning
    (`kernels.cells.strip`), for any covariance.

    What is left out is at most TRUNCATION of each cell's own mass, wherever it lies and however heavy the
    tails; masses below 1e-280 may be 0.

    Args:
        mixture: a `Mixture` or a `StudentMixture` of two columns.
        height, width: cells down and across; the first cell's corner is the origin.
        cell: side of a cell, in the units of the points.
        threads: None for as many as this process may use; the result does not depend on it.

    Raises:
        ValueError: the mixture has not two columns, or a matrix is not positive definite.
    """
    return estimated_cell_masses(mixture, height, width, cell, threads).values


def estimated_cell_masses(
    mixture: AnyMixture, height: int, width: int, cell: float, threads: int | None = None
) -> CellMasses:
    """`cell_masses` with their errors."""
    if mixture.means.shape[1] != 2:
        raise ValueError(f"expected a mixture of 2 columns, got {mixture.means.shape[1]}")
    if isinstance(mixture, StudentMixture) and mixture.independent:
        values = _product(mixture, height, width, cell)
        return CellMasses(values, np.zeros_like(values))
    spread, degrees = law_of(mixture)
    some = mixture.weights > 0
    narrow = _narrow(spread, cell, degrees) & some
    wide = some & ~narrow
    values, error = np.zeros((2, height, width))
    if wide.any():
        free = None if degrees is None else degrees[wide]
        _fast(mixture.weights[wide], mixture.means[wide], spread[wide], free, cell, values, threads)
        error[:] = np.where(values >= np.exp(-DEEP), ERROR, np.inf)
    if narrow.any():
        free = None if degrees is None else degrees[narrow]
        _careful(
            mixture.weights[narrow], mixture.means[narrow], spread[narrow], free, cell, values, error, threads
        )
    return CellMasses(values, error)


def _fast(
    weights: Floats, means: Floats, spread: Floats, degrees: Floats | None, cell: float, out: Floats,
    threads: int | None,
) -> None:  # fmt: skip
    """Write the masses of components that are neither narrow nor flat to out (H, W)."""
    from ..kernels.cells.plane import TILE, make_cells
    from ..kernels.cells.quadrature import tables

    means, spread = means / cell, spread / cell**2
    rows = normaliser(weights, means, spread, degrees)
    student = degrees is not None
    shapes = np.zeros((1, 8)) if student else _shapes(weights, means, spread)
    columns = np.ascontiguousarray(rows.T)
    cut = float(np.log(TRUNCATION / len(rows)))
    nodes, shares = tables()
    kernel = make_cells(student)

    def run(start: int, stop: int) -> None:
        kernel(rows, columns, shapes, cut, nodes, shares, out, start, stop)

    in_pieces(run, -(-out.shape[0] // TILE) * -(-out.shape[1] // TILE), threads)


def _careful(
    weights: Floats, means: Floats, spread: Floats, degrees: Floats | None, cell: float,
    values: Floats, error: Floats, threads: int | None,
) -> None:  # fmt: skip
    """Add the masses of narrow and of flat components to values (H, W), and mend the errors."""
    from ..kernels.cells.careful_plane import make_careful_plane
    from ..kernels.cells.strip import panel_rule

    factors, order = pivoted_factors(spread)
    if not np.isfinite(factors).all():
        raise ValueError("expected positive definite covariances; try a larger covariance floor")
    scale = np.diagonal(factors, axis1=1, axis2=2)
    slope = factors[:, 1, 0] / scale[:, 1]
    table = np.ascontiguousarray(np.column_stack((order, cell / scale, slope)))
    free = np.zeros(len(weights)) if degrees is None else np.ascontiguousarray(degrees)
    log_weights, means = np.log(weights), np.ascontiguousarray(means / cell)
    kernel, rule, cut = make_careful_plane(), panel_rule(), float(np.log(TRUNCATION / len(weights)))
    before, mistakes = values.copy(), np.zeros_like(values)

    def run(start: int, stop: int) -> None:
        kernel(log_weights, means, table, free, cut, rule, values, mistakes, start, stop)

    in_pieces(run, len(values), threads)
    with np.errstate(divide="ignore", invalid="ignore"):
        known = np.where(np.isinf(error), TINY, before * error)
        mended = (known + mistakes) / values
    error[:] = np.where(values > 0, mended, np.inf)


def _narrow(spread: Floats, cell: float, degrees: Floats | None) -> Booleans:
    """Which components (K,) the nodes do not hold for."""
    variance = np.diagonal(spread, axis1=1, axis2=2)
    with np.errstate(invalid="ignore", divide="ignore", over="ignore"):
        flat = np.sqrt(1 - spread[:, 0, 1] ** 2 / (variance[:, 0] * variance[:, 1]))
        along = flat[:, None] * np.sqrt(variance) / cell
    if degrees is not None:
        least = np.maximum(NARROW_T, NEAR_POLE / np.sqrt(degrees))
        return ~((flat >= FLAT) & (along.min(axis=1) >= least))
    return ~((flat >= FLAT) & (along.max(axis=1) >= NARROW) | (spread[:, 0, 1] == 0))


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
    from ..kernels.cells.plane import FARTHEST
    from ..kernels.cells.quadrature import MOST, STEEP, WIDTHS

    every = np.arange(len(weights))
    variance = np.diagonal(spread, axis1=1, axis2=2)
    narrow = (variance[:, 1] < variance[:, 0]).astype(int)  # the axis of the error function
    wide = 1 - narrow
    slope = spread[:, 0, 1] / variance[every, wide]
    left = np.sqrt(variance[every, narrow] - slope * spread[:, 0, 1])
    sd = np.sqrt(variance[every, wide])
    along = sd * left / np.sqrt(variance[every, narrow])  # with the other coordinate fixed
    nodes, limit = np.full((2, len(weights)), MOST)
    for width, n in reversed(WIDTHS):
        nodes[along >= width] = n
    nodes += FINER
    for steep, n in STEEP[::-1]:
        limit = np.where(along * steep >= FARTHEST**0.5, n, limit)
    nodes = np.minimum(np.maximum(nodes, limit), MOST)
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
