"""Points in spatial blocks: the leaves of a k-d tree, each an array of coordinates with its box."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..array_types import Integers, KernelFloats


@dataclass(frozen=True, eq=False)
class Blocks:
    """n points in b blocks of `size`. The last block is padded with copies of the last point, of weight 0.

    Attributes:
        order: (n,), the index of the point at each place.
        x: (b, d, size), the coordinates, axis by axis.
        weight: (b, size).
        centre, half: (b, d), the centre and the half sides of each block's box.
        family_centre, family_half: the same for every `family` consecutive blocks.
    """

    order: Integers
    x: KernelFloats
    weight: KernelFloats
    centre: KernelFloats
    half: KernelFloats
    family_centre: KernelFloats
    family_half: KernelFloats

    @property
    def nbytes(self) -> int:
        """Bytes held."""
        return sum(a.nbytes for a in vars(self).values())

    def scatter(self, values: KernelFloats) -> KernelFloats:
        """Values (b, size) in the order of the points: (n,)."""
        out = np.empty(len(self.order), values.dtype)
        out[self.order] = values.reshape(-1)[: len(self.order)]
        return out


def arrange(points: KernelFloats, weights: KernelFloats, precision: str, size: int, family: int) -> Blocks:
    """Sort points (n, d) with weights (n,) into blocks of `size` (Bentley 1975: a k-d tree).

    Each cell is halved across its longest side, at a multiple of the block size, or of the family size if it
    holds more than one family, so that only the last block is not full.
    """
    n = len(points)
    coordinates = np.array(points.T, dtype=precision, order="C")  # always a copy, since it is sorted in place
    order = np.arange(n)
    cells = [(0, n)]
    while cells:
        start, stop = cells.pop()
        count = stop - start
        if count <= size:
            continue
        inside = coordinates[:, start:stop]
        axis = int(np.argmax(inside.max(axis=1) - inside.min(axis=1)))
        grain = size * family if count > size * family else size
        left = max(1, round(count / 2 / grain)) * grain
        if left >= count:
            left = (count - 1) // grain * grain
        sides = np.argpartition(inside[axis], left)
        coordinates[:, start:stop] = inside[:, sides]
        order[start:stop] = order[start:stop][sides]
        cells += [(start, start + left), (start + left, stop)]
    return _cut(coordinates, order, weights, size, family)


def arrange_quickly(
    points: KernelFloats, weights: KernelFloats, precision: str, size: int, family: int
) -> Blocks:
    """Sort points along Morton's curve: faster, with looser boxes, for points that are evaluated once.

    The bits of the coordinates are interleaved and the codes sorted (Morton 1966). It is used for 1 and 2
    dimensions, for which 16 bits in all are enough.
    """
    n, d = points.shape
    low, high = points.min(axis=0), points.max(axis=0)
    bits = 16 // d
    scaled = (points - low) * ((1 << bits) - 1) / np.where(high > low, high - low, 1.0)
    code = np.zeros(n, np.uint16)  # numpy sorts 16 bits by radix
    for axis, column in enumerate(scaled.T.astype(np.uint16)):
        for bit in range(bits):
            code |= ((column >> np.uint16(bit)) & np.uint16(1)) << np.uint16(bit * d + axis)
    order = np.argsort(code, kind="stable")
    coordinates = np.ascontiguousarray(points.T[:, order], dtype=precision)
    return _cut(coordinates, order, weights, size, family)


def _cut(coordinates: KernelFloats, order: Integers, weights: KernelFloats, size: int, family: int) -> Blocks:
    """Cut coordinates (d, n) that are already in order into blocks."""
    d, n = coordinates.shape
    precision = coordinates.dtype
    blocks = -(-n // size)
    padded = np.empty((d, blocks * size), precision)
    padded[:, :n] = coordinates
    padded[:, n:] = coordinates[:, -1:]
    weight = np.zeros(blocks * size, precision)
    weight[:n] = weights[order]
    x = np.ascontiguousarray(padded.reshape(d, blocks, size).transpose(1, 0, 2))
    low, high = x.min(axis=2), x.max(axis=2)
    edges = np.arange(0, blocks, family)
    return Blocks(
        order,
        x,
        weight.reshape(blocks, size),
        *_box(low, high),
        *_box(np.minimum.reduceat(low, edges), np.maximum.reduceat(high, edges)),
    )


def _box(low: KernelFloats, high: KernelFloats) -> tuple[KernelFloats, KernelFloats]:
    """Centre and half sides of a box; the half sides are slightly longer because the centre is rounded."""
    tiny = np.finfo(low.dtype).eps
    centre = (low + high) / 2
    half = np.maximum(high - centre, centre - low) * (1 + 4 * tiny)
    return centre.astype(low.dtype), half.astype(low.dtype)
