"""The comparison as a page of Markdown for a person."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from .numbers import columns_of, gain_of, number, of_seeds, pairs_shown, range_of, unit_of
from .seeds import COLUMNS

SECTIONS = {
    "generalisation": "Generalisation: pixels no model has seen",
    "representation": "Representation: pixels they were fitted to",
    "fidelity": "Fidelity: the expected picture",
    "cost": "Cost of a fit",
}


def page(data: Mapping[str, Any]) -> str:
    """The whole page from what comparison.json holds."""
    lines = ["# Comparison", "", *(f"**{_safe(sentence)}**\n" for sentence in data["answer"])]
    lines += [f"- {_safe(note)}" for note in data["notes"]]
    for table in data["tables"]:
        lines += ["", f"## {_safe(table['title'])} ({table['view']})", "", _safe(table["answer"])]
        if table["narrowed"]:
            lines += ["", _safe(f"Seeds: {'; '.join(table['narrowed'])}.")]
        for section, title in SECTIONS.items():
            lines += _section(table, section, title)
        lines += _pairs(table)
    if len(data["tables"]) > 1:
        for found in data["across_images"]:
            lines += _across(found)
    lines += _failures(data["runs"])
    return "\n".join([*lines, ""])


def _section(table: Mapping[str, Any], section: str, title: str) -> list[str]:
    ranking = section == "generalisation"
    columns = [name for name in columns_of(table, section) if name != "gain"]
    if not columns and not ranking:
        return []
    rows = []
    for row in table["models"]:
        place = [row["tier"] or row["not_ranked"], row["model"]]
        gain = [number(gain_of(row), "gain"), range_of(row["interval"], "gain")]
        counted = len(row["seeds_counted"])
        rows.append(
            [
                *([*place, *gain] if ranking else place[1:]),
                *(_score(row["scores"][name], name, counted) for name in columns),
                of_seeds(counted, len(table["seeds"])),
            ]
        )
    head = ["tier", "model", f"gain, {table['unit']}", "95 % over tiles"] if ranking else ["model"]
    names = [", ".join(filter(None, (COLUMNS[name].title, unit_of(table, name)))) for name in columns]
    return ["", f"### {title}", "", *_table([*head, *names, "runs"], rows)]


def _score(score: Mapping[str, Any], name: str, counted: int) -> str:
    if score["mean"] is None:
        return ""
    missing = "" if score["n"] == counted else of_seeds(score["n"], score["of"])
    told = ", ".join(filter(None, (range_of(score["interval"], name), missing)))
    return number(score["mean"], name) + (f" ({told})" if told else "")


def _pairs(table: Mapping[str, Any]) -> list[str]:
    pairs, left_out = pairs_shown(table)
    if not pairs:
        return []
    rows = [
        [
            pair["better"],
            pair["worse"],
            number(pair["difference"], "gain"),
            range_of(pair["interval_corrected"], "gain"),
            f"{pair['p_corrected']:.2g}",
            "yes" if pair["told_apart"] else "cannot tell",
        ]
        for pair in pairs
    ]
    head = ["better", "than", f"by, {table['unit']}", "95 %, corrected", "p, corrected", "really?"]
    more = ["", f"{left_out:,} more pairs are in comparison.json."] if left_out else []
    return ["", "### Paired differences", "", *_table(head, rows), *more]


def _across(found: Mapping[str, Any]) -> list[str]:
    lines = ["", f"## Over images: {found['view']}, {', '.join(map(_safe, found['images']))}", ""]
    if found["mean_ranks"]:
        rows = [[row["model"], f"{row['mean_rank']:.2f}"] for row in found["mean_ranks"]]
        lines += _table(["model", "mean rank"], rows)
    else:
        lines += [f"No mean ranks: {found['why_no_ranks']}."]
    lines += [
        f"\n{_safe(left['model'])} is left out of them: ranked on {left['images']} of {left['of']} images."
        for left in found["left_out"]
    ]
    if found["why_no_tests"]:
        return [*lines, "", f"No test over images: {found['why_no_tests']}."]
    head = ["better", "than", f"by, {found['unit']}", "images", "p, corrected", "really?"]
    rows = [
        [
            row["better"],
            row["worse"],
            number(row["mean_difference"], "gain"),
            row["images"],
            f"{row['p_corrected']:.2g}",
            "yes" if row["told_apart"] else "cannot tell",
        ]
        for row in found["tests"]
    ]
    return [*lines, "", *_table(head, rows)]


def _failures(runs: Sequence[Mapping[str, Any]]) -> list[str]:
    rows = [[row["run"], row["status"], row["reason"]] for row in runs if row["status"] != "ranked"]
    if not rows:
        return []
    return ["", "## Failed or not ranked", "", *_table(["run", "status", "reason"], rows)]


def _table(head: Sequence[str], rows: Iterable[Sequence[object]]) -> list[str]:
    lines = ["| " + " | ".join(map(_safe, head)) + " |", "|" + "---|" * len(head)]
    return lines + ["| " + " | ".join(_safe(cell) for cell in row) + " |" for row in rows]


def _safe(value: object) -> str:
    """Text that stays text: no table cell ends in it, and no tag begins."""
    text = " ".join(str(value).split())
    for letter, safe in (("&", "&amp;"), ("<", "&lt;"), (">", "&gt;"), ("|", "\\|")):
        text = text.replace(letter, safe)
    return text
