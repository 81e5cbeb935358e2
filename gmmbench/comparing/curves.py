"""Scores against the number of components, where runs of one model differ in it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from .numbers import gain_of


def curves(models: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """From a table's models: a series for all that differ in `components` alone, in its order.

    A point is the gain of the ranking; of a model that is not ranked, its mean over seeds.
    """
    series: dict[str, list[dict[str, Any]]] = {}
    for row in models:
        components = row["parameters"].get("components")
        gain = gain_of(row)
        if isinstance(components, int) and not isinstance(components, bool) and gain is not None:
            words = [word for word in row["model"].split(" ") if not word.startswith("components=")]
            point = {"components": components, "gain": gain, "interval": row["interval"], "tier": row["tier"]}
            series.setdefault(" ".join(words), []).append(point)
    return [
        {"model": name, "points": sorted(points, key=lambda point: point["components"])}
        for name, points in series.items()
        if len({point["components"] for point in points}) > 1
    ]
