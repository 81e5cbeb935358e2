"""Masses that a law of three columns has in a cell around a colour and in the cube of all colours."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import logsumexp, ndtr, stdtrit

from ..array_types import Floats
from ..distributions.arrays import HUGE, AnyMixture, law_of, log_constant, normaliser, root_rules
from ..distributions.student import StudentMixture
from ..em.blocks import Blocks, arrange_quickly
from ..parallel import in_pieces
from .cell_masses import t_masses

NEGLECT = 1e-9
"""Largest share that is left out of a density of positions, and, separately, of a cell's mass."""


def colour_masses(
    mixture: AnyMixture,
    positions: ArrayLike,
    colours: ArrayLike,
    cell: float = 1 / 256,
    threads: int | None = None,
) -> tuple[Floats, Floats]:
    """Masses of p(r, g, b | x, y) in the cell around each colour and in the cube [0, 1]^3, as logs.

    p(c | x) = sum_k r_k(x) N(c; m_k(x), S_k) with r_k(x) proportional to w_k N(x; m_xk, S_xxk) (Bishop
    2006, eqs. 2.81-2.82), or the t with df + 2 degrees of freedom and scale S_k (df + q) / (df + 2), q being
    the squared distance of x (P. Ding 2016, On the conditional distribution of the multivariate t). A cell
    is [c - cell/2, c + cell/2)^3.

    What is bounded: the components left out have at most NEGLECT of p(x, y) at each position, which is all
    that log_cube needs; and those left out of log_cell have at most NEGLECT of *that cell's own* mass,
    however unlikely the colour, for they are listed by a bound of their mass in the cells, not by their
    responsibility. A cell's integral is exact for diagonal conditional covariances and else by 2 to 6
    Gauss-Legendre nodes an axis where its density is not steep, more where it is; it errs by less than
    1e-4 within five standard deviations, given the floor of cell^2 / 12. The cube's mass errs by 1e-6.

    Args:
        mixture: a `Mixture` or a `StudentMixture` over x, y, r, g, b.
        positions: (n, 2).
        colours: (n, 3), at the centres of their cells.
        cell: side of a cell.
        threads: None for as many as this process may use; the result does not depend on it.

    Returns:
        log_cell (n,) and log_cube (n,), nats.

    Raises:
        ValueError: the mixture has not five columns, or shapes do not agree.
    """
    from ..kernels.cells.colours import make_colour
    from ..kernels.cells.normal_cdf import PANEL
    from ..kernels.cells.quadrature import tables

    if mixture.means.shape[1] != 5:
        raise ValueError(f"expected a mixture of 5 columns, got {mixture.means.shape[1]}")
    x, y = _two(positions, colours)
    if not len(x):
        return np.empty(0), np.empty(0)
    if isinstance(mixture, StudentMixture) and mixture.independent:
        return _independent(mixture, x, y, cell)
    spread, degrees = law_of(mixture)
    units = np.array([1, 1, 1 / cell, 1 / cell, 1 / cell])
    means, spread = mixture.means * units, spread * np.outer(units, units)
    rows = normaliser(mixture.weights, means, spread, degrees)
    marginal = normaliser(mixture.weights, means[:, :2], spread[:, :2, :2], degrees)[:, 0].copy()
    laws = _laws(spread, rows, degrees)
    columns = np.ascontiguousarray(rows.T)
    blocks, points, centre, half = _blocks(x, y / cell)
    cut = float(np.log(NEGLECT / len(rows)))
    log_cell, log_cube = np.empty((2, len(points), points.shape[2]))
    rule, panel = tables(), _panel(PANEL)
    roots = root_rules(np.full(1, HUGE) if degrees is None else degrees + 2)
    if degrees is None:
        roots = roots[0].repeat(len(rows), axis=0), roots[1].repeat(len(rows), axis=0)
    kernel = make_colour(degrees is not None)

    def run(start: int, stop: int) -> None:
        kernel(
            points, centre, half, rows, columns, laws, marginal, *roots, 1 / cell, cut, *rule, *panel,
            log_cell, log_cube, start, stop,
        )  # fmt: skip

    in_pieces(run, len(points), threads)
    cube = np.minimum(blocks.scatter(log_cube), 0.0)
    return np.asarray(blocks.scatter(log_cell), np.float64), np.asarray(cube, np.float64)


def _independent(mixture: StudentMixture, x: Floats, y: Floats, cell: float) -> tuple[Floats, Floats]:
    """`colour_masses` where the columns are independent within a component: x, y choose it, no more.

    Colours lie at the centres of cells, so the masses of all cells are a table of each component's axes.
    """
    levels = round(1 / cell)
    sd = np.sqrt(np.diagonal(mixture.scales, axis1=1, axis2=2))
    edges = np.arange(levels + 1) * cell
    cells = np.empty((3, levels, mixture.n_components))
    for axis in range(3):
        at = (edges[:, None] - mixture.means[:, 2 + axis]) / sd[:, 2 + axis]
        cells[axis] = t_masses(mixture.degrees, at)
    with np.errstate(divide="ignore"):
        table, cube = np.log(cells), np.log(cells.sum(axis=1).prod(axis=0))
    place = np.clip(np.rint(y / cell - 0.5).astype(np.intp), 0, levels - 1)
    log_cell, log_cube = np.empty((2, len(x)))
    for rows, joint in mixture.marginal((0, 1))._joints(x):
        share = joint - logsumexp(joint, axis=1, keepdims=True)
        own = sum(table[axis][place[rows, axis]] for axis in range(3))
        log_cell[rows] = logsumexp(share + own, axis=1)
        log_cube[rows] = logsumexp(share + cube, axis=1)
    return log_cell, np.minimum(log_cube, 0.0)


def _two(positions: ArrayLike, colours: ArrayLike) -> tuple[Floats, Floats]:
    x, y = np.asarray(positions, np.float64), np.asarray(colours, np.float64)
    if x.ndim != 2 or x.shape[1] != 2 or y.shape != (len(x), 3):
        raise ValueError(f"expected positions (n, 2) and colours (n, 3), got {x.shape} and {y.shape}")
    return x, y


def _panel(nodes: int) -> tuple[Floats, Floats]:
    x, w = np.polynomial.legendre.leggauss(nodes)
    return (x + 1) / 2, w / 2


def _blocks(x: Floats, y: Floats) -> tuple[Blocks, Floats, Floats, Floats]:
    """Blocks of positions; their five coordinates an axis at a time; boxes around them and their cells."""
    from ..kernels.densities import BLOCK
    from ..kernels.sweep import FAMILY

    blocks = arrange_quickly(x, np.ones(len(x)), "float64", BLOCK, FAMILY)
    sorted_y = np.empty((len(blocks.x) * BLOCK, 3))
    sorted_y[: len(y)] = y[blocks.order]
    sorted_y[len(y) :] = y[blocks.order[-1]]
    inner = sorted_y.reshape(-1, BLOCK, 3).transpose(0, 2, 1)
    points = np.ascontiguousarray(np.concatenate((blocks.x, inner), axis=1))
    low, high = points.min(axis=2), points.max(axis=2)
    low[:, 2:] -= 0.5
    high[:, 2:] += 0.5
    return blocks, points, (low + high) / 2, (high - low) / 2 * (1 + 1e-12)


def _laws(spread: Floats, rows: Floats, degrees: Floats | None) -> Floats:
    """Of each component, given x and y: sd (3), correlations (3), gain (3, 2), A by rows (6), reach (1)."""
    from ..kernels.cells.cube import FAR

    gain = np.swapaxes(np.linalg.solve(spread[:, :2, :2], spread[:, :2, 2:]), 1, 2)
    left = spread[:, 2:, 2:] - gain @ spread[:, :2, 2:]
    inner = rows[:, [12, 15, 16, 19, 20, 21]]
    far = np.full(len(rows), FAR) if degrees is None else -stdtrit(degrees + 2, ndtr(-FAR))
    return np.ascontiguousarray(
        np.concatenate((_scales(left), gain.reshape(-1, 6), inner, far[:, None]), axis=1)
    )


def _scales(spread: Floats) -> Floats:
    """Standard deviations and the correlations of axes 0 1, 0 2 and 1 2: (..., 6)."""
    sd = np.sqrt(np.diagonal(spread, axis1=-2, axis2=-1))
    pairs = np.stack(
        [spread[..., i, j] / (sd[..., i] * sd[..., j]) for i, j in ((0, 1), (0, 2), (1, 2))], axis=-1
    )
    return np.concatenate((sd, pairs), axis=-1)


def law_masses(
    weights: ArrayLike,
    means: ArrayLike,
    covariances: ArrayLike,
    colours: ArrayLike,
    degrees: ArrayLike | None = None,
    cell: float = 1 / 256,
    threads: int | None = None,
) -> tuple[Floats, Floats]:
    """The same masses where each point has a mixture of its own: what `Predictor.law` returns.

    Args:
        weights: (n, m), >= 0, of positive sum; they are normalised.
        means: (n, m, 3); they, weights and colours may be broadcast along n.
        covariances: (n, m, 3, 3), or (m, 3, 3) or (1, m, 3, 3) for all points; scale matrices of t.
        colours: (n, 3), at the centres of their cells.
        degrees: of freedom, (n, m), (1, m) or (m,); None for Gaussians, infinity for a Gaussian among t.
        cell: side of a cell.
        threads: None for as many as this process may use; the result does not depend on it.

    Returns:
        log_cell (n,) and log_cube (n,), nats: of the cell around each colour, and of [0, 1]^3. Accuracy is
        that of `colour_masses`; of a cell's mass at most NEGLECT is left out, of the cube's nothing.

    Raises:
        ValueError: shapes that do not agree, weights that are negative or sum to 0 or are not finite,
            covariances that are not positive definite, degrees that are not positive.
    """
    from ..kernels.cells.law import make_law
    from ..kernels.cells.normal_cdf import PANEL
    from ..kernels.cells.quadrature import tables

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
    if not ((w >= 0).all() and (w.sum(axis=1) > 0).all() and np.isfinite(w).all()):
        raise ValueError("expected finite weights >= 0 of positive sum for every colour")
    if not n:
        return np.empty(0), np.empty(0)
    log_cell, log_cube = np.empty((2, n))
    student = degrees is not None
    df = np.ones((1, m)) if degrees is None else np.atleast_2d(np.asarray(degrees, np.float64))
    if df.shape not in ((n, m), (1, m)) or not (df > 0).all():
        raise ValueError(f"expected degrees > 0, (n, m), (1, m) or (m,), got {df.shape}")
    df = np.minimum(df, HUGE)
    constants = np.asarray(log_constant(df, 3)) if student else df
    distinct, which = np.unique(df, return_inverse=True)
    roots = root_rules(distinct)
    cut = float(np.log(NEGLECT / m))
    rule, panel = tables(), _panel(PANEL)
    kernel = make_law(student)

    def run(start: int, stop: int) -> None:
        kernel(
            w, mu, spread, df, constants, which.reshape(df.shape), *roots, y, cell, cut, *rule, *panel,
            log_cell, log_cube, start, stop,
        )  # fmt: skip

    in_pieces(run, n, threads)
    if not np.isfinite(log_cell).all():
        raise ValueError(
            "expected positive definite covariances and finite means; try a floor of cell^2 / 12"
        )
    return log_cell, np.minimum(log_cube, 0.0)
