"""exp(x) for x <= 0, in a form the compiler turns into vector instructions."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
from llvmlite import ir  # type: ignore[import-untyped]  # llvmlite has no annotations
from numba import types
from numba.extending import intrinsic

from .compiling import part

LAYOUT = {"float32": (np.int32, 23, 127), "float64": (np.int64, 52, 1023)}
"""The integer as wide as the float, the bits of its fraction, and the bias of its exponent (IEEE 754)."""

CUTOFF = {"float32": -25.0, "float64": -650.0}
"""Below this exp gives 0: times a squared distance it would become a denormal, which costs 100 times
a normal number on common processors, and it is below the rounding error of any sum that holds a 1."""


def _power_of_two(context: Any, n: Any) -> Any:
    """2^n for an int32 (as float32) or int64 (as float64), by writing n into the exponent's bits."""
    name = "float32" if n == types.int32 else "float64"
    _, bits, bias = LAYOUT[name]
    result = getattr(types, name)

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        (value,) = arguments
        biased = builder.add(value, ir.Constant(value.type, bias))
        shifted = builder.shl(biased, ir.Constant(value.type, bits))
        return builder.bitcast(shifted, context.get_value_type(result))

    return result(n), generate


power_of_two: Any = intrinsic(_power_of_two)


@cache
def make_exp(precision: str) -> Any:
    """exp for arguments <= 0, relative error 2e-7 (float32) or 4e-16 (float64); 0 below CUTOFF.

    x = n log 2 + r with |r| <= log(2) / 2; exp(r) by its Taylor polynomial; the product with 2^n is
    exact (Cody and Waite 1980, ch. 6).
    """
    real = np.dtype(precision).type
    whole = LAYOUT[precision][0]
    cutoff = real(CUTOFF[precision])
    inverse, half = real(1 / np.log(2)), real(0.5)
    # log 2 in two parts: n times the first is exact
    high = real(0.693359375) if precision == "float32" else real(6.93147180369123816490e-01)
    low = real(-2.12194440e-4) if precision == "float32" else real(1.90821492927058770002e-10)
    one = real(1)
    terms = [real(1 / float(np.prod(np.arange(1.0, i + 1)))) for i in range(14)]
    _, _, c2, c3, c4, c5, c6, c7, c8, c9, c10, c11, c12, c13 = terms

    def exp32(x: Any) -> Any:
        y = x if x > cutoff else cutoff
        n = whole(y * inverse - half)  # rounds to the nearest, for y <= 0
        f = real(n)
        r = (y - f * high) - f * low
        e = one + r * (one + r * (c2 + r * (c3 + r * (c4 + r * (c5 + r * c6)))))
        e = e * power_of_two(n)
        return e if x > cutoff else real(0)

    def exp64(x: Any) -> Any:
        y = x if x > cutoff else cutoff
        n = whole(y * inverse - half)
        f = real(n)
        r = (y - f * high) - f * low
        e = c7 + r * (c8 + r * (c9 + r * (c10 + r * (c11 + r * (c12 + r * c13)))))
        e = one + r * (one + r * (c2 + r * (c3 + r * (c4 + r * (c5 + r * (c6 + r * e))))))
        e = e * power_of_two(n)
        return e if x > cutoff else real(0)

    # no reassociation here: it would undo the two-part subtraction
    return part(exp32 if precision == "float32" else exp64, fastmath={"contract", "nsz"})
