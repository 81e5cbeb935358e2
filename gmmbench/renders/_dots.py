"""What renderers share: questions asked in chunks, and dots of ink."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from gmmbench import Floats, Lattice

from ._theme import Bytes

CHUNK = 1 << 20
"""Positions that are asked about at once, so that memory does not grow with the picture."""

BLOCK = 1 << 21
"""Cells under dots that are held at once: about 200 MB, however many or large the dots are."""


def levels(coordinates: Floats) -> Floats:
    """Colour coordinates as levels 0..255, not rounded: what lies outside the cube is clipped."""
    return np.clip(256 * coordinates - 0.5, 0, 255)


def asked(question: Callable[[Floats], Floats], lattice: Lattice) -> Floats:
    """A question answered at every centre of a lattice, chunk by chunk: (H, W) or (H, W, 3)."""
    parts = [
        question(lattice.coordinates(np.arange(start, min(start + CHUNK, lattice.size))))
        for start in range(0, lattice.size, CHUNK)
    ]
    answers = np.concatenate(parts)
    return answers.reshape(*lattice.shape, *answers.shape[1:])


def blend(amount: Floats, paper: Floats, ink: Floats) -> Bytes:
    """Ink laid on paper by amounts (H, W) in 0..1: (H, W, 3)."""
    return np.rint(paper + amount[..., None] * (ink - paper)).astype(np.uint8)


def dots(
    points: Floats, colours: Floats, diameter: float, alpha: float, below: Floats, block: int = BLOCK
) -> Floats:
    """Round dots painted one over another, in order, on what is there: (h, w, 3) in 0..255.

    Args:
        points: (n, 2) of column, row in cells of the canvas.
        colours: (n, 3) in 0..255, or (1, 3) for one colour.
        diameter: of a dot, in cells; a cell is covered when its centre is.
        alpha: opacity of a dot, 0..1.
        below: (h, w, 3), the canvas before.
        block: covered cells that are held at once.
    """
    height, width = below.shape[:2]
    if len(colours) == 1:  # in one colour the order does not matter, only how many
        left = (1.0 - alpha) ** _how_many(points, (height, width), diameter)[..., None]
        return left * below + (1 - left) * colours
    out = below.reshape(-1, 3).copy()
    stride = max(1, int(block / (diameter + 2) ** 2))
    for start in range(0, len(points), stride):
        cells, order = _covered(points[start : start + stride], (height, width), diameter)
        if len(cells):
            _over(out, cells, order, colours[start : start + stride], alpha)
    return out.reshape(height, width, 3)


def _over(
    out: Floats, cells: NDArray[np.intp], order: NDArray[np.intp], colours: Floats, alpha: float
) -> None:
    """Lay dots of their own colours over the cells of a canvas (n, 3), in place."""
    # Within a cell the last dot, which lies on top, comes first; sorting one number is faster than two keys.
    count = len(colours)
    cells, below = np.divmod(np.sort(cells * count + (count - 1 - order)), count)
    order = count - 1 - below
    first = np.flatnonzero(np.diff(cells, prepend=-1))
    many = np.diff(first, append=len(cells))
    depth = np.arange(len(cells)) - np.repeat(first, many)
    # A dot under `depth` others shows through them all: alpha (1 - alpha)^depth (Porter and Duff 1984).
    share = alpha * (1.0 - alpha) ** depth
    shown = np.add.reduceat(share[:, None] * colours[order], first, axis=0)
    touched = cells[first]
    out[touched] = out[touched] * ((1.0 - alpha) ** many)[:, None] + shown


def _covered(
    points: Floats, shape: tuple[int, int], diameter: float
) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """The flat indices of the cells that each dot covers, and which dot it is."""
    reach = int(np.ceil(diameter / 2))
    steps = np.arange(-reach, reach + 1)
    home = np.floor(points).astype(np.intp)
    columns, rows = home[:, :1] + steps, home[:, 1:] + steps
    near = (columns + 0.5 - points[:, :1]) ** 2
    covered = (rows + 0.5 - points[:, 1:])[:, :, None] ** 2 + near[:, None, :] <= (diameter / 2) ** 2
    covered[:, reach, reach] = True  # a dot thinner than a cell still leaves a mark
    covered &= ((rows >= 0) & (rows < shape[0]))[:, :, None]
    covered &= ((columns >= 0) & (columns < shape[1]))[:, None, :]
    which, down, right = np.nonzero(covered)
    return rows[which, down] * shape[1] + columns[which, right], which


def _how_many(points: Floats, shape: tuple[int, int], diameter: float) -> NDArray[np.intp]:
    """How many dots cover each cell: (h, w). A dot is a run of cells in each row: where runs begin less
    where they end, summed along the row.
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
        seen = (row >= 0) & (row < height)
        if down == 0:  # a dot thinner than a cell still leaves a mark
            first, last = np.minimum(first, home[:, 0]), np.maximum(last, home[:, 0])
        else:
            seen &= np.abs(gap) <= diameter / 2
        first, last = np.maximum(first, 0), np.minimum(last, width - 1)
        seen &= first <= last
        line = row[seen] * (width + 1)
        np.add.at(change, line + first[seen], 1)
        np.add.at(change, line + last[seen] + 1, -1)
    return np.cumsum(change.reshape(height, width + 1), axis=1)[:, :-1]


def shrink(canvas: Floats, factor: int) -> Bytes:
    """A canvas averaged over factor x factor cells, as levels."""
    height, width = canvas.shape[0] // factor, canvas.shape[1] // factor
    return np.rint(canvas.reshape(height, factor, width, factor, 3).mean(axis=(1, 3))).astype(np.uint8)
