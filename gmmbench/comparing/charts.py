"""Where things stand in the charts of the page, in per cent of the plot, which is as wide as the screen."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from .numbers import gain_of, number, pairs_shown, range_of

NARROW, HIGH = 270.0, 300.0
"""The plot on a narrow screen, in px: labels that do not collide there collide nowhere."""

LETTER, LINE = 6.6, 15.0
"""A letter's width and a line's height in the labels, px."""

LONGEST, MANY = 20, 9
"""Letters of a name in a plot, and names in it: with more, points have numbers, and the names stand below."""

NAMED = 24
"""Names in a plot or below it; of more points only those of the frontier have theirs."""


def forest(table: Mapping[str, Any]) -> dict[str, Any] | None:
    """Differences with their corrected intervals; of many those with the best model and of neighbours."""
    shown, left_out = pairs_shown(table)
    if not shown:
        return None
    ends = [end for pair in shown for end in pair["interval_corrected"]]
    low, high = min(0.0, *ends), max(0.0, *ends)
    sizes = [abs(pair["difference"]) for pair in shown if pair["difference"]]
    bent = bool(sizes) and max(sizes) > 15 * min(sizes)
    scale = (lambda x: math.copysign(math.sqrt(abs(x)), x)) if bent else (lambda x: x)
    place = _placer(scale(low), scale(high), 0.03)
    return {
        "bent": bent,
        "long": max(len(pair["better"]) + len(pair["worse"]) for pair in shown) > 26,
        "zero": place(0.0),
        "ticks": [{"at": place(scale(x)), "text": f"{x:g}"} for x in _forest_ticks(low, high, bent)],
        "rows": [
            {
                **pair,
                "low": place(scale(pair["interval_corrected"][0])),
                "high": place(scale(pair["interval_corrected"][1])),
                "at": place(scale(pair["difference"])),
                "value": number(pair["difference"], "gain"),
                "range": range_of(pair["interval_corrected"], "gain"),
            }
            for pair in shown
        ],
        "left_out": left_out,
    }


def _forest_ticks(low: float, high: float, bent: bool) -> list[float]:
    if not bent:
        return nice(low, high, 4)
    far = max(-low, high)
    steps = [far_ for exponent in range(-4, 4) for far_ in (10.0**exponent,) if far * 0.004 <= far_ <= far]
    top = [x for x in nice(0, far, 3)[1:] if x > far * 0.25]
    ticks = sorted({0.0, *steps, *top})
    return [-x for x in reversed(ticks) if 0 < x <= -low] + [x for x in ticks if x <= high]


def frontier_chart(table: Mapping[str, Any], cost: str) -> dict[str, Any] | None:
    """Gain against a cost, on a logarithmic axis on which 0 stands at the left end."""
    points = [
        (row["model"], row["scores"][cost]["mean"], row["gain"])
        for row in table["models"]
        if row["gain"] is not None and row["scores"][cost]["mean"] is not None
    ]
    if len(points) < 2:
        return None
    unit = 2.0**20 if cost == "peak_bytes" else 1.0
    positive = [x / unit for _, x, _ in points if x > 0]
    least = min(positive, default=1.0)
    zero = any(x == 0 for _, x, _ in points)
    floor = math.log10(least) - (0.7 if zero else 0.0)
    across = _placer(floor, math.log10(max(positive, default=10.0)), 0.04, least=0.3)
    gains = [y for _, _, y in points]
    up = _placer(min(gains), max(gains), 0.08, least=1e-9)
    best = table["frontier"][cost]
    placed = [
        {
            "model": label,
            "x": across(math.log10(x / unit) if x > 0 else floor),
            "y": 100 - up(y),
            "best": label in best,
            "cost": number(x, cost),
            "gain": number(y, "gain"),
        }
        for label, x, y in points
    ]
    numbered = len(placed) > MANY or any(len(label) > LONGEST for label, _, _ in points)
    for place, point in enumerate(placed):
        point["number"] = place + 1 if numbered else None
    _labelled(placed)
    ticks = [
        {"at": at, "text": _power(e)}
        for e in range(math.floor(floor) - 1, math.ceil(math.log10(max(positive, default=10.0))) + 2)
        if 0 <= (at := across(e)) <= 100 and (not zero or e > floor + 0.35)
    ]
    if zero:
        ticks = [{"at": across(floor), "text": "0"}, *ticks]
    if len(ticks) < 2:
        ticks = [
            {"at": across(math.log10(x)), "text": f"{x:,g}"}
            for x in nice(least, max(positive), 3)
            if x > 0 and 0 <= across(math.log10(x)) <= 100
        ]
    return {
        "cost": cost,
        "points": placed,
        "numbered": numbered,
        "named": [p for p in placed if p["best"] or len(placed) <= NAMED][:NAMED] if numbered else [],
        "path": sorted((p for p in placed if p["best"]), key=lambda p: p["x"]),
        "x_ticks": ticks,
        "y_ticks": [{"at": 100 - up(y), "text": f"{y:g}"} for y in nice(min(gains), max(gains), 4)],
        "unlabelled": [] if numbered else [p["model"] for p in placed if not p["label"]],
    }


def curve_chart(series: Sequence[Mapping[str, Any]]) -> dict[str, Any] | None:
    """Gain against the number of components, on a logarithmic axis, with intervals over tiles."""
    points = [point for one in series for point in one["points"]]
    if not points:
        return None
    counts = sorted({point["components"] for point in points})
    ends = [end for point in points for end in (point["interval"] or (point["gain"], point["gain"]))]
    across = _placer(math.log(counts[0]), math.log(counts[-1]), 0.06)
    up = _placer(min(ends), max(ends), 0.06, least=1e-9)

    def placed(point: Mapping[str, Any]) -> dict[str, Any]:
        low, high = point["interval"] or (point["gain"], point["gain"])
        return {
            "x": across(math.log(point["components"])),
            "y": 100 - up(point["gain"]),
            "low": 100 - up(low),
            "high": 100 - up(high),
            "text": f"{point['components']} components: {number(point['gain'], 'gain')}",
        }

    marks: list[float] = []
    for count in counts:
        at = across(math.log(count))
        if not marks or at - across(math.log(marks[-1])) > 12:
            marks.append(count)
    return {
        "series": [{"model": one["model"], "points": [placed(p) for p in one["points"]]} for one in series],
        "x_ticks": [{"at": across(math.log(count)), "text": f"{count:,}"} for count in marks],
        "y_ticks": [{"at": 100 - up(y), "text": f"{y:g}"} for y in nice(min(ends), max(ends), 4)],
    }


def bar(row: Mapping[str, Any], table: Mapping[str, Any]) -> float:
    """A model's gain in per cent of the best there is: the ceiling, or the best gain of the table."""
    tops = [row["scores"]["ceiling"]["mean"], *(gain_of(other) for other in table["models"])]
    top = max((x for x in tops if x is not None), default=0.0)
    return min(100.0, max(0.0, 100 * (gain_of(row) or 0.0) / top)) if top > 0 else 0.0


def nice(low: float, high: float, about: int) -> list[float]:
    """Round numbers from low to high, `about` as many."""
    if not high > low:
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


def _labelled(points: Sequence[dict[str, Any]]) -> None:
    """Give each point a label where it collides with none, those of the frontier first."""
    taken = [(p["x"] * NARROW / 100 - 6, p["y"] * HIGH / 100 - 6, 12.0, 12.0) for p in points]
    for point in points:
        point["label"] = None
    for point in sorted(
        (p for p in points if p["best"] or len(points) <= NAMED), key=lambda p: not p["best"]
    ):
        text = str(point["number"] or point["model"])
        wide = len(text) * LETTER
        x, y = point["x"] * NARROW / 100, point["y"] * HIGH / 100
        ways = [(side, up) for up in (0, -16, 16, -30, 30, -44, 44) for side in ("start", "end")]
        for side, up in ways:
            left = x + 10 if side == "start" else x - 10 - wide
            box = (left, y + up - LINE / 2, wide, LINE)
            inside = left >= -30 and left + wide <= NARROW + 12 and 0 <= y + up <= HIGH
            if inside and not any(_overlap(box, other) for other in taken):
                taken.append(box)
                point["label"] = {
                    "text": text,
                    "anchor": side,
                    "dx": 10 if side == "start" else -10,
                    "dy": up,
                }
                break


def _overlap(a: tuple[float, ...], b: tuple[float, ...]) -> bool:
    return a[0] < b[0] + b[2] and b[0] < a[0] + a[2] and a[1] < b[1] + b[3] and b[1] < a[1] + a[3]
