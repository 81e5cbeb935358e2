"""The charts of the page: positions in per cent of a plot that is as wide as the screen allows."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from .labels import Label, place_labels
from .numbers import number, pairs_shown, range_of
from .schema import Curve, CurvePoint, ImageTable, ModelRow, PairRow

LONGEST, MANY = 20, 9
"""Letters of a name and number of names in a plot; beyond, points are numbered and named below."""

NAMED = 24
"""Names in a plot or below it; with more points only those of the Pareto front are named."""


@dataclass(frozen=True)
class Tick:
    """A mark on an axis."""

    at: float
    text: str


@dataclass(frozen=True)
class ForestRow:
    """A pair in the forest plot: its corrected interval and its difference, as places and as text."""

    pair: PairRow
    low: float
    high: float
    at: float
    value: str
    range: str


@dataclass(frozen=True)
class Forest:
    """A forest plot.

    Attributes:
        square_root: whether the scale is that of signed square roots, for small differences to be seen.
        long: whether the names need a wide column.
        left_out: pairs that are not shown.
    """

    square_root: bool
    long: bool
    zero: float
    ticks: tuple[Tick, ...]
    rows: tuple[ForestRow, ...]
    left_out: int


def forest(table: ImageTable) -> Forest | None:
    """The pairs of a table with their corrected intervals; None where there is none with an interval."""
    pairs, left_out = pairs_shown(table)
    intervals = [pair.interval_corrected or (0.0, 0.0) for pair in pairs]
    if not pairs:
        return None
    ends = [end for interval in intervals for end in interval]
    low, high = min(0.0, *ends), max(0.0, *ends)
    sizes = [abs(pair.difference) for pair in pairs if pair.difference]
    square_root = bool(sizes) and max(sizes) > 15 * min(sizes)
    scale = _signed_root if square_root else float
    place = _placer(scale(low), scale(high), 0.03)
    rows = [
        ForestRow(
            pair=pair,
            low=place(scale(interval[0])),
            high=place(scale(interval[1])),
            at=place(scale(pair.difference)),
            value=number(pair.difference, "gain"),
            range=range_of(interval, "gain"),
        )
        for pair, interval in zip(pairs, intervals, strict=True)
    ]
    return Forest(
        square_root=square_root,
        long=max(len(pair.better) + len(pair.worse) for pair in pairs) > 26,
        zero=place(0.0),
        ticks=tuple(Tick(place(scale(x)), f"{x:g}") for x in _forest_ticks(low, high, square_root)),
        rows=tuple(rows),
        left_out=left_out,
    )


def _signed_root(x: float) -> float:
    return math.copysign(math.sqrt(abs(x)), x)


def _forest_ticks(low: float, high: float, square_root: bool) -> list[float]:
    if not square_root:
        return nice(low, high, 4)
    far = max(-low, high)
    powers = [10.0**exponent for exponent in range(-4, 4) if far * 0.004 <= 10.0**exponent <= far]
    top = [x for x in nice(0, far, 3)[1:] if x > far * 0.25]
    ticks = sorted({0.0, *powers, *top})
    return [-x for x in reversed(ticks) if 0 < x <= -low] + [x for x in ticks if x <= high]


@dataclass(frozen=True)
class Point:
    """A model in a chart of gain against cost; `number` replaces its name in crowded charts."""

    model: str
    x: float
    y: float
    on_front: bool
    cost: str
    gain: str
    number: int | None
    label: Label | None


@dataclass(frozen=True)
class ParetoChart:
    """The information gain against a cost.

    Attributes:
        front: the points of the Pareto front, from left to right.
        numbered: whether points are numbered. named: those whose names are listed below.
        unlabelled: models whose names did not fit into the plot.
    """

    cost: str
    points: tuple[Point, ...]
    front: tuple[Point, ...]
    numbered: bool
    named: tuple[Point, ...]
    unlabelled: tuple[str, ...]
    x_ticks: tuple[Tick, ...]
    y_ticks: tuple[Tick, ...]


def pareto_chart(table: ImageTable, cost: str) -> ParetoChart | None:
    """Gain against a cost on a logarithmic axis (left end 0 where a cost is 0); None below two points."""
    models = [
        (row.model, row.scores[cost].mean or 0.0, row.gain)
        for row in table.models
        if row.gain is not None and row.scores[cost].mean is not None
    ]
    if len(models) < 2:
        return None
    axis = _CostAxis.of([x for _, x, _ in models], 2.0**20 if cost == "peak_bytes" else 1.0)
    gains = [gain for _, _, gain in models]
    up = _placer(min(gains), max(gains), 0.08, least=1e-9)
    numbered = len(models) > MANY or any(len(label) > LONGEST for label, _, _ in models)
    front = table.pareto_fronts[cost]
    wanted = [
        (axis.place(x), 100 - up(gain), str(place) if numbered else label, label in front)
        for place, (label, x, gain) in enumerate(models, 1)
    ]
    labels = place_labels(wanted, only_front=len(models) > NAMED)
    points = tuple(
        Point(
            model=label,
            x=at[0],
            y=at[1],
            on_front=label in front,
            cost=number(x, cost),
            gain=number(gain, "gain"),
            number=place if numbered else None,
            label=name,
        )
        for place, ((label, x, gain), at, name) in enumerate(zip(models, wanted, labels, strict=True), 1)
    )
    below = [point for point in points if point.on_front or len(points) <= NAMED]
    return ParetoChart(
        cost=cost,
        points=points,
        front=tuple(sorted((point for point in points if point.on_front), key=lambda point: point.x)),
        numbered=numbered,
        named=tuple(below[:NAMED]) if numbered else (),
        unlabelled=() if numbered else tuple(point.model for point in points if point.label is None),
        x_ticks=axis.ticks(),
        y_ticks=tuple(Tick(100 - up(y), f"{y:g}") for y in nice(min(gains), max(gains), 4)),
    )


@dataclass(frozen=True)
class _CostAxis:
    """A logarithmic axis in a unit; with `zero`, a cost of 0 is at its left end `floor` (log10)."""

    unit: float
    least: float
    most: float
    zero: bool

    @staticmethod
    def of(values: Sequence[float], unit: float) -> _CostAxis:
        positive = [x / unit for x in values if x > 0]
        zero = len(positive) < len(values)
        return _CostAxis(unit, min(positive, default=1.0), max(positive, default=10.0), zero)

    @property
    def floor(self) -> float:
        return math.log10(self.least) - (0.7 if self.zero else 0.0)

    def at(self, exponent: float) -> float:
        return _placer(self.floor, math.log10(self.most), 0.04, least=0.3)(exponent)

    def place(self, value: float) -> float:
        return self.at(math.log10(value / self.unit) if value > 0 else self.floor)

    def ticks(self) -> tuple[Tick, ...]:
        exponents = range(math.floor(self.floor) - 1, math.ceil(math.log10(self.most)) + 2)
        ticks = [
            Tick(self.at(e), _power(e))
            for e in exponents
            if 0 <= self.at(e) <= 100 and (not self.zero or e > self.floor + 0.35)
        ]
        if self.zero:
            ticks = [Tick(self.at(self.floor), "0"), *ticks]
        if len(ticks) < 2:
            round_numbers = [x for x in nice(self.least, self.most, 3) if x > 0]
            placed = [Tick(self.at(math.log10(x)), f"{x:,g}") for x in round_numbers]
            ticks = [tick for tick in placed if 0 <= tick.at <= 100]
        return tuple(ticks)


@dataclass(frozen=True)
class PlacedPoint:
    """A point of a curve with its interval and its label."""

    x: float
    y: float
    low: float
    high: float
    text: str


@dataclass(frozen=True)
class PlacedCurve:
    """A curve in its chart."""

    model: str
    points: tuple[PlacedPoint, ...]


@dataclass(frozen=True)
class CurveChart:
    """The information gain against the number of components."""

    series: tuple[PlacedCurve, ...]
    x_ticks: tuple[Tick, ...]
    y_ticks: tuple[Tick, ...]


def curve_chart(curves: Sequence[Curve]) -> CurveChart | None:
    """Gain against the number of components on a logarithmic axis, with intervals."""
    points = [point for curve in curves for point in curve.points]
    if not points:
        return None
    counts = sorted({point.components for point in points})
    ends = [end for point in points for end in _ends(point)]
    across = _placer(math.log(counts[0]), math.log(counts[-1]), 0.06)
    up = _placer(min(ends), max(ends), 0.06, least=1e-9)

    def placed(point: CurvePoint) -> PlacedPoint:
        low, high = _ends(point)
        return PlacedPoint(
            x=across(math.log(point.components)),
            y=100 - up(point.gain),
            low=100 - up(low),
            high=100 - up(high),
            text=f"{point.components} components: {number(point.gain, 'gain')}",
        )

    ticks: list[Tick] = []
    for count in counts:
        at = across(math.log(count))
        if not ticks or at - ticks[-1].at > 12:
            ticks.append(Tick(at, f"{count:,}"))
    return CurveChart(
        series=tuple(PlacedCurve(curve.model, tuple(map(placed, curve.points))) for curve in curves),
        x_ticks=tuple(ticks),
        y_ticks=tuple(Tick(100 - up(y), f"{y:g}") for y in nice(min(ends), max(ends), 4)),
    )


def _ends(point: CurvePoint) -> tuple[float, float]:
    return point.interval or (point.gain, point.gain)


def bar(row: ModelRow, table: ImageTable) -> float:
    """A model's gain in per cent of the largest there can be: the ceiling, or the best gain of the table."""
    tops = [row.scores["ceiling"].mean, *(other.shown_gain for other in table.models)]
    top = max((x for x in tops if x is not None), default=0.0)
    return min(100.0, max(0.0, 100 * (row.shown_gain or 0.0) / top)) if top > 0 else 0.0


def nice(low: float, high: float, about: int) -> list[float]:
    """About so many round numbers from low to high."""
    if not high - low > 1e-300:  # nothing between them that floating point could divide
        return [low]
    raw = (high - low) / about
    size = 10.0 ** math.floor(math.log10(raw))
    step = next(size * times for times in (1, 2, 5, 10) if size * times >= raw)
    first = math.ceil(low / step - 1e-9)
    return [round(k * step, 12) for k in range(first, math.floor(high / step + 1e-9) + 1)]


def _placer(low: float, high: float, margin: float, least: float = 1e-12) -> Callable[[float], float]:
    """From a value to per cent of the plot, with a margin at both ends."""
    if high - low < least:
        low, high = low - least / 2, high + least / 2
    pad = (high - low) * margin
    return lambda x: round(100 * (x - low + pad) / (high - low + 2 * pad), 3)


def _power(exponent: int) -> str:
    return f"{10**exponent:,}" if 0 <= exponent <= 6 else f"{10.0**exponent:g}"
