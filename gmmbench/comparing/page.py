"""The comparison as one self-contained page of HTML: templates/ holds its looks, this what stands in it."""

from __future__ import annotations

import base64
import hashlib
import json
import os
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any
from urllib.parse import quote

from .charts import bar, curve_chart, forest, frontier_chart
from .delta_maps import MOST, chosen_pairs, delta_maps
from .in_markdown import SECTIONS
from .means import COLUMNS
from .runs import Entry, Group
from .shown import columns_of, gain_of, number, of_seeds, range_of, unit_of
from .thumbnails import FINE, SIDE, Thumbnail, thumbnail

PICTURES = 1200
"""Thumbnails in a page at the most: 240 px each, some 10 MB."""

FEW = 80
"""Up to so many pictures thumbnails are twice as large, for screens of twice the resolution."""

MAPS = 240
"""Maps of differences in a page at the most."""

COSTS = {"wall_seconds": "seconds of the fit", "n_parameters": "parameters", "peak_bytes": "peak memory, MiB"}


def page(data: Mapping[str, Any], entries: Sequence[Entry], groups: Sequence[Group], folder: Path) -> str:
    """The whole page. Links to full pictures are relative to `folder`, where it is to stand."""
    from jinja2 import Environment, PackageLoader, StrictUndefined
    from markupsafe import Markup

    environment = Environment(
        loader=PackageLoader("gmmbench", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(num=number, range=range_of)
    style, script = _template("page.css"), _template("page.js")
    many = sum(len(_wanted(group)) for group in groups)
    pictures = _Pictures(folder, FINE if many <= FEW else SIDE)
    each = max(1, min(MOST, MAPS // max(1, len(groups))))
    parts = [
        _part(place, table, group, pictures, each)
        for place, (table, group) in enumerate(zip(data["tables"], groups, strict=True))
    ]
    return environment.get_template("page.html").render(
        data=data,
        parts=parts,
        made=_made(entries, data["runs"]),
        versions=_versions(entries),
        failed=[row for row in data["runs"] if row["status"] != "ranked"],
        counts=_counts(data),
        costs=COSTS,
        left_out=pictures.left_out,
        style=Markup(style),
        script=Markup(script),
        policy=f"default-src 'none'; img-src data:; style-src {_hash(style)}; script-src {_hash(script)}",
    )


class _Pictures:
    """Makes thumbnails until there are PICTURES of them, and counts the others."""

    def __init__(self, folder: Path, side: int) -> None:
        self.folder, self.side = folder.resolve(), side
        self.made = self.left_out = 0

    def of(self, file: Path) -> Mapping[str, Any] | None:
        """The thumbnail in the file and the address of the full picture; None where there is none."""
        if self.made >= PICTURES:
            self.left_out += 1
            return None
        found: Thumbnail | None = thumbnail(file, self.side)
        if found is None:
            return None
        self.made += 1
        address = quote(os.path.relpath(file.resolve(), self.folder).replace(os.sep, "/"))
        wide = found.width / found.height
        return {"uri": found.uri, "width": found.width, "height": found.height, "wide": wide, "link": address}


def _part(
    place: int, table: Mapping[str, Any], group: Group, pictures: _Pictures, maps: int
) -> dict[str, Any]:
    ranked = [row["model"] for row in table["models"] if row["gain"] is not None]
    return {
        "id": f"image-{place}",
        "table": table,
        "sections": [_section(table, key, title) for key, title in SECTIONS.items() if _has(table, key)],
        "forest": forest(table),
        "frontiers": [chart for cost in COSTS if (chart := frontier_chart(table, cost)) is not None],
        "curves": curve_chart(table["curves"]),
        "sheet": _sheet(place, table, group, pictures),
        "maps": delta_maps(group, chosen_pairs(ranked), maps) if len(ranked) > 1 else None,
        "map_unit": "bits per pixel and dimension" if table["view"] == "colour" else "bits per pixel",
    }


def _has(table: Mapping[str, Any], section: str) -> bool:
    return section == "generalisation" or bool(columns_of(table, section))


def _section(table: Mapping[str, Any], section: str, title: str) -> dict[str, Any]:
    """A sortable table: columns, and rows of cells with their text, what stands below it, and what sorts it."""
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


def _wanted(group: Group) -> list[tuple[str, str, Path, str]]:
    """(model, renderer, file, caption) of each picture that the contact sheet shows, of one seed a model.

    It is the first seed that is counted; what another run of the same fit drew is shown with it.
    """
    found = []
    for label, by_seed in group.runs.items():
        seed = _seed_shown(group, label)
        drawn: dict[str, tuple[Path, str]] = {}
        for entry in by_seed[seed]:
            for picture in entry.report.get("pictures", []):
                drawn.setdefault(picture["option"], (entry.path / picture["file"], picture["caption"]))
        found += [(label, option, file, caption) for option, (file, caption) in drawn.items()]
    return found


def _seed_shown(group: Group, label: str) -> int:
    return min(group.counted(label), default=min(group.runs[label]))


def _sheet(place: int, table: Mapping[str, Any], group: Group, pictures: _Pictures) -> dict[str, Any]:
    """The contact sheet: a strip for each renderer, in it the original and a picture of each model."""
    wanted = {(label, option): (file, caption) for label, option, file, caption in _wanted(group)}
    first = next(iter(next(iter(group.runs.values())).values()))[0]
    original = pictures.of(first.path / "original.png")
    seeds = {row["model"]: _seed_shown(group, row["model"]) for row in table["models"]}
    strips = []
    for option in dict.fromkeys(option for _, option in wanted):
        cells: list[dict[str, Any]] = []
        missing: dict[str, list[str]] = {}
        for row in table["models"]:
            label = row["model"]
            file, caption = wanted.get((label, option), (None, ""))
            picture = pictures.of(file) if file else None
            if picture:
                name = f"picture-{place}-{len(strips)}-{len(cells)}"
                cells.append({**row, "id": name, "picture": picture, "caption": caption})
            else:
                why = _why_not_drawn(group.runs[label][seeds[label]]).get(option, "not asked for")
                missing.setdefault("left out, or not to be read" if file else why, []).append(label)
        strips.append({"option": option, "cells": cells, "missing": missing})
    return {
        "original": original,
        "strips": strips,
        "seeds": sorted(set(seeds.values())),
        "pairs": list(_beside(original, strips)),
    }


def _why_not_drawn(entries: Sequence[Entry]) -> dict[str, str]:
    why: dict[str, str] = {}
    for entry in entries:
        why |= {option: f"not drawn: {reason}" for option, reason in entry.report.get("skipped", {}).items()}
        why |= {option: f"failed: {reason}" for option, reason in entry.report.get("failed", {}).items()}
    return why


def _beside(
    original: Mapping[str, Any] | None, strips: Sequence[Mapping[str, Any]]
) -> Iterator[dict[str, Any]]:
    """The pictures that lie on the original: those of its shape."""
    for strip in strips:
        for cell in strip["cells"]:
            if original and abs(cell["picture"]["wide"] / original["wide"] - 1) < 0.02:
                yield {"model": cell["model"], "option": strip["option"], "id": cell["id"]}


def _made(entries: Sequence[Entry], rows: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """How each run was made."""
    usual = _versions(entries)
    found = []
    for entry, row in zip(entries, rows, strict=True):
        report = entry.report
        if not report:
            continue
        versions = report.get("versions", {})
        found.append(
            {
                "row": row,
                "config": json.dumps(report["config"], indent=1, ensure_ascii=False),
                "versions": "" if versions == usual else _listed(versions),
                "certificate": _certificate(report),
                "image": [*report["image"].get("notes", []), f"sha256 {report['image']['sha256']}"],
                "threads": report["cost"].get("threads"),
            }
        )
    return found


def _versions(entries: Sequence[Entry]) -> Mapping[str, str]:
    """The versions behind the first run: where another has others, it says so."""
    return next((entry.report.get("versions", {}) for entry in entries if entry.report), {})


def _listed(versions: Mapping[str, str]) -> str:
    return ", ".join(f"{name} {version}" for name, version in versions.items())


def _certificate(report: Mapping[str, Any]) -> str:
    details = report.get("details", {})
    if (found := details.get("certificate")) is not None:
        p = "none" if found["p_value"] is None else f"{found['p_value']:.3g}"
        verdict = "It is a density" if found["holds"] else f"Not a density ({'; '.join(found['reasons'])})"
        return (
            f"{verdict}: mass in the image {found['mass_in_box']:.6f}, {found['share_in_box']:.5f} of its draws lie "
            f"there; draws against masses over {found['tiles']} tiles, p = {p}; masses {found['how']}."
        )
    if (law := details.get("law")) is not None:
        return f"Its law of colour was integrated: {law['integrated']}."
    return "A classifier: every probability is one, and nothing else is to be shown."


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
    return files("gmmbench").joinpath("templates", name).read_text(encoding="utf-8")


def _hash(text: str) -> str:
    """What the page's security policy lets in: this text and no other."""
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"
