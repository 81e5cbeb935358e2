"""exp(x) for x <= 0 and log(x) for x >= 1, in forms that the compiler turns into vector instructions."""

from __future__ import annotations

import math
from functools import cache
from typing import Any

import numpy as np
from numba import types
from numba.extending import intrinsic

from .compiler import part
from .simd import Lanes, Writer

LAYOUT = {"float32": (23, 127), "float64": (52, 1023)}
"""The number of bits of a float's fraction, and the bias of its exponent (IEEE 754)."""

CUTOFF = {"float32": -25.0, "float64": -650.0}
"""exp of anything below this is 0. Multiplied by a squared distance it would become a denormal, which costs
100 times a normal number on common processors, and it is below the rounding error of any sum that contains
a 1."""

TERMS = {"float32": 7, "float64": 14}
"""The number of terms of the Taylor series of exp(r), |r| <= log(2) / 2."""

LOG_2 = {
    "float32": (0.693359375, -2.12194440e-4),
    "float64": (6.93147180369123816490e-01, 1.90821492927058770002e-10),
}
"""log 2 in two parts: the product of the first and an integer of up to 10 bits is exact."""

PRECISE = ("contract", "nsz")
"""Flags without reassociation, which would undo the two-part subtraction."""


def exponential(writer: Writer, x: Lanes, precision: str) -> Lanes:
    """Write exp(x) for x <= 0: relative error 2e-7 (float32) or 4e-16 (float64); 0 below CUTOFF.

    x = n log 2 + r with |r| <= log(2) / 2. exp(r) is a Taylor polynomial; the product with 2^n, which is
    written into the exponent's bits, is exact (Cody and Waite 1980, ch. 6). The writer's flags must be
    PRECISE.
    """
    b, number = writer.builder, writer.number
    bits, bias = LAYOUT[precision]
    high, low = LOG_2[precision]
    y = x.largest(number(CUTOFF[precision]))
    n = b.fptosi((y * number(1 / math.log(2)) - number(0.5)).value, writer.whole)  # rounds, since y <= 0
    f = Lanes(writer, b.sitofp(n, writer.real))
    r = (y - f * number(high)) - f * number(low)
    e = number(1 / math.factorial(TERMS[precision] - 1))
    for i in reversed(range(TERMS[precision] - 1)):
        e = number(1 / math.factorial(i)) + r * e
    power = b.shl(b.add(n, writer.integer(bias)), writer.integer(bits))
    e = e * Lanes(writer, b.bitcast(power, writer.real))
    inside = b.fcmp_ordered(">", x.value, number(CUTOFF[precision]).value)
    return Lanes(writer, b.select(inside, e.value, number(0.0).value))


@cache
def make_exp(precision: str) -> Any:
    """`exp(x)` of a single number x <= 0; see `exponential`."""
    real = getattr(types, precision)

    def exp(context: Any, x: Any) -> Any:
        def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            writer = Writer(builder, precision, None, PRECISE)
            return exponential(writer, Lanes(writer, arguments[0]), precision).value

        return real(real), generate

    return intrinsic(exp)


@cache
def make_log(precision: str) -> Any:
    """`log(x)` of a single number x >= 1: libm's in float64; in float32 one that becomes vector code.

    x = 2^n m with m in [1, 2), and log m = 2 artanh(z) with z = (m - 1) / (m + 1) <= 1/3, by its series up
    to z^13. The error is at most 2e-7 of the larger of 1 and log x.
    """
    if precision == "float64":
        return part(_libm)
    real = np.float32
    one, two, log_2 = real(1), real(2), real(math.log(2))
    c3, c5, c7, c9, c11, c13 = (real(1 / i) for i in (3, 5, 7, 9, 11, 13))
    exponent_of: Any = intrinsic(_exponent)
    fraction_of: Any = intrinsic(_fraction)

    def log(x: Any) -> Any:
        m = fraction_of(x)
        z = (m - one) / (m + one)
        q = z * z
        series = one + q * (c3 + q * (c5 + q * (c7 + q * (c9 + q * (c11 + q * c13)))))
        return exponent_of(x) * log_2 + two * z * series

    return part(log)


def _libm(x: Any) -> Any:
    return math.log(x)


def _exponent(context: Any, x: Any) -> Any:
    """n of a float32 x = 2^n m, 1 <= m < 2, as a float32."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        writer = Writer(builder, "float32", None)
        whole = builder.bitcast(arguments[0], writer.whole)
        n = builder.sub(builder.lshr(whole, writer.integer(23)), writer.integer(127))
        return builder.sitofp(n, writer.real)

    return types.float32(types.float32), generate


def _fraction(context: Any, x: Any) -> Any:
    """m of a float32 x = 2^n m, 1 <= m < 2."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        writer = Writer(builder, "float32", None)
        whole = builder.bitcast(arguments[0], writer.whole)
        bits = builder.or_(builder.and_(whole, writer.integer(0x007FFFFF)), writer.integer(127 << 23))
        return builder.bitcast(bits, writer.real)

    return types.float32(types.float32), generate
