"""The comparison as one self-contained page of HTML: its content here, its looks in templates/."""

from __future__ import annotations

import base64
import hashlib
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from pathlib import Path

from ..scoring.tier_letters import letters_text
from .charts import CurveChart, Forest, ParetoChart, curve_chart, forest, pareto_chart
from .columns import PARETO_COSTS
from .comparison_markdown import p_value
from .contact_sheet import ContactSheet, Pictures, contact_sheet, drawings
from .delta_maps import MOST_MAPS, DeltaMaps, chosen_pairs, delta_maps
from .grouping import Group
from .matrix import matrices, unranked_text
from .numbers import number, range_of
from .page_tables import PageTable, page_tables
from .run_details import common_versions, run_details
from .schema import Comparison, ImageTable

MAPS = 240
"""Maps of differences in a page at the most."""


@dataclass(frozen=True)
class ImagePart:
    """What the page shows of one table; without its runs it has neither pictures nor maps.

    `first` names the model that gains most and those that are not told apart from it.
    """

    id: str
    table: ImageTable
    first: frozenset[str]
    tables: tuple[PageTable, ...]
    forest: Forest | None
    pareto_charts: tuple[ParetoChart, ...]
    curves: CurveChart | None
    sheet: ContactSheet | None
    maps: DeltaMaps | None
    map_unit: str


def html_page(comparison: Comparison, folder: Path) -> str:
    """The whole page. Links to full pictures are relative to `folder`, where the page will be."""
    from jinja2 import Environment, PackageLoader, StrictUndefined
    from markupsafe import Markup

    environment = Environment(
        loader=PackageLoader("gmmbench.comparing", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(
        num=number, range=range_of, p=p_value, letters=letters_text, unranked=unranked_text
    )
    style, script = _template("page.css"), _template("page.js")
    groups = comparison.sources.groups or (None,) * len(comparison.tables)
    pictures = Pictures(folder, sum(len(drawings(group)) for group in groups if group is not None))
    each = max(1, min(MOST_MAPS, MAPS // max(1, len(groups))))
    parts = [
        _part(place, table, group, pictures, each)
        for place, (table, group) in enumerate(zip(comparison.tables, groups, strict=True))
    ]
    return environment.get_template("page.html").render(
        data=comparison,
        parts=parts,
        matrices=matrices(comparison.tables),
        details=run_details(comparison),
        versions=common_versions(comparison.sources.runs),
        failed=[row for row in comparison.runs if row.status != "ranked"],
        counts=_counts(comparison),
        costs=PARETO_COSTS,
        left_out=pictures.left_out,
        style=Markup(style),
        script=Markup(script),
        policy=f"default-src 'none'; img-src data:; style-src {_hash(style)}; script-src {_hash(script)}",
    )


def _part(place: int, table: ImageTable, group: Group | None, pictures: Pictures, maps: int) -> ImagePart:
    ranked = [row.model for row in table.models if row.gain is not None]
    drawable = group is not None and len(ranked) > 1
    return ImagePart(
        id=f"image-{place}",
        table=table,
        first=frozenset(row.model for row in table.first),
        tables=page_tables(table),
        forest=forest(table),
        pareto_charts=tuple(
            chart for cost in PARETO_COSTS if (chart := pareto_chart(table, cost)) is not None
        ),
        curves=curve_chart(table.curves),
        sheet=contact_sheet(place, table, group, pictures) if group is not None else None,
        maps=delta_maps(group, chosen_pairs(ranked), maps) if group is not None and drawable else None,
        map_unit="bits per pixel and dimension" if table.view == "colour" else "bits per pixel",
    )


def _counts(comparison: Comparison) -> dict[str, int]:
    scored = [row.scored for row in comparison.runs if row.scored is not None]
    return {
        "run": len(scored),
        "image": len({table.sha256 for table in comparison.tables}),
        "model": len({run.model for run in scored}),
        "seed": len({run.seed for run in scored}),
        "failed job": len(comparison.runs) - len(scored),
    }


@cache
def _template(name: str) -> str:
    return files("gmmbench.comparing").joinpath("templates", name).read_text(encoding="utf-8")


def _hash(text: str) -> str:
    """The source that the page's security policy allows: this text and no other."""
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"
