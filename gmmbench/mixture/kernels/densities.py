"""One component and one block of points: log joint densities, responsibilities, and their moments."""

# mypy: allow-untyped-calls
# (numba has no annotations)
from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any

import numpy as np
from llvmlite import ir  # type: ignore[import-untyped]  # llvmlite has no annotations
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

from .compiler import part
from .elementary import PRECISE, exponential
from .simd import REAL, Lanes, Writer, pointer, strip

BLOCK = 128
"""Points in a block: 8 strips of 16 floats, or 16 strips of 8 doubles."""

UNROLLED = 8
"""The largest dimension for which a strip's quadratic form and its moments stay in registers."""

INDEX = ir.IntType(64)


def entries(dimension: int, diagonal: bool) -> int:
    """The number of entries of a component's lower triangular factor: d (d + 1) / 2, or d if diagonal."""
    return dimension if diagonal else dimension * (dimension + 1) // 2


@cache
def make_square(dimension: int, diagonal: bool, precision: str) -> Any:
    """Log joint densities of a block: `square(x (d, BLOCK), row, out (BLOCK,)) -> most`.

    `row` is a component: [offset, m (d), A (entries, row by row)]. The kernel writes
    offset - |A (x - m)|^2 / 2 to `out` and returns the largest value. The difference x - m is formed first,
    since the expanded square loses every digit in float32.
    """
    if dimension > UNROLLED:
        return _loops(dimension, diagonal, np.dtype(precision).type)
    lanes, real = strip(precision), getattr(types, precision)

    def square(context: Any, x: Any, row: Any, out: Any) -> Any:
        def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            writer = Writer(builder, precision, lanes)
            points, component, outs = _pointers(context, builder, signature, arguments)
            numbers = [
                writer.one_of(component, i) for i in range(1 + dimension + entries(dimension, diagonal))
            ]
            lowest = writer.number(-np.inf)
            most = cgutils.alloca_once_value(builder, lowest.value)
            with cgutils.for_range(builder, ir.Constant(INDEX, BLOCK // lanes)) as loop:
                at = builder.mul(loop.index, ir.Constant(INDEX, lanes))
                apart = _apart(writer, points, at, numbers[1 : 1 + dimension])
                form, entry = writer.number(0.0), iter(numbers[1 + dimension :])
                for i in range(dimension):
                    white = writer.number(0.0)
                    for j in range(i if diagonal else 0, i + 1):
                        white = white + next(entry) * apart[j]
                    form = form + white * white
                value = numbers[0] - writer.number(0.5) * form
                writer.store(value, outs, at)
                builder.store(value.largest(Lanes(writer, builder.load(most))).value, most)
            return writer.fold(Lanes(writer, builder.load(most)), Lanes.largest)

        return real(x, row, out), generate

    return intrinsic(square)


def _loops(dimension: int, diagonal: bool, real: Any) -> Any:
    """The same for many dimensions, with intermediate arrays in memory."""
    half = real(0.5)

    def square(x: Any, row: Any, out: Any) -> Any:
        for p in range(BLOCK):
            out[p] = row[0]
        z = np.empty(BLOCK, x.dtype)
        at = 1 + dimension
        for i in range(dimension):
            for p in range(BLOCK):
                z[p] = real(0)
            for j in range(i if diagonal else 0, i + 1):
                a, m = row[at], row[1 + j]
                at += 1
                for p in range(BLOCK):
                    z[p] += a * (x[j, p] - m)
            for p in range(BLOCK):
                out[p] -= half * z[p] * z[p]
        most = -real(np.inf)
        for p in range(BLOCK):
            most = out[p] if out[p] > most else most
        return most

    return part(square)


@cache
def make_shares(precision: str) -> Any:
    """From log joint densities to shares: `shares(joint, top, total, cut) -> marks`; arrays are (BLOCK,).

    A strip in which joint - top > cut at any point becomes exp(joint - top), which is added to `total`, and
    bit s of the marks is set for strip s. The other strips become 0.
    """
    lanes, real = strip(precision), getattr(types, precision)

    def shares(context: Any, joint: Any, top: Any, total: Any, cut: Any) -> Any:
        def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            writer = Writer(builder, precision, lanes, PRECISE)
            joints, tops, totals = _pointers(context, builder, signature, arguments[:3])
            least = writer.spread(arguments[3])
            marks = cgutils.alloca_once_value(builder, ir.Constant(INDEX, 0))
            with cgutils.for_range(builder, ir.Constant(INDEX, BLOCK // lanes)) as loop:
                at = builder.mul(loop.index, ir.Constant(INDEX, lanes))
                below = writer.load(joints, at) - writer.load(tops, at)
                with builder.if_else(writer.any(below.above(least))) as (counts, does_not):
                    with counts:
                        e = exponential(writer, below, precision)
                        writer.store(e, joints, at)
                        writer.store(e + writer.load(totals, at), totals, at)
                        bit = builder.shl(ir.Constant(INDEX, 1), loop.index)
                        builder.store(builder.or_(builder.load(marks), bit), marks)
                    with does_not:
                        writer.store(writer.number(0.0), joints, at)
            return builder.load(marks)

        return types.int64(joint, top, total, real), generate

    return intrinsic(shares)


@cache
def make_moments(dimension: int, diagonal: bool, precision: str, order: int = 2) -> Any:
    """Add sum r, sum r (x - m) and sum r (x - m)(x - m)^T of a block to float64 totals.

    Of order 1, the last are left out.

    `moments(x (d, BLOCK), shares (BLOCK,), scale (BLOCK,), row, total (1 + d + entries,), marks)` with
    r = shares * scale, which is 0 in strips without a mark. The sums of a block are formed in the kernel's
    precision, about the old mean, so that they stay small.
    """
    if dimension > UNROLLED:
        return _moments_by_loops(dimension, diagonal, precision)
    rows = range(dimension if order > 1 else 0)
    lanes, width = strip(precision), 1 + dimension + (entries(dimension, diagonal) if order > 1 else 0)

    def moments(context: Any, x: Any, shares: Any, scale: Any, row: Any, total: Any, marks: Any) -> Any:
        def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            writer = Writer(builder, precision, lanes)
            points, share, scales, component, sums = _pointers(context, builder, signature, arguments[:5])
            means = [writer.one_of(component, 1 + i) for i in range(dimension)]
            kept = [cgutils.alloca_once_value(builder, writer.number(0.0).value) for _ in range(width)]
            with _each_mark(builder, arguments[5]) as s:
                at = builder.mul(s, ir.Constant(INDEX, lanes))
                r = writer.load(share, at) * writer.load(scales, at)
                apart = _apart(writer, points, at, means)
                pulls = [r * a for a in apart]
                products = [pulls[i] * apart[j] for i in rows for j in range(i if diagonal else 0, i + 1)]
                for place, term in zip(kept, (r, *pulls, *products), strict=True):
                    builder.store((Lanes(writer, builder.load(place)) + term).value, place)
            for i, place in enumerate(kept):
                s = writer.fold(Lanes(writer, builder.load(place)), Lanes.__add__)
                at = builder.gep(sums, [ir.Constant(INDEX, i)])
                wide = s if precision == "float64" else builder.fpext(s, REAL["float64"])
                builder.store(builder.fadd(builder.load(at), wide), at)
            return context.get_dummy_value()

        return types.void(x, shares, scale, row, total, types.int64), generate

    return intrinsic(moments)


def _moments_by_loops(dimension: int, diagonal: bool, precision: str) -> Any:
    """The same for many dimensions, with intermediate arrays in memory."""
    real = np.dtype(precision).type

    def moments(x: Any, shares: Any, scale: Any, row: Any, total: Any, marks: int) -> None:
        apart = np.empty((dimension, BLOCK), x.dtype)
        r = np.empty(BLOCK, x.dtype)
        product = np.empty(BLOCK, x.dtype)
        s = real(0)
        for p in range(BLOCK):
            r[p] = shares[p] * scale[p]
            s += r[p]
        total[0] += s
        at = 1 + dimension
        for i in range(dimension):
            m = row[1 + i]
            s = real(0)
            for p in range(BLOCK):
                difference = x[i, p] - m
                apart[i, p] = difference
                product[p] = r[p] * difference
                s += product[p]
            total[1 + i] += s
            for j in range(i if diagonal else 0, i + 1):
                s = real(0)
                for p in range(BLOCK):
                    s += product[p] * apart[j, p]
                total[at] += s
                at += 1

    return part(moments)


def _pointers(context: Any, builder: Any, signature: Any, arguments: Any) -> list[Any]:
    return [
        pointer(context, builder, kind, array) for kind, array in zip(signature.args, arguments, strict=False)
    ]


def _apart(writer: Writer, points: Any, at: Any, means: list[Lanes]) -> list[Lanes]:
    """x - m of a strip: one vector for each axis."""
    b = writer.builder
    places = [b.add(at, ir.Constant(INDEX, BLOCK * j)) for j in range(len(means))]
    return [writer.load(points, place) - m for place, m in zip(places, means, strict=True)]


@contextmanager
def _each_mark(builder: Any, marks: Any) -> Iterator[Any]:
    """A loop over the bits that are set, lowest first; yields the index of the bit."""
    left = cgutils.alloca_once_value(builder, marks)
    test, body, done = (builder.append_basic_block(name) for name in ("test", "body", "done"))
    builder.branch(test)
    builder.position_at_end(test)
    now = builder.load(left)
    builder.cbranch(builder.icmp_unsigned("!=", now, ir.Constant(INDEX, 0)), body, done)
    builder.position_at_end(body)
    yield builder.cttz(now, ir.Constant(ir.IntType(1), 1))
    builder.store(builder.and_(now, builder.sub(now, ir.Constant(INDEX, 1))), left)
    builder.branch(test)
    builder.position_at_end(done)
