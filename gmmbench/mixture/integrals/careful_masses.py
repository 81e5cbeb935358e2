"""Masses of colours where the fast integrals do not hold: narrow, steep and nearly singular components."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from ..array_types import Booleans, Floats
from ..distributions.exact_factors import pivoted_factors
from ..parallel import in_pieces
from .log_masses import LogMasses, log_masses

LEFT_OUT = 1e-7
"""Largest share of a mass that is left out."""

DEEP = 60.0
"""Nats below 1 from which on a cell's fast integral does not hold."""

CELL_ERROR = 9e-5
"""Nats by which the fast integral of a cell errs at most, where it holds."""

CUBE_ERROR = 1e-5
"""Nats by which the fast integral of the cube may err; where it may err by more it is done again."""

PAIRS = 1 << 19
"""Pairs of a point and a component whose laws are held at once."""

Part: TypeAlias = tuple[Floats, Floats, Floats, Floats, Floats | None]
"""log weights, means, stretch, table and degrees of some points: see `careful_masses`."""


class Factored(NamedTuple):
    """Gaussians or t of three columns given others, factored so that no digit is lost.

    Attributes:
        table: (..., 9), what `kernels.cells.careful_colours` reads of each component.
        known: (..., c, c) lower Cholesky factors of the c known columns.
        across: (..., 3, c), so that the mean of the three is m + across u, where known u = x - m.
    """

    table: Floats
    known: Floats
    across: Floats


def factored(covariances: Floats, cell: float, known: int = 0) -> Factored:
    """The factors of covariances (..., known + 3, known + 3); the last three columns are cut into cells.

    They are factored in their own units: dividing a nearly singular matrix by cell^2 would round it.

    Raises:
        ValueError: a matrix is not positive definite.
    """
    factors, order = pivoted_factors(covariances, known)
    if not np.isfinite(factors).all():
        raise ValueError("expected positive definite covariances")
    inner, axes = factors[..., known:, known:], order[..., known:] - known
    scale = np.diagonal(inner, axis1=-2, axis2=-1)
    slopes = [inner[..., i, j] / scale[..., i] for i, j in ((1, 0), (2, 0), (2, 1))]
    table = np.concatenate((axes, cell / scale, np.stack(slopes, axis=-1)), axis=-1)
    across = np.empty_like(factors[..., known:, :known])
    np.put_along_axis(across, axes[..., None], factors[..., known:, :known], axis=-2)
    return Factored(np.ascontiguousarray(table), factors[..., :known, :known], across / cell)


def careful_masses(
    log_weights: Floats,
    means: Floats,
    stretch: Floats,
    table: Floats,
    degrees: Floats | None,
    boxes: tuple[Floats, Floats],
    known: tuple[Floats, Floats] | None = None,
    threads: int | None = None,
) -> tuple[Floats, Floats]:
    """log masses of boxes, and estimates of their errors, in nats.

    Each component is integrated by conditioning (`kernels.cells.strip`): for any covariance, and with all
    digits in the tails. The errors are those of the quadrature and of rounding; infinity where a mass is
    too small to be told.

    Args:
        log_weights: (n, m), normalised; -inf leaves a component out.
        means: (n, m, 3) in cells.
        stretch: (n, m), by which the standard deviations of `table` grow.
        table: (n, m, 9) or (1, m, 9) of `factored`.
        degrees: of freedom, (n, m) or (1, m), 0 for a Gaussian; None for Gaussians.
        boxes: the low and the high corners, (n, 3) each, in cells.
        known: (n,) a log mass that belongs to the box besides, -inf for none, and (n,) its error.

    Returns:
        (n,) masses and (n,) errors.
    """
    from ..kernels.cells.careful_colours import make_careful
    from ..kernels.cells.strip import panel_rule

    n, m = log_weights.shape
    free = np.zeros((1, m)) if degrees is None else np.ascontiguousarray(degrees, np.float64)
    before = np.column_stack(known if known is not None else (np.full(n, -np.inf), np.zeros(n)))
    out, errors = np.empty((2, n))
    arrays = [np.ascontiguousarray(a, np.float64) for a in (log_weights, means, stretch, table)]
    corners = [np.ascontiguousarray(np.broadcast_to(a, (n, 3)), np.float64) for a in boxes]
    kernel, rule, cut = make_careful(), panel_rule(), float(np.log(LEFT_OUT / m))

    def run(start: int, stop: int) -> None:
        kernel(*arrays, free, *corners, before, cut, rule, out, errors, start, stop)

    in_pieces(run, n, threads)
    return out, errors


def mended(
    fast: tuple[Floats, Floats],
    narrow: Booleans,
    part: Callable[[NDArray[np.intp]], Part],
    colours: Floats,
    side: float,
    absolute: float,
    threads: int | None,
) -> LogMasses:
    """The masses of all components, from those of the fast integrals without the narrow components.

    What is too deep in a tail for the fast integrals is integrated again.

    Args:
        fast: (n,) log masses of the cells and of the cube, of the components that are not narrow; -inf where
            there is none.
        narrow: (n or 1, m), which components are missing in `fast`.
        part: gives what `careful_masses` takes, of all components at these points.
        colours: (n, 3) in cells. side: of the cube, in cells.
        absolute: error of the fast integral of the cube.
    """
    log_cell, log_cube = fast
    some = np.broadcast_to(narrow.any(axis=1), log_cell.shape)
    error = np.full(len(log_cell), CELL_ERROR)
    cube_error = absolute * np.exp(-np.maximum(log_cube, np.log(absolute)))

    def integrate(value: Floats, errors: Floats, least: float, boxes: tuple[Floats, Floats]) -> None:
        anew = value < least
        rows = np.flatnonzero(anew | some)
        step = max(1, PAIRS // narrow.shape[1])
        for start in range(0, len(rows), step):
            at = rows[start : start + step]
            log_weights, means, stretch, table, degrees = part(at)
            wanted = anew[at, None] | (narrow if len(narrow) == 1 else narrow[at])
            log_weights = np.where(wanted, log_weights, -np.inf)
            known = np.where(anew[at], -np.inf, value[at]), errors[at]
            corners = boxes[0][at], boxes[1][at]
            value[at], errors[at] = careful_masses(
                log_weights, means, stretch, table, degrees, corners, known, threads
            )

    every = np.broadcast_to(np.zeros(3), colours.shape), np.broadcast_to(np.full(3, side), colours.shape)
    integrate(log_cell, error, -DEEP, (colours - 0.5, colours + 0.5))
    integrate(log_cube, cube_error, float(np.log(absolute / CUBE_ERROR)), every)
    return log_masses(log_cell, log_cube, error + cube_error)
