"""Painting dots on a canvas, and scaling the canvas down."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from gmmbench import Floats

from ._theme import Bytes

BLOCK = 1 << 21
"""Covered cells held in memory at once: about 200 MB, however many or large the dots are."""


def blend(amount: Floats, paper: Floats, ink: Floats) -> Bytes:
    """Ink on paper by amounts (H, W) in 0..1: (H, W, 3)."""
    return np.rint(paper + amount[..., None] * (ink - paper)).astype(np.uint8)


def dots(
    points: Floats, colours: Floats, diameter: float, alpha: float, below: Floats, block: int = BLOCK
) -> Floats:
    """Paint round dots over a canvas, in order: (h, w, 3) in 0..255.

    Args:
        points: (n, 2) of column, row in cells of the canvas.
        colours: (n, 3) in 0..255, or (1, 3) for one colour.
        diameter: of a dot, in cells; a cell is covered if its centre is.
        alpha: opacity of a dot, 0..1.
        below: (h, w, 3), the canvas to paint on; it is not changed.
        block: the largest number of covered cells to hold in memory at once.
    """
    height, width = below.shape[:2]
    if len(colours) == 1:  # for a single colour only the number of dots over a cell matters
        transparency = (1.0 - alpha) ** _dots_per_cell(points, (height, width), diameter)[..., None]
        return transparency * below + (1 - transparency) * colours
    out = below.reshape(-1, 3).copy()
    stride = max(1, int(block / (diameter + 2) ** 2))
    for start in range(0, len(points), stride):
        cells, order = _covered_cells(points[start : start + stride], (height, width), diameter)
        if len(cells):
            _composite(out, cells, order, colours[start : start + stride], alpha)
    return out.reshape(height, width, 3)


def _composite(
    out: Floats, cells: NDArray[np.intp], order: NDArray[np.intp], colours: Floats, alpha: float
) -> None:
    """Paint dots of individual colours over the cells of a canvas (n, 3), in place."""
    # Within a cell the topmost dot, painted last, comes first; sorting one number is faster than two keys.
    count = len(colours)
    cells, below = np.divmod(np.sort(cells * count + (count - 1 - order)), count)
    order = count - 1 - below
    first = np.flatnonzero(np.diff(cells, prepend=-1))
    layers = np.diff(first, append=len(cells))
    depth = np.arange(len(cells)) - np.repeat(first, layers)
    # A dot under `depth` others shows through them: alpha (1 - alpha)^depth (Porter and Duff 1984).
    share = alpha * (1.0 - alpha) ** depth
    painted = np.add.reduceat(share[:, None] * colours[order], first, axis=0)
    touched = cells[first]
    out[touched] = out[touched] * ((1.0 - alpha) ** layers)[:, None] + painted


def _covered_cells(
    points: Floats, shape: tuple[int, int], diameter: float
) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """The flat indices of the cells that each dot covers, and the index of the dot."""
    reach = int(np.ceil(diameter / 2))
    steps = np.arange(-reach, reach + 1)
    home = np.floor(points).astype(np.intp)
    columns, rows = home[:, :1] + steps, home[:, 1:] + steps
    across = (columns + 0.5 - points[:, :1]) ** 2
    covered = (rows + 0.5 - points[:, 1:])[:, :, None] ** 2 + across[:, None, :] <= (diameter / 2) ** 2
    covered[:, reach, reach] = True  # a dot smaller than a cell still leaves a mark
    covered &= ((rows >= 0) & (rows < shape[0]))[:, :, None]
    covered &= ((columns >= 0) & (columns < shape[1]))[:, None, :]
    dot, down, right = np.nonzero(covered)
    return rows[dot, down] * shape[1] + columns[dot, right], dot


def _dots_per_cell(points: Floats, shape: tuple[int, int], diameter: float) -> NDArray[np.intp]:
    """How many dots cover each cell: (h, w).

    In each row a dot covers a run of cells. The runs that begin minus the runs that end, summed along the
    row, give the count.
    """
    height, width = shape
    reach = int(np.ceil(diameter / 2))
    home = np.floor(points).astype(np.intp)
    change = np.zeros(height * (width + 1), dtype=np.intp)
    for down in range(-reach, reach + 1):
        row = home[:, 1] + down
        gap = row + 0.5 - points[:, 1]
        half = np.sqrt(np.maximum((diameter / 2) ** 2 - gap**2, 0))
        first = np.ceil(points[:, 0] - half - 0.5).astype(np.intp)
        last = np.floor(points[:, 0] + half - 0.5).astype(np.intp)
        visible = (row >= 0) & (row < height)
        if down == 0:  # a dot smaller than a cell still leaves a mark
            first, last = np.minimum(first, home[:, 0]), np.maximum(last, home[:, 0])
        else:
            visible &= np.abs(gap) <= diameter / 2
        first, last = np.maximum(first, 0), np.minimum(last, width - 1)
        visible &= first <= last
        offset = row[visible] * (width + 1)
        np.add.at(change, offset + first[visible], 1)
        np.add.at(change, offset + last[visible] + 1, -1)
    return np.cumsum(change.reshape(height, width + 1), axis=1)[:, :-1]


def shrink(canvas: Floats, factor: int) -> Bytes:
    """A canvas averaged over blocks of factor x factor cells, as levels."""
    height, width = canvas.shape[0] // factor, canvas.shape[1] // factor
    return np.rint(canvas.reshape(height, factor, width, factor, 3).mean(axis=(1, 3))).astype(np.uint8)
