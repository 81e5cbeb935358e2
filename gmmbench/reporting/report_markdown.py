"""The report as a page of Markdown for a person."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from ..scoring import score_lookup
from ..scoring.declaration import PARTS, TABLES, better_words
from .report import Report


def to_markdown(report: Report) -> str:
    """The whole page."""
    lines = [f"# {report.model.option} on {report.image.name}", "", report.headline(), ""]
    lines += [f"**Alarm: {alarm}.** Something is wrong with this score." for alarm in report.alarms]
    for picture in report.pictures:
        shown = next(iter(picture.animations), picture.file)
        lines += [f"![{picture.option}]({shown})", "", f"*{picture.caption}*", ""]
    lines += [f"- `{option}` was not drawn: {reason}." for option, reason in report.skipped.items()]
    lines += [f"- `{option}` failed: {reason}." for option, reason in report.failed.items()]
    lines += [f"## {TABLES['generalisation']}", ""]
    lines += _scores(report, "generalisation", _beside(report))
    lines += _interval(report)
    for table in ("representation", "fidelity"):
        if rows := _scores(report, table):
            lines += ["", f"## {TABLES[table]}", "", *rows]
    lines += ["", f"## {TABLES['normalisation']}", "", *_scores(report, "normalisation"), ""]
    lines += _normalisation_check(report)
    lines += ["", "## Cost", "", *_table(("", "value"), _cost(report))]
    lines += ["", "## Fit", "", *_table(("", "value"), _fit(report))]
    if report.fit.mean:
        lines += ["", "x and y are in pixels from the top left corner, colours and levels in 0..255."]
    lines += ["", "## Data", "", *_table(("", "value"), _data(report))]
    lines += ["", *[f"- {note}" for note in report.image.notes]]
    lines += ["", "## Choices", "", *_table(("option", "value"), list(_flat(report.config.tree())))]
    versions = ", ".join(f"{name} {version}" for name, version in report.versions.items())
    return "\n".join([*lines, "", "## Versions", "", versions, ""])


def _interval(report: Report) -> list[str]:
    interval, patches = report.scores["gain"].interval, report.details.patches
    if patches is None:
        return []
    if interval is None:
        return ["", f"No interval: {patches.count:.1f} independent patches are too few."]
    low, high = interval
    return [
        "",
        f"95 % interval of the information gain: {low:.3f} to {high:.3f}, "
        f"over {patches.count:.0f} independent patches.",
    ]


def _scores(report: Report, table: str, beside: Iterable[tuple[Any, ...]] = ()) -> list[str]:
    """A table of the catalogue: a row for each score that has a value, a column for each part it shows."""
    columns = score_lookup.columns(table)
    parts = list(dict.fromkeys(column.part for column in columns))
    rows = []
    for score in dict.fromkeys(column.score for column in columns):
        found = report.scores[score.key]
        shown = [getattr(found, part) if (table, part) in score.places else None for part in parts]
        if any(value is not None for value in shown):
            values = [_number(value, score.digits) for value in shown]
            rows.append((score.name, *values, found.unit, better_words(score.better)))
    head = ("score", *(PARTS[part] for part in parts), "unit", "better")
    rows += [(name, _cell(value), unit, better) for name, value, unit, better in beside]
    return _table(head, rows) if rows else []


def _number(value: float | None, digits: int) -> str:
    return "none" if value is None else f"{value:z.{digits}f}"


def _beside(report: Report) -> list[tuple[Any, ...]]:
    """The rows beside the scores of generalisation: name, value, unit, and which way is better."""
    details, unit = report.details, report.scores["gain"].unit
    rows: list[tuple[Any, ...]] = []
    if (found := details.classifier) is not None:
        pixel = "bits per pixel"
        rows += [
            ("share of ink, the average precision of chance", found.prevalence, "share", ""),
            ("as a classifier, raw", found.bits_per_pixel_raw, pixel, "lower"),
            ("as a classifier, calibrated", found.bits_per_pixel_calibrated, pixel, "lower"),
            ("information gain once calibrated", found.gain_calibrated, unit, "higher"),
        ]
    rows.append(("entropy of these colours", details.entropy_of_held_out_colours, "bits per dimension", ""))
    baselines = details.baselines or {}
    rows += [(f"baseline: {name.replace('_', ' ')}", value, unit, "") for name, value in baselines.items()]
    return [row for row in rows if row[1] is not None]


def _normalisation_check(report: Report) -> list[str]:
    found, lines = report.details.normalisation_check, []
    if report.not_ranked:
        lines += [f"**Not ranked**: {'; '.join(report.not_ranked)}.", ""]
    if found is not None:
        p = "none" if found.p_value is None else f"{found.p_value:.3g}"
        lines += [
            f"{'It is a density' if found.holds else 'Not a density'}: mass in the box "
            f"{_number(found.mass_in_box, 6)}, {found.share_in_box:.5f} of its samples lie there; "
            f"samples against masses over {found.tiles} tiles, p = {p}; masses {found.how}."
        ]
    elif (law := report.details.law) is not None:
        lines += [f"Its predictive distribution of colour was integrated: {law.integrated}."]
    elif not lines:
        lines += ["A classifier: every probability is one, and nothing else is to be shown."]
    lines += ["", f"{report.details.asked} {_verification(report)}".strip()]
    conventions = sorted({score.convention for score in report.scores.values() if score.convention})
    return [*lines, "", f"Conventions: {', '.join(f'`{name}`' for name in conventions)}."]


def _verification(report: Report) -> str:
    found = report.verification
    if found.verified is None:
        return "Not isolated: the model was fitted in a process that holds the image; `verify=true` verifies."
    word = "Verified" if found.verified else "Not verified"
    return f"{word}, in {found.seconds:.1f} s: {found.why}."


def _cost(report: Report) -> list[tuple[Any, ...]]:
    cost, description = report.cost, report.details.description
    peak, pace = cost.peak_bytes, cost.points_per_second

    def kilobytes(bits: float | None) -> str | None:
        return None if bits is None else f"{bits / 8192:,.1f} KiB"

    return [
        *([("all of this when it was made; the fit is", "from the store")] if cost.cached else []),
        ("seconds of the fit", cost.wall_seconds),
        ("CPU seconds of the fit", cost.cpu_seconds),
        ("seconds of compiling, apart", cost.compile_seconds),
        ("seconds of scoring", cost.score_seconds),
        ("points x iterations a second", None if pace is None else round(pace)),
        ("peak memory", None if peak is None else f"{peak / 2**20:.0f} MiB"),
        ("threads", cost.threads),
        ("parameters", report.fit.n_parameters),
        ("AIC, descriptive", description.aic),
        ("BIC, descriptive", description.bic),
        ("code of the image under the fit", kilobytes(description.image_bits)),
        ("code of the parameters", kilobytes(description.parameter_bits)),
        ("PNG of the image", kilobytes(description.png_bits)),
    ]


def _fit(report: Report) -> list[tuple[Any, ...]]:
    fit = report.fit
    return [
        ("iterations", fit.iterations),
        ("converged", fit.converged),
        *[(f"E[{column}]", value) for column, value in (fit.mean or {}).items()],
        *[(name.replace("_", " "), value) for name, value in fit.facts.items()],
    ]


def _data(report: Report) -> list[tuple[Any, ...]]:
    image = report.image
    return [
        ("image", f"{image.name}, {image.width} x {image.height}, view {image.view}"),
        ("sha256", f"`{image.sha256}`"),
        *[(f"pixels, {part.replace('_', ' ')}", count) for part, count in vars(report.pixels).items()],
        *[(f"points, {part.replace('_', ' ')}", count) for part, count in vars(report.points).items()],
        ("seed", report.seed),
        ("hold-out", f"{report.hold_out:g}, in squares of {report.hold_out_block} px"),
    ]


def _table(head: tuple[str, ...], rows: Iterable[tuple[Any, ...]]) -> list[str]:
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    return lines + ["| " + " | ".join(_cell(item) for item in row) + " |" for row in rows]


def _cell(value: Any) -> str:
    if value is None:
        return "none"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return f"{value:,}"
    return f"{value:z.4f}" if isinstance(value, float) else str(value).replace("|", "\\|")


def _flat(tree: Mapping[str, Any], prefix: str = "") -> Iterable[tuple[str, Any]]:
    for key, value in tree.items():
        if isinstance(value, Mapping):
            yield from _flat(value, f"{prefix}{key}.")
        else:
            yield f"`{prefix}{key}`", str(value) if value is not None else "null"
