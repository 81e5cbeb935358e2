"""The information gain against the number of components, where runs of one model differ in it."""

from __future__ import annotations

from collections.abc import Sequence

from .schema import Curve, CurvePoint, ModelRow


def curves(models: Sequence[ModelRow]) -> tuple[Curve, ...]:
    """A curve for each set of a table's models that differ in `components` alone."""
    series: dict[str, list[CurvePoint]] = {}
    for row in models:
        components, gain = row.parameters.get("components"), row.shown_gain
        if isinstance(components, bool) or not isinstance(components, int):
            continue
        if components > 0 and gain is not None:
            parts = [part for part in row.model.split(" ") if not part.startswith("components=")]
            series.setdefault(" ".join(parts), []).append(
                CurvePoint(components, gain, row.interval, row.letters)
            )
    return tuple(
        Curve(name, tuple(sorted(points, key=lambda point: point.components)))
        for name, points in series.items()
        if len({point.components for point in points}) > 1
    )
