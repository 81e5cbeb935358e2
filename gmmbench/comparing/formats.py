"""The files of a comparison, as text; nothing here writes."""

from __future__ import annotations

import csv
import io
from dataclasses import fields
from pathlib import Path
from typing import Any

from .columns import COLUMNS
from .comparison_markdown import markdown_page
from .page import html_page
from .schema import Comparison, RunRow, ScoredRun

CSV_FIELDS = tuple(field.name for field in fields(ScoredRun) if field.name not in ("scores", "command"))
"""What comparison.csv takes from a scored run, between its status and its scores."""


def files(comparison: Comparison, folder: str | Path) -> dict[str, str]:
    """comparison.html, .md, .json and .csv by name; links in the page start at `folder`, where it will be."""
    return {
        "comparison.html": to_html(comparison, folder),
        "comparison.md": to_markdown(comparison),
        "comparison.json": comparison.to_json(),
        "comparison.csv": to_csv(comparison),
    }


def to_html(comparison: Comparison, folder: str | Path) -> str:
    """The comparison as one self-contained page; links to full pictures start at `folder`."""
    return html_page(comparison, Path(folder))


def to_markdown(comparison: Comparison) -> str:
    """The comparison for a person who reads text."""
    return markdown_page(comparison)


def to_csv(comparison: Comparison) -> str:
    """A row for each run, failed ones too."""
    names = ["run", "status", "reason", "overrides", *CSV_FIELDS, *COLUMNS, "command"]
    table = io.StringIO()
    writer = csv.DictWriter(table, names, lineterminator="\n", restval="")
    writer.writeheader()
    writer.writerows(map(_csv_row, comparison.runs))
    return table.getvalue()


def _csv_row(row: RunRow) -> dict[str, Any]:
    first = {"run": row.run, "status": row.status, "reason": row.reason, "overrides": row.overrides}
    scored = row.scored
    if scored is None:
        return first
    fields = {name: getattr(scored, name) for name in CSV_FIELDS}
    return {**first, **fields, **scored.scores, "command": scored.command}
