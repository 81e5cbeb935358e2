"""Points in spatial blocks: the leaves of a k-d tree, each an array of coordinates with its box."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..array_types import Integers, KernelFloats


@dataclass(frozen=True, eq=False)
class Blocks:
    """n points in b blocks of `size`, the last filled up with copies of its last point of weight 0.

    Attributes:
        order: (n,) which point stands where.
        x: (b, d, size) coordinates, an axis at a time.
        weight: (b, size).
        centre, half: (b, d) the middle and half the sides of each block's box.
        family_centre, family_half: the same of every `family` blocks together.
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
        """Values (b, size) back in the points' order: (n,)."""
        out = np.empty(len(self.order), values.dtype)
        out[self.order] = values.reshape(-1)[: len(self.order)]
        return out


def arrange(points: KernelFloats, weights: KernelFloats, precision: str, size: int, family: int) -> Blocks:
    """Sort points (n, d) with weights (n,) into blocks of `size` (Bentley 1975: a k-d tree).

    A cell is halved across its longest side, at a multiple of the block's size, and of the family's
    where it holds more than one, so that only the last block is not full.
    """
    n = len(points)
    coordinates = np.array(points.T, dtype=precision, order="C")  # a copy always, for it is sorted in place
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
    """The same along Morton's curve: looser boxes, for points that are asked about once.

    Bits of the coordinates are interleaved and the codes sorted (Morton 1966); 16 bits in all do for 1
    and 2 dimensions, where it is used.
    """
    n, d = points.shape
    low, high = points.min(axis=0), points.max(axis=0)
    bits = 16 // d
    scaled = (points - low) * ((1 << bits) - 1) / np.where(high > low, high - low, 1.0)
    code = np.zeros(n, np.uint16)  # 16 bits are sorted by radix
    for axis, column in enumerate(scaled.T.astype(np.uint16)):
        for bit in range(bits):
            code |= ((column >> np.uint16(bit)) & np.uint16(1)) << np.uint16(bit * d + axis)
    order = np.argsort(code, kind="stable")
    coordinates = np.ascontiguousarray(points.T[:, order], dtype=precision)
    return _cut(coordinates, order, weights, size, family)


def _cut(coordinates: KernelFloats, order: Integers, weights: KernelFloats, size: int, family: int) -> Blocks:
    """Blocks of coordinates (d, n) that are in their order already."""
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
    """Middle and half sides, these a hair longer, for the middle is rounded."""
    tiny = np.finfo(low.dtype).eps
    centre = (low + high) / 2
    half = np.maximum(high - centre, centre - low) * (1 + 4 * tiny)
    return centre.astype(low.dtype), half.astype(low.dtype)
