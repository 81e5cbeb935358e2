"""The comparison of runs: what their folders say, ranked where they may be; writes nothing."""

from __future__ import annotations

import csv
import io
import json
import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from . import answers
from .curves import curves
from .find import Entry, Group, find, groups, labels
from .image_tests import over_images
from .numbers import gain_of
from .reproduce import command
from .seeds import COLUMNS, over_seeds, value
from .verdicts import Verdict, frontier, judge, pair_row

__all__ = ["Comparison", "compare", "find"]

SCHEMA_VERSION = 2
COSTS = ("wall_seconds", "n_parameters", "peak_bytes")
"""What the frontier weighs the gain against."""


@dataclass(frozen=True, eq=False)
class Comparison:
    """A comparison: `data` is what comparison.json holds, made from entries and groups."""

    data: Mapping[str, Any]
    entries: tuple[Entry, ...]
    groups: tuple[Group, ...]

    def __getitem__(self, key: str) -> Any:
        return self.data[key]

    def to_json(self) -> str:
        """The comparison for a program."""
        return json.dumps(self.data, indent=2, ensure_ascii=False, allow_nan=False) + "\n"

    def to_csv(self) -> str:
        """Its rows, one a run."""
        rows = self.data["runs"]
        table = io.StringIO()
        writer = csv.DictWriter(
            table, list(dict.fromkeys(key for row in rows for key in row)), lineterminator="\n"
        )
        writer.writeheader()
        writer.writerows(rows)
        return table.getvalue()

    def to_markdown(self) -> str:
        """The comparison for a person."""
        from .comparison_markdown import page

        return page(self.data)

    def to_html(self, folder: str | Path) -> str:
        """The comparison as one page, whose links to full pictures start at the folder it is to stand in."""
        from .page import page

        return page(self.data, self.entries, self.groups, Path(folder))


def compare(folders: Iterable[str | Path]) -> Comparison:
    """Compare the runs at or below the folders.

    A table has one image, view, hold-out and convention. In it the per-pixel gains of each model are averaged
    over the seeds that all ranked models share, over those in which the pixel is held out; see
    docs/comparison.md. Raises Refused: a folder does not exist, or there is no run in any.
    """
    entries = find(folders)
    named = labels(entries)
    found = groups(entries, named)
    first = {
        id(same): by_seed[0]
        for group in found
        for runs in group.runs.values()
        for by_seed in runs.values()
        for same in by_seed
    }
    rows = [_row(entry, label, first.get(id(entry))) for entry, label in zip(entries, named, strict=True)]
    tables = [_table(group, judge(group)) for group in found]
    across = over_images(tables)
    data = {
        "schema": "gmmbench-comparison",
        "schema_version": SCHEMA_VERSION,
        "answer": answers.overall(tables, across),
        "notes": answers.notes(rows),
        "runs": rows,
        "tables": tables,
        "across_images": across,
    }
    return Comparison(data, tuple(entries), tuple(found))


def _row(entry: Entry, label: str, counted: Entry | None) -> dict[str, Any]:
    report, failure = entry.report, entry.failure
    if failure:
        return {
            "run": entry.folder,
            "status": failure["kind"],
            "reason": failure["reason"],
            "overrides": " ".join(failure["overrides"]),
        }
    reasons = [*report["not_ranked"], *(f"render={k}: {v}" for k, v in report.get("failed", {}).items())]
    again = counted is not None and counted is not entry
    same = counted is not None and all(
        report[key][part] == counted.report[key][part]
        for key in ("gain", "log_likelihood")
        for part in ("train", "held_out")
    )
    return {
        "run": entry.folder,
        "status": "crashed" if report.get("failed") else "ranked" if report["ranked"] else "not ranked",
        "reason": "; ".join(reasons),
        "image": report["image"]["name"],
        "view": report["image"]["view"],
        "model": label,
        "seed": report["seed"],
        "hold_out": report["hold_out"],
        "hold_out_block": report["hold_out_block"],
        "convention": report["gain"]["convention"],
        "same_fit_as": counted.folder if counted is not None and again else None,
        "same_numbers": same if again else None,
        "alarms": "; ".join(report.get("alarms", [])),
        **{name: value(report, name) for name in COLUMNS},
        "command": command(report),
    }


def _table(group: Group, verdict: Verdict) -> dict[str, Any]:
    report, places = group.report, verdict.places
    models: list[dict[str, Any]] = []
    for label, by_seed in group.runs.items():
        counted = group.counted(label)
        models.append(
            {
                "model": label,
                "option": next(iter(by_seed.values()))[0].report["model"]["option"],
                "parameters": next(iter(by_seed.values()))[0].report["model"]["parameters"],
                "tier": places.get(label),
                "not_ranked": group.reasons[label] or ("" if places else answers.unjudged(group, verdict)),
                "gain": verdict.means.get(label),
                "interval": verdict.intervals.get(label),
                "seeds": sorted(by_seed),
                "seeds_counted": sorted(counted),
                "scores": over_seeds([entry.report for entry in counted.values()], len(group.seeds)),
            }
        )
    models.sort(key=_place)
    order = {row["model"]: place for place, row in enumerate(models)}
    pairs = sorted(verdict.pairs, key=lambda pair: (order[pair.better], order[pair.worse]))
    image = report["image"]
    table: dict[str, Any] = {
        "title": group.title,
        "image": image["name"],
        "view": image["view"],
        "height": image["height"],
        "width": image["width"],
        "sha256": image["sha256"],
        "hold_out": report["hold_out"],
        "hold_out_block": report["hold_out_block"],
        "convention": report["gain"]["convention"],
        "unit": report["gain"]["unit"],
        "seeds": list(group.seeds),
        "seeds_compared": list(group.shared),
        "narrowed": answers.narrowed(group),
        "judged": bool(places),
        "models": models,
        "pairs": [pair_row(pair, len(pairs)) for pair in pairs],
        "frontier": _frontiers(models),
        "curves": curves(models),
    }
    return {**table, "answer": answers.of_table(table)}


def _frontiers(models: Sequence[Mapping[str, Any]]) -> dict[str, list[str]]:
    gains = {row["model"]: row["gain"] for row in models}
    return {
        cost: frontier(gains, {row["model"]: row["scores"][cost]["mean"] for row in models}) for cost in COSTS
    }


def _place(row: Mapping[str, Any]) -> tuple[float, float, list[str | int]]:
    """By tier, then by gain, then by name, in which 9 comes before 10; who has neither comes last."""
    gain = gain_of(row)
    name = [int(part) if part.isdecimal() else part for part in re.split(r"([0-9]+)", row["model"])]
    return row["tier"] or math.inf, math.inf if gain is None else -gain, name
