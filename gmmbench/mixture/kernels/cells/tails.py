"""The normal tail, its masses between two points, and log(1 + y): in forms that become vector code."""

from __future__ import annotations

from functools import cache
from math import log, sqrt
from typing import Any

import numpy as np
from llvmlite import ir  # type: ignore[import-untyped]  # llvmlite has no annotations
from numba import types
from numba.extending import intrinsic
from scipy.special import erfcx

from ..compiler import part
from ..elementary import make_exp

TURN = 4.5
"""x where the map s = (x - TURN) / (x + TURN) of 0..infinity to -1..1 is 0."""

DEGREE = 20
"""Of the polynomial P(s) = (x + TURN) M(x), M being Mills's ratio over sqrt(2 pi): error 5e-15."""


def _tail_polynomial() -> tuple[float, ...]:
    def scaled(s: Any) -> Any:
        x = TURN * (1 + s) / np.maximum(1 - s, 1e-300)
        return 0.5 * erfcx(x / sqrt(2)) * (x + TURN)

    chebyshev = np.polynomial.chebyshev.chebinterpolate(scaled, DEGREE)
    return tuple(float(c) for c in np.polynomial.chebyshev.cheb2poly(chebyshev))


@cache
def make_ratio() -> Any:
    """Q(x) exp(x^2 / 2) for x >= 0, Q being the normal law's upper tail; relative error 5e-15."""
    c = _tail_polynomial()
    assert len(c) == DEGREE + 1
    turn, twice = TURN, 2 * TURN

    def ratio(x: Any) -> Any:
        t = 1.0 / (x + turn)
        s = 1.0 - twice * t
        q = s * s
        # two interleaved chains, so that additions need not wait for one another
        even = c[20]
        even = even * q + c[18]
        even = even * q + c[16]
        even = even * q + c[14]
        even = even * q + c[12]
        even = even * q + c[10]
        even = even * q + c[8]
        even = even * q + c[6]
        even = even * q + c[4]
        even = even * q + c[2]
        even = even * q + c[0]
        odd = c[19]
        odd = odd * q + c[17]
        odd = odd * q + c[15]
        odd = odd * q + c[13]
        odd = odd * q + c[11]
        odd = odd * q + c[9]
        odd = odd * q + c[7]
        odd = odd * q + c[5]
        odd = odd * q + c[3]
        odd = odd * q + c[1]
        return t * (even + s * odd)

    return part(ratio, fastmath={"contract", "nsz"})


@cache
def make_tail() -> Any:
    """Q(|x|): the mass of a standard normal beyond |x|, with all its digits; 0 beyond 36.

    For single values: in a loop write exp(-x x / 2) * ratio(|x|) out, for the compiler does not inline
    a helper of this size, and then makes no vector code of the loop.
    """
    ratio, exp = make_ratio(), make_exp("float64")

    def tail(x: Any) -> Any:
        return exp(-0.5 * x * x) * ratio(abs(x))

    return part(tail, fastmath={"contract", "nsz"})


@cache
def make_between() -> Any:
    """Mass between a <= b, given Q(|a|) and Q(|b|): no digit is lost on either side of 0."""

    def between(a: Any, tail_a: Any, b: Any, tail_b: Any) -> Any:
        one_side = abs(tail_a - tail_b)
        both = 1.0 - tail_a - tail_b
        return both if (a < 0.0) and (b > 0.0) else one_side

    return part(between, fastmath={"contract", "nsz"})


@cache
def make_log_between() -> Any:
    """log of a standard normal's mass between a < b, however far out they are."""
    ratio, exp, tail = make_ratio(), make_exp("float64"), make_tail()

    def log_between(a: float, b: float) -> float:
        if a < 0.0 and b > 0.0:
            return log(1.0 - tail(a) - tail(b))
        near, far = (a, b) if a >= 0.0 else (-b, -a)
        rest = ratio(near) - exp(-0.5 * (far - near) * (far + near)) * ratio(far)
        return log(rest) - 0.5 * near * near

    return part(log_between, fastmath={"contract", "nsz"})


def _bits(context: Any, x: Any) -> Any:
    """The bits of a float64 as an int64."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return builder.bitcast(arguments[0], ir.IntType(64))

    return types.int64(types.float64), generate


def _float(context: Any, n: Any) -> Any:
    """The float64 that has the bits of an int64."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return builder.bitcast(arguments[0], ir.DoubleType())

    return types.float64(types.int64), generate


bits_of: Any = intrinsic(_bits)
float_of: Any = intrinsic(_float)


@cache
def make_log1p() -> Any:
    """log(1 + y) for y >= 0, relative error 1e-15, for tiny y too.

    1 + y = 2^n m with m in [1/sqrt 2, sqrt 2); log m = 2 artanh(s), s = (m - 1) / (m + 1); for small y,
    m - 1 is y itself, so that the sum 1 + y loses nothing.
    """
    log_two, root = float(np.log(2.0)), float(np.sqrt(2.0))
    shift, fraction, bias = np.int64(52), np.int64((1 << 52) - 1), np.int64(1023)
    exponent_of_one = np.int64(1023 << 52)
    c = [1.0 / (2 * i + 1) for i in range(12)]
    c1, c2, c3, c4, c5, c6, c7, c8, c9, c10, c11 = c[1:]

    def log1p(y: Any) -> Any:
        bits = bits_of(1.0 + y)
        n = (bits >> shift) - bias
        m = float_of((bits & fraction) | exponent_of_one)
        above = m > root
        m = 0.5 * m if above else m
        power = float(n) + (1.0 if above else 0.0)
        small = y < 0.41
        f = y if small else m - 1.0
        power = 0.0 if small else power
        s = f / (2.0 + f)
        q = s * s
        e = c6 + q * (c7 + q * (c8 + q * (c9 + q * (c10 + q * c11))))
        e = q * (c1 + q * (c2 + q * (c3 + q * (c4 + q * (c5 + q * e)))))
        return power * log_two + 2.0 * (s + s * e)

    return part(log1p, fastmath={"contract", "nsz"})
