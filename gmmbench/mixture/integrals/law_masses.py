"""Masses of colours where each point has a mixture of its own."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..array_types import Booleans, Floats
from ..distributions.arrays import HUGE, log_constant, root_rules
from ..parallel import in_pieces
from .careful_masses import Part, factored, mended
from .colour_masses import TRUNCATION, cube_error, gauss_panel
from .law_checks import checked_law, narrow_components, refuse_indefinite
from .log_masses import LogMasses


def law_masses(
    weights: ArrayLike,
    means: ArrayLike,
    covariances: ArrayLike,
    colours: ArrayLike,
    degrees: ArrayLike | None = None,
    cell: float = 1 / 256,
    threads: int | None = None,
) -> LogMasses:
    """Masses in the cell of each colour and in the cube of a mixture for each point: of `Predictor.law`.

    Args:
        weights: (n, m), >= 0, of positive sum; they are normalised.
        means: (n, m, 3); they, weights and colours may be broadcast along n.
        covariances: (n, m, 3, 3), or (m, 3, 3) or (1, m, 3, 3) for all points; scale matrices of t.
        colours: (n, 3), at the centres of their cells.
        degrees: of freedom, (n, m), (1, m) or (m,); None for Gaussians, infinity for a Gaussian among t.
        cell: side of a cell.
        threads: None for as many as this process may use; the result does not depend on it.

    Returns:
        The log masses of the cell around each colour and of [0, 1]^3, and their errors, nats. Accuracy is
        that of `colour_masses`; of a cell's mass at most TRUNCATION is left out, of the cube's nothing.

    Raises:
        ValueError: shapes that do not agree, NaN or infinity, weights that are negative or sum to 0,
            covariances that are not symmetric and positive definite, degrees that are not positive.
    """
    y, w = np.asarray(colours, np.float64), np.asarray(weights, np.float64)
    mu, spread = np.asarray(means, np.float64), np.asarray(covariances, np.float64)
    if spread.ndim == 3:
        spread = spread[None]
    n, m = len(y), w.shape[-1]
    fits = y.shape == (n, 3) and w.shape == (n, m) and mu.shape == (n, m, 3)
    if not (fits and spread.shape in ((n, m, 3, 3), (1, m, 3, 3))):
        raise ValueError(
            "expected weights (n, m), means (n, m, 3), covariances (n, m, 3, 3) or (m, 3, 3) and colours "
            f"(n, 3), got {w.shape}, {mu.shape}, {np.shape(covariances)} and {y.shape}"
        )
    df = None if degrees is None else np.atleast_2d(np.asarray(degrees, np.float64))
    if df is not None and df.shape not in ((n, m), (1, m)):
        raise ValueError(f"expected degrees > 0, (n, m), (1, m) or (m,), got {df.shape}")
    if not n:
        return LogMasses(*np.empty((3, 0)))
    spread = checked_law(w, mu, spread, df)
    df = None if df is None else np.minimum(df, HUGE)
    w = w / w.sum(axis=1, keepdims=True)
    narrow = narrow_components(spread, cell, df)
    refuse_indefinite(spread, narrow)
    narrow = narrow & (w > 0)
    fast = _fast_of_all(w, mu, spread, df, y, cell, narrow, threads)

    def part(rows: NDArray[np.intp]) -> Part:
        shared = len(spread) == 1
        table = factored(spread if shared else spread[rows], cell).table
        free = None if df is None else df if len(df) == 1 else df[rows]
        with np.errstate(divide="ignore"):
            return np.log(w[rows]), mu[rows] / cell, np.ones((len(rows), m)), table, free

    return mended(fast, narrow, part, y / cell, 1 / cell, cube_error(df), threads)


def _fast_of_all(
    w: Floats, mu: Floats, spread: Floats, df: Floats | None, y: Floats, cell: float, narrow: Booleans,
    threads: int | None,
) -> tuple[Floats, Floats]:  # fmt: skip
    """Log masses of the components that are not narrow; -inf at points that have no other."""
    if not narrow.any():
        return _fast(w, mu, spread, df, y, cell, threads)
    w = np.where(narrow, 0.0, w)
    share = w.sum(axis=1)
    some = np.flatnonzero(share > 0)
    out = np.full((2, len(w)), -np.inf)
    if len(some):
        shapes = spread if len(spread) == 1 else spread[some]
        free = df if df is None or len(df) == 1 else df[some]
        out[:, some] = _fast(w[some], mu[some], shapes, free, y[some], cell, threads)
        out += np.log(np.where(share > 0, share, 1.0))
    return out[0], out[1]


def _fast(
    w: Floats, mu: Floats, spread: Floats, degrees: Floats | None, y: Floats, cell: float,
    threads: int | None,
) -> tuple[Floats, Floats]:  # fmt: skip
    """`law_masses` where components are neither narrow nor flat and a cell is not deep in a tail."""
    from ..kernels.cells.law import make_law
    from ..kernels.cells.normal_cdf import PANEL
    from ..kernels.cells.quadrature import tables

    n, m = w.shape
    log_cell, log_cube = np.empty((2, n))
    student = degrees is not None
    df = np.ones((1, m)) if degrees is None else degrees
    constants = np.asarray(log_constant(df, 3)) if student else df
    distinct, which = np.unique(df, return_inverse=True)
    roots = root_rules(distinct)
    cut = float(np.log(TRUNCATION / m))
    rule, panel = tables(), gauss_panel(PANEL)
    kernel = make_law(student)

    def run(start: int, stop: int) -> None:
        kernel(
            w, mu, spread, df, constants, which.reshape(df.shape), *roots, y, cell, cut, *rule, *panel,
            log_cell, log_cube, start, stop,
        )  # fmt: skip

    in_pieces(run, n, threads)
    return log_cell, log_cube
