"""The comparison as one self-contained page of HTML: templates/ holds its looks, this what stands in it."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping, Sequence
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

from .charts import bar, curve_chart, forest, frontier_chart
from .comparison_markdown import SECTIONS
from .contact_sheet import Pictures, sheet, wanted
from .delta_maps import MOST, chosen_pairs, delta_maps
from .find import Entry, Group
from .numbers import columns_of, gain_of, number, of_seeds, range_of, unit_of
from .run_details import made, versions_of
from .seeds import COLUMNS

MAPS = 240
"""Maps of differences in a page at the most."""

COSTS = {"wall_seconds": "seconds of the fit", "n_parameters": "parameters", "peak_bytes": "peak memory, MiB"}


def page(data: Mapping[str, Any], entries: Sequence[Entry], groups: Sequence[Group], folder: Path) -> str:
    """The whole page. Links to full pictures are relative to `folder`, where it is to stand."""
    from jinja2 import Environment, PackageLoader, StrictUndefined
    from markupsafe import Markup

    environment = Environment(
        loader=PackageLoader("gmmbench.comparing", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(num=number, range=range_of)
    style, script = _template("page.css"), _template("page.js")
    pictures = Pictures(folder, sum(len(wanted(group)) for group in groups))
    each = max(1, min(MOST, MAPS // max(1, len(groups))))
    parts = [
        _part(place, table, group, pictures, each)
        for place, (table, group) in enumerate(zip(data["tables"], groups, strict=True))
    ]
    return environment.get_template("page.html").render(
        data=data,
        parts=parts,
        made=made(entries, data["runs"]),
        versions=versions_of(entries),
        failed=[row for row in data["runs"] if row["status"] != "ranked"],
        counts=_counts(data),
        costs=COSTS,
        left_out=pictures.left_out,
        style=Markup(style),
        script=Markup(script),
        policy=f"default-src 'none'; img-src data:; style-src {_hash(style)}; script-src {_hash(script)}",
    )


def _part(
    place: int, table: Mapping[str, Any], group: Group, pictures: Pictures, maps: int
) -> dict[str, Any]:
    ranked = [row["model"] for row in table["models"] if row["gain"] is not None]
    return {
        "id": f"image-{place}",
        "table": table,
        "sections": [_section(table, key, title) for key, title in SECTIONS.items() if _has(table, key)],
        "forest": forest(table),
        "frontiers": [chart for cost in COSTS if (chart := frontier_chart(table, cost)) is not None],
        "curves": curve_chart(table["curves"]),
        "sheet": sheet(place, table, group, pictures),
        "maps": delta_maps(group, chosen_pairs(ranked), maps) if len(ranked) > 1 else None,
        "map_unit": "bits per pixel and dimension" if table["view"] == "colour" else "bits per pixel",
    }


def _has(table: Mapping[str, Any], section: str) -> bool:
    return section == "generalisation" or bool(columns_of(table, section))


def _section(table: Mapping[str, Any], section: str, title: str) -> dict[str, Any]:
    """A sortable table: columns, and rows of cells: text, what stands below it, and what sorts it."""
    names = columns_of(table, section)
    if section == "generalisation":
        names = ["gain", *(name for name in names if name != "gain")]
    columns = [
        {
            "name": name,
            "title": COLUMNS[name].title,
            "unit": unit_of(table, name),
            "better": COLUMNS[name].better,
        }
        for name in names
    ]
    rows = [
        {
            "model": row["model"],
            "tier": row["tier"],
            "not_ranked": row["not_ranked"],
            "cells": [_cell(table, row, section, name) for name in names],
            "seeds": of_seeds(len(row["seeds_counted"]), len(table["seeds"])),
            "seeds_counted": len(row["seeds_counted"]),
            "short": len(row["seeds_counted"]) < len(table["seeds"]),
        }
        for row in table["models"]
    ]
    return {"key": section, "title": title, "columns": columns, "rows": rows}


def _cell(table: Mapping[str, Any], row: Mapping[str, Any], section: str, name: str) -> dict[str, Any]:
    score = row["scores"][name]
    headline = section == "generalisation" and name == "gain"
    value = gain_of(row) if headline else score["mean"]
    interval = row["interval"] if headline else score["interval"]
    units = unit_of(table, name)
    notes = [range_of(interval, name)]
    if value is not None and score["n"] != len(row["seeds_counted"]):
        notes.append(of_seeds(score["n"], score["of"]))
    if value is not None and not units and name.startswith("log_likelihood"):
        notes.append(score["unit"])  # a classifier's is another unit than a density's
    return {
        "text": number(value, name),
        "below": [note for note in notes if note],
        "sort": value,
        "why": score["reason"] or "",
        "bar": bar(row, table) if headline and value is not None else None,
    }


def _counts(data: Mapping[str, Any]) -> dict[str, int]:
    runs = [row for row in data["runs"] if "model" in row]
    return {
        "run": len(runs),
        "image": len({table["sha256"] for table in data["tables"]}),
        "model": len({row["model"] for row in runs}),
        "seed": len({row["seed"] for row in runs}),
        "failed job": len(data["runs"]) - len(runs),
    }


@cache
def _template(name: str) -> str:
    return files("gmmbench.comparing").joinpath("templates", name).read_text(encoding="utf-8")


def _hash(text: str) -> str:
    """What the page's security policy lets in: this text and no other."""
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"
