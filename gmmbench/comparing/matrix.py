"""Models against images: every gain with its letters, for the page, the Markdown and the terminal."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from ..scoring.tier_letters import letters_text
from .numbers import gain_text
from .schema import ImageTable, ModelRow
from .verdicts import name_order

MOST_ROWS = 40
"""Models that the terminal shows; the files have all."""


@dataclass(frozen=True)
class MatrixCell:
    """A model on an image.

    Attributes:
        gain: its information gain; "" where it was not run or is not ranked.
        letters: its tiers; "" where it is not ranked.
        first: whether it gains most there, or is not told apart from the one that does.
        why: why it is not ranked; "" where it is, or was not run there.
        sort: its gain if it is ranked.
    """

    gain: str
    letters: str
    first: bool
    why: str
    sort: float | None

    @property
    def text(self) -> str:
        """The cell as a person reads it."""
        return f"{self.gain} {self.letters}" if self.letters else "not ranked" if self.why else ""


NOT_RUN = MatrixCell("", "", False, "", None)


@dataclass(frozen=True)
class MatrixRow:
    """A model on every image."""

    model: str
    cells: tuple[MatrixCell, ...]


@dataclass(frozen=True)
class Unranked:
    """Why a model is not ranked, and on which images."""

    model: str
    images: tuple[str, ...]
    reason: str


@dataclass(frozen=True)
class Matrix:
    """The models on the images of one view, hold-out, convention and unit; a column for each image."""

    title: str
    unit: str
    images: tuple[str, ...]
    rows: tuple[MatrixRow, ...]
    unranked: tuple[Unranked, ...]


def matrices(tables: Sequence[ImageTable]) -> tuple[Matrix, ...]:
    """A matrix for each view, hold-out and convention, since their numbers must not share a column."""
    sets: dict[tuple[object, ...], list[ImageTable]] = {}
    for table in tables:
        sets.setdefault(table.protocol, []).append(table)
    return tuple(_matrix(members) for members in sets.values())


def _matrix(tables: Sequence[ImageTable]) -> Matrix:
    rows = [{row.model: row for row in table.models} for table in tables]
    firsts = [{row.model for row in table.first} for table in tables]
    models = sorted({model for by_model in rows for model in by_model}, key=lambda m: _place(m, tables))
    images = _columns_named(tables)
    reasons: dict[tuple[str, str], list[str]] = {}
    for image, by_model in zip(images, rows, strict=True):
        for model in models:
            if model in by_model and not by_model[model].letters:
                reasons.setdefault((model, by_model[model].not_ranked), []).append(image)
    block = tables[0].hold_out_block
    return Matrix(
        title=tables[0].view + (f", interpolation at {block} px" if block > 1 else ""),
        unit=tables[0].unit,
        images=images,
        rows=tuple(
            MatrixRow(
                model,
                tuple(
                    _cell(by_model.get(model), first) for by_model, first in zip(rows, firsts, strict=True)
                ),
            )
            for model in models
        ),
        unranked=tuple(Unranked(model, tuple(on), reason) for (model, reason), on in reasons.items()),
    )


def _columns_named(tables: Sequence[ImageTable]) -> tuple[str, ...]:
    """The images' names, with what distinguishes tables of one name; the matrix says what they share."""
    times = Counter(table.image for table in tables)
    return tuple(table.image if times[table.image] == 1 else table.title for table in tables)


def _cell(row: ModelRow | None, first: set[str]) -> MatrixCell:
    if row is None:
        return NOT_RUN
    if not row.letters:
        return MatrixCell("", "", False, row.not_ranked, None)
    return MatrixCell(gain_text(row), letters_text(row.letters), row.model in first, "", row.gain)


def _place(model: str, tables: Sequence[ImageTable]) -> tuple[float, list[str | int]]:
    """Its mean place on the images where it is ranked, then its name; a model that never is comes last."""
    orders = [[row.model for row in table.ranked] for table in tables]
    places = [order.index(model) / len(order) for order in orders if model in order]
    return sum(places) / len(places) if places else 2.0, name_order(model)


def unranked_text(matrix: Matrix, out: Unranked) -> str:
    """Why a model is not ranked, with its images where there are several."""
    on = f" on {', '.join(out.images)}" if len(matrix.images) > 1 else ""
    return f"{out.model} is not ranked{on}: {out.reason}"


def matrix_lines(matrix: Matrix, width: int) -> list[str]:
    """The matrix as lines of text; with more images than fit into `width` letters, in several blocks."""
    shown = matrix.rows[:MOST_ROWS]
    names = [row.model for row in shown]
    wide = max(map(len, names))
    columns = [[image, *_aligned([row.cells[at] for row in shown])] for at, image in enumerate(matrix.images)]
    padded = [[cell.rjust(max(map(len, column))) for cell in column] for column in columns]
    lines = [f"{matrix.title}: information gain, {matrix.unit}"]
    for block in _blocks([len(column[0]) for column in padded], width - wide):
        for at, name in enumerate(["", *names]):
            lines.append("  ".join([name.ljust(wide), *(padded[column][at] for column in block)]))
    if len(matrix.rows) > MOST_ROWS:
        lines.append(f"and {len(matrix.rows) - MOST_ROWS} more models, in comparison.md")
    return [line.rstrip() for line in lines] + [unranked_text(matrix, out) for out in matrix.unranked]


def _aligned(cells: Sequence[MatrixCell]) -> list[str]:
    """The cells of a column, the gains flush right and their letters flush left."""
    gain, letters = (
        max(len(part) for part in parts) for parts in zip(*((c.gain, c.letters) for c in cells), strict=True)
    )
    return [f"{c.gain.rjust(gain)} {c.letters.ljust(letters)}" if c.letters else c.text for c in cells]


def _blocks(widths: Sequence[int], room: int) -> list[list[int]]:
    """The columns in blocks that fit into the room, at least one in each."""
    blocks: list[list[int]] = [[]]
    for at, _ in enumerate(widths):
        taken = sum(widths[other] + 2 for other in blocks[-1])
        if blocks[-1] and taken + widths[at] + 2 > room:
            blocks.append([])
        blocks[-1].append(at)
    return blocks
