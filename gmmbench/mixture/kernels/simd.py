"""Vector registers as Python values: operators on them write LLVM instructions.

With loops over arrays, the compiler decides whether sums stay in registers, and it must assume that arrays
overlap. The innermost operations of the E-step are therefore written with this module, a strip of points at
a time. The code runs while a kernel is compiled: loops over dimensions are unrolled, and the instructions
are inlined into the kernel.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from llvmlite import ir  # type: ignore[import-untyped]  # llvmlite has no annotations
from numba import types

BITS = 512
"""Bits of a strip: one vector with AVX-512; on other processors the compiler splits it."""

REAL = {"float32": ir.FloatType(), "float64": ir.DoubleType()}
WHOLE = {"float32": ir.IntType(32), "float64": ir.IntType(64)}


def strip(precision: str) -> int:
    """The number of points in a strip."""
    return BITS // (32 if precision == "float32" else 64)


class Lanes:
    """A vector of floats, or a single float, in the code that is being written."""

    def __init__(self, writer: Writer, value: Any) -> None:
        self.writer, self.value = writer, value

    def __add__(self, other: Lanes) -> Lanes:
        return self._with("fadd", other)

    def __sub__(self, other: Lanes) -> Lanes:
        return self._with("fsub", other)

    def __mul__(self, other: Lanes) -> Lanes:
        return self._with("fmul", other)

    def above(self, other: Lanes) -> Any:
        """Whether each number is greater than the other's; True if either is NaN."""
        return self.writer.builder.fcmp_unordered(">", self.value, other.value)

    def largest(self, other: Lanes) -> Lanes:
        """The greater number in each lane; the other's if one of the two is NaN."""
        b = self.writer.builder
        return Lanes(
            self.writer, b.select(b.fcmp_ordered(">", self.value, other.value), self.value, other.value)
        )

    def _with(self, instruction: str, other: Lanes) -> Lanes:
        write = getattr(self.writer.builder, instruction)
        return Lanes(self.writer, write(self.value, other.value, flags=self.writer.flags))


class Writer:
    """Writes code for vectors of `lanes` numbers, or for single numbers.

    Args:
        builder: numba's code generator, at the place to write to.
        precision: "float32" or "float64".
        lanes: numbers in a vector; None for single numbers.
        flags: the fast-math flags of sums and products.
    """

    def __init__(
        self,
        builder: Any,
        precision: str,
        lanes: int | None,
        flags: Sequence[str] = ("contract", "reassoc", "nsz"),
    ) -> None:
        self.builder, self.lanes, self.flags = builder, lanes, tuple(flags)
        self.real, self.whole = (
            kind if lanes is None else ir.VectorType(kind, lanes)
            for kind in (REAL[precision], WHOLE[precision])
        )
        self._single, self._bytes = REAL[precision], 4 if precision == "float32" else 8

    def number(self, value: float) -> Lanes:
        """A constant in every lane."""
        return Lanes(self, self._everywhere(self.real, value))

    def integer(self, value: int) -> Any:
        """A constant integer, as wide as the floats, in every lane."""
        return self._everywhere(self.whole, value)

    def spread(self, value: Any) -> Lanes:
        """A single number in every lane."""
        first = self.builder.insert_element(ir.Constant(self.real, ir.Undefined), value, _index(0))
        mask = ir.Constant(ir.VectorType(ir.IntType(32), self.lanes), [0] * (self.lanes or 1))
        return Lanes(self, self.builder.shuffle_vector(first, ir.Constant(self.real, ir.Undefined), mask))

    def one_of(self, pointer: Any, at: int) -> Lanes:
        """Element `at` of an array, in every lane."""
        return self.spread(self.builder.load(self.builder.gep(pointer, [_index(at)])))

    def load(self, pointer: Any, at: Any) -> Lanes:
        """Load consecutive elements of an array, from `at` on."""
        return Lanes(self, self.builder.load(self._place(pointer, at), align=self._bytes))

    def store(self, lanes: Lanes, pointer: Any, at: Any) -> None:
        """Store consecutive elements of an array, from `at` on."""
        self.builder.store(lanes.value, self._place(pointer, at), align=self._bytes)

    def any(self, truths: Any) -> Any:
        """Whether any lane is true."""
        bits = self.builder.bitcast(truths, ir.IntType(self.lanes))
        return self.builder.icmp_unsigned("!=", bits, ir.Constant(bits.type, 0))

    def fold(self, lanes: Lanes, join: Callable[[Lanes, Lanes], Lanes]) -> Any:
        """Reduce all lanes to a single number, by joining halves."""
        width = self.lanes or 1
        value = lanes.value
        while width > 1:
            width //= 2
            low, high = (
                Lanes(self, self.builder.shuffle_vector(value, value, _mask(start, width)))
                for start in (0, width)
            )
            value = join(low, high).value
        return self.builder.extract_element(value, _index(0))

    def _place(self, pointer: Any, at: Any) -> Any:
        return self.builder.bitcast(self.builder.gep(pointer, [at]), self.real.as_pointer())

    def _everywhere(self, kind: Any, value: Any) -> Any:
        return ir.Constant(kind, value if self.lanes is None else [value] * self.lanes)


def pointer(context: Any, builder: Any, kind: types.Array, array: Any) -> Any:
    """The address of a contiguous array's first element."""
    return context.make_array(kind)(context, builder, array).data


def _index(at: int) -> Any:
    return ir.Constant(ir.IntType(32), at)


def _mask(start: int, width: int) -> Any:
    return ir.Constant(ir.VectorType(ir.IntType(32), width), list(range(start, start + width)))
