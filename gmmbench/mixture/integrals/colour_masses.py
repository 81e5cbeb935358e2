"""Masses that a law of three columns has in a cell around a colour and in the cube of all colours."""

from __future__ import annotations

from functools import cached_property

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import logsumexp, ndtr, stdtrit

from ..array_types import Booleans, Floats
from ..distributions.arrays import HUGE, AnyMixture, law_of, log_constant, normaliser, root_rules
from ..distributions.student import StudentMixture
from ..em.blocks import Blocks, arrange_quickly
from ..parallel import in_pieces
from .careful_masses import PAIRS, Factored, Part, factored, mended
from .cell_masses import t_masses
from .law_checks import FLAT, narrowest
from .log_masses import LogMasses, log_masses

TRUNCATION = 1e-9
"""Largest share that is left out of a density of positions, and, separately, of a cell's mass."""


def colour_masses(
    mixture: AnyMixture,
    positions: ArrayLike,
    colours: ArrayLike,
    cell: float = 1 / 256,
    threads: int | None = None,
) -> LogMasses:
    """Masses of p(r, g, b | x, y) in the cell around each colour and in the cube [0, 1]^3, as logs.

    p(c | x) = sum_k r_k(x) N(c; m_k(x), S_k) with r_k(x) proportional to w_k N(x; m_xk, S_xxk) (Bishop
    2006, eqs. 2.81-2.82), or the t with df + 2 degrees of freedom and scale S_k (df + q) / (df + 2), q being
    the squared distance of x (P. Ding 2016, On the conditional distribution of the multivariate t). A cell
    is [c - cell/2, c + cell/2)^3.

    What is bounded: the components left out have at most TRUNCATION of p(x, y) at each position, which is all
    that log_cube needs; and those left out of log_cell have at most TRUNCATION of *that cell's own* mass,
    however unlikely the colour, for they are listed by a bound of their mass in the cells, not by their
    responsibility. A cell's integral is exact for diagonal conditional covariances and else by 2 to 6
    Gauss-Legendre nodes an axis where its density is not steep, more where it is; it errs by less than
    1e-4. The cube's mass errs by 1e-6. Components that are narrower or flatter than those nodes can
    follow, cells of less than exp(-60) and nearly empty cubes are integrated by `careful_masses`.

    Args:
        mixture: a `Mixture` or a `StudentMixture` over x, y, r, g, b.
        positions: (n, 2).
        colours: (n, 3), at the centres of their cells.
        cell: side of a cell.
        threads: None for as many as this process may use; the result does not depend on it.

    Returns:
        The log masses and their errors, nats.

    Raises:
        ValueError: the mixture has not five columns, shapes do not agree, or a matrix is not positive
            definite.
    """
    if mixture.means.shape[1] != 5:
        raise ValueError(f"expected a mixture of 5 columns, got {mixture.means.shape[1]}")
    x, y = _two(positions, colours)
    if not len(x):
        return LogMasses(*np.empty((3, 0)))
    if isinstance(mixture, StudentMixture) and mixture.independent:
        return _independent(mixture, x, y, cell)
    spread, degrees = law_of(mixture)
    some = mixture.weights > 0
    narrow = _narrow(spread, cell, degrees) & some
    wide = some & ~narrow
    fast = np.full((2, len(x)), -np.inf)
    free = None if degrees is None else degrees[wide]
    if wide.any():
        weights = mixture.weights[wide]
        fast[:] = _fast(weights, mixture.means[wide], spread[wide], free, x, y, cell, threads)
    conditionals = _Conditionals(mixture.weights, mixture.means, spread, degrees, cell)
    if narrow.any():
        fast += conditionals.share(x, wide)
    return mended(
        (fast[0], fast[1]),
        narrow[None],
        lambda rows: conditionals.part(x[rows]),
        y / cell,
        1 / cell,
        cube_error(None if free is None else free + 2),
        threads,
    )


def cube_error(degrees: Floats | None) -> float:
    """Largest error of the fast integral of the cube, absolute: measured for laws of these degrees (n, m)."""
    return 1e-6 if degrees is None or degrees.min(initial=HUGE) >= 3 else 1e-3


def _fast(
    weights: Floats, means: Floats, spread: Floats, degrees: Floats | None,
    x: Floats, y: Floats, cell: float, threads: int | None,
) -> tuple[Floats, Floats]:  # fmt: skip
    """`colour_masses` of components that are neither narrow nor flat, where a cell is not deep in a tail."""
    from ..kernels.cells.colours import make_colour
    from ..kernels.cells.normal_cdf import PANEL
    from ..kernels.cells.quadrature import tables

    units = np.array([1, 1, 1 / cell, 1 / cell, 1 / cell])
    means, spread = means * units, spread * np.outer(units, units)
    rows = normaliser(weights, means, spread, degrees)
    marginal = normaliser(weights, means[:, :2], spread[:, :2, :2], degrees)[:, 0].copy()
    laws = _laws(spread, rows, degrees)
    columns = np.ascontiguousarray(rows.T)
    blocks, points, centre, half = _blocks(x, y / cell)
    cut = float(np.log(TRUNCATION / len(rows)))
    log_cell, log_cube = np.empty((2, len(points), points.shape[2]))
    rule, panel = tables(), gauss_panel(PANEL)
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
    return np.asarray(blocks.scatter(log_cell), np.float64), np.asarray(blocks.scatter(log_cube), np.float64)


def _narrow(spread: Floats, cell: float, degrees: Floats | None) -> Booleans:
    """Which components (K,) over x, y, r, g, b the fast integrals do not hold for."""
    sd = np.sqrt(np.diagonal(spread, axis1=1, axis2=2))
    with np.errstate(invalid="ignore", divide="ignore", over="ignore"):
        inverse = np.linalg.inv(spread / (sd[:, :, None] * sd[:, None, :]))
        ratio = 1 / np.sqrt(np.diagonal(inverse, axis1=1, axis2=2))
        fine = (ratio >= FLAT).all(axis=1)
        width = (ratio * sd)[:, 2:].min(axis=1) / cell
    return ~(fine & (width >= narrowest(degrees)))


class _Conditionals:
    """Of a mixture over x, y, r, g, b: its laws of r, g, b given x, y, with all digits."""

    def __init__(
        self, weights: Floats, means: Floats, spread: Floats, degrees: Floats | None, cell: float
    ) -> None:
        self.weights, self.means, self.spread, self.degrees, self.cell = weights, means, spread, degrees, cell

    @cached_property
    def factors(self) -> Factored:
        """Their factors, given the first two columns."""
        return factored(self.spread, self.cell, 2)

    def _white(self, x: Floats) -> Floats:
        """u with L u = x - m, L being the factor of the covariance of x, y: (n, K, 2)."""
        factor, apart = self.factors.known, x[:, None] - self.means[:, :2]
        first = apart[..., 0] / factor[:, 0, 0]
        second = (apart[..., 1] - factor[:, 1, 0] * first) / factor[:, 1, 1]
        return np.stack((first, second), axis=-1)

    def _log_shares(self, white: Floats) -> tuple[Floats, Floats]:
        """log of each component's share at points, and its squared distance: (n, K) each."""
        square = (white**2).sum(axis=-1)
        factor, df = self.factors.known, self.degrees
        with np.errstate(divide="ignore"):
            height = np.log(self.weights) - np.log(factor[:, 0, 0]) - np.log(factor[:, 1, 1])
        height = height + log_constant(df, 2)
        decay = square / 2 if df is None else (df + 2) / 2 * np.log1p(square / df)
        joint = height - decay
        return joint - logsumexp(joint, axis=1, keepdims=True), square

    def share(self, x: Floats, chosen: Booleans) -> Floats:
        """log of the chosen components' share at points (n, 2): (n,)."""
        if not chosen.any():
            return np.full(len(x), -np.inf)
        step = max(1, PAIRS // len(self.weights))
        parts = [self._log_shares(self._white(x[at : at + step]))[0] for at in range(0, len(x), step)]
        return np.concatenate([logsumexp(part[:, chosen], axis=1) for part in parts])

    def part(self, x: Floats) -> Part:
        """What `careful_masses` takes of points (n, 2)."""
        white = self._white(x)
        log_shares, square = self._log_shares(white)
        means = self.means[:, 2:] / self.cell + np.einsum("kij,nkj->nki", self.factors.across, white)
        df, table = self.degrees, self.factors.table[None]
        if df is None:
            return log_shares, means, np.ones_like(square), table, None
        return log_shares, means, np.sqrt((df + square) / (df + 2)), table, (df + 2)[None]


def _independent(mixture: StudentMixture, x: Floats, y: Floats, cell: float) -> LogMasses:
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
    return log_masses(log_cell, log_cube, np.full(len(x), 1e-9))


def _two(positions: ArrayLike, colours: ArrayLike) -> tuple[Floats, Floats]:
    x, y = np.asarray(positions, np.float64), np.asarray(colours, np.float64)
    if x.ndim != 2 or x.shape[1] != 2 or y.shape != (len(x), 3):
        raise ValueError(f"expected positions (n, 2) and colours (n, 3), got {x.shape} and {y.shape}")
    return x, y


def gauss_panel(nodes: int) -> tuple[Floats, Floats]:
    """Nodes and weights of Gauss-Legendre on 0..1."""
    x, w = np.polynomial.legendre.leggauss(nodes)
    return (x + 1) / 2, w / 2


def _blocks(x: Floats, y: Floats) -> tuple[Blocks, Floats, Floats, Floats]:
    """Blocks of positions; their five coordinates an axis at a time; boxes around them and their cells."""
    from ..kernels.densities import BLOCK
    from ..kernels.e_step_kernel import FAMILY

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
