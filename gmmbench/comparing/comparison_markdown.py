"""The comparison as a page of Markdown for a person."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from ..scoring.tier_letters import letters_text
from .columns import COLUMNS, RANKING, TABLES
from .matrix import Matrix, matrices, unranked_text
from .numbers import columns_of, gain_text, number, pairs_shown, range_of, seeds_of, spread_of
from .schema import AcrossImages, Comparison, ImageTable, RunRow, SeedMean


def markdown_page(comparison: Comparison) -> str:
    """The whole page."""
    lines = ["# Comparison", "", *(f"**{_safe(sentence)}**\n" for sentence in comparison.answer)]
    for matrix in matrices(comparison.tables):
        lines += _matrix(matrix)
    if comparison.notes:
        lines += ["", *(f"- {_safe(note)}" for note in comparison.notes)]
    for table in comparison.tables:
        lines += ["", f"## {_safe(table.title)} ({table.view})", "", _safe(table.answer)]
        if table.seed_notes:
            lines += ["", _safe(f"Seeds: {'; '.join(table.seed_notes)}.")]
        for key, title in TABLES.items():
            lines += _scores(table, key, title)
        lines += _pairs(table)
    if len(comparison.tables) > 1:
        for found in comparison.across_images:
            lines += _across(found)
    lines += _failures(comparison.runs)
    return "\n".join([*lines, ""])


def _matrix(matrix: Matrix) -> list[str]:
    rows = [[row.model, *(cell.text for cell in row.cells)] for row in matrix.rows]
    head = [_safe(f"{matrix.title}: information gain, {matrix.unit}"), ""]
    out = [f"- {_safe(unranked_text(matrix, one))}" for one in matrix.unranked]
    return ["", *head, *_table(["model", *matrix.images], rows), *([""] if out else []), *out]


def _scores(table: ImageTable, key: str, title: str) -> list[str]:
    ranking = key == RANKING
    columns = [column for column in columns_of(table, key) if not (ranking and column.name == "gain")]
    if not columns and not ranking:
        return []
    rows: list[list[object]] = []
    for row in table.models:
        first: list[object] = [row.model]
        if ranking:
            place = letters_text(row.letters) or row.not_ranked
            name = f"{row.model} (verified)" if row.verified else row.model
            first = [place, name, gain_text(row), range_of(row.interval, "gain")]
        counted = len(row.seeds_counted)
        scores = [_score(column.score(row), column.name, counted) for column in columns]
        rows.append([*first, *scores, seeds_of(counted, len(table.seeds))])
    gain = _heading(COLUMNS["gain"].title, table.unit)
    head = ["tier", "model", gain, "95 % interval"] if ranking else ["model"]
    names = [_heading(COLUMNS[column.name].title, column.heading) for column in columns]
    return ["", f"### {title}", "", *_table([*head, *names, "runs"], rows)]


def _heading(title: str, unit: str) -> str:
    return ", ".join(filter(None, (title, unit)))


def _score(score: SeedMean | None, name: str, counted: int) -> str:
    if score is None or score.mean is None:
        return ""
    missing = "" if score.n_runs == counted else seeds_of(score.n_runs, score.n_seeds)
    notes = ", ".join(filter(None, (spread_of(score, name), missing)))
    return number(score.mean, name) + (f" ({notes})" if notes else "")


def _pairs(table: ImageTable) -> list[str]:
    pairs, left_out = pairs_shown(table)
    if not pairs:
        return []
    rows = [
        [
            pair.better,
            pair.worse,
            number(pair.difference, "gain"),
            range_of(pair.interval_corrected, "gain"),
            p_value(pair.p_corrected),
            pair.undecided or yes_no(pair.significant),
        ]
        for pair in pairs
    ]
    head = [
        "better",
        "worse",
        f"difference, {table.unit}",
        "95 % interval, corrected",
        "p, corrected",
        "significant",
    ]
    more = ["", f"{left_out:,} more pairs are in comparison.json."] if left_out else []
    return ["", "### Paired differences", "", *_table(head, rows), *more]


def _across(found: AcrossImages) -> list[str]:
    lines = ["", f"## Over images: {found.view}, {', '.join(map(_safe, found.images))}", ""]
    if found.mean_ranks:
        lines += _table(
            ["model", "mean rank"], [[row.model, f"{row.mean_rank:.2f}"] for row in found.mean_ranks]
        )
    else:
        lines += [f"There are no mean ranks: {found.no_ranks_reason}."]
    lines += [
        f"\n{_safe(left.model)} has no mean rank: it is ranked on {left.images} of {left.n_images} images."
        for left in found.left_out
    ]
    if found.no_tests_reason:
        return [*lines, "", f"There is no test over images: {found.no_tests_reason}."]
    head = ["better", "worse", f"difference, {found.unit}", "images", "p, corrected", "significant"]
    rows = [
        [
            test.better,
            test.worse,
            number(test.mean_difference, "gain"),
            test.images,
            p_value(test.p_corrected),
            yes_no(test.significant),
        ]
        for test in found.tests
    ]
    return [*lines, "", *_table(head, rows)]


def p_value(p: float | None) -> str:
    """A p-value with two digits."""
    return "" if p is None else f"{p:.2g}"


def yes_no(value: bool) -> str:
    """A truth value in a table."""
    return "yes" if value else "no"


def _failures(runs: Sequence[RunRow]) -> list[str]:
    rows = [[row.run, row.status, row.reason] for row in runs if row.status != "ranked"]
    if not rows:
        return []
    return ["", "## Failed or not ranked", "", *_table(["run", "status", "reason"], rows)]


def _table(head: Sequence[str], rows: Iterable[Sequence[object]]) -> list[str]:
    lines = ["| " + " | ".join(map(_safe, head)) + " |", "|" + "---|" * len(head)]
    return lines + ["| " + " | ".join(_safe(cell) for cell in row) + " |" for row in rows]


def _safe(value: object) -> str:
    """Text that stays text: it ends no table cell and begins no tag."""
    text = " ".join(str(value).split())
    for letter, safe in (("&", "&amp;"), ("<", "&lt;"), (">", "&gt;"), ("|", "\\|")):
        text = text.replace(letter, safe)
    return text
