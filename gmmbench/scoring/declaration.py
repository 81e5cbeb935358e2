"""What the catalogue says of a score, and where tables show it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

Better = Literal["higher", "lower"] | float | None
"""Which way a score is better: a number is the target that is ideal; None means neither way."""

TABLES = {
    "generalisation": "Generalisation: held-out pixels",
    "representation": "Representation: training pixels",
    "fidelity": "Fidelity: the expected picture",
    "normalisation": "Normalisation check",
}
"""The tables that scores stand in, by key, in the order in which they are shown."""

PARTS = {"held_out": "held out", "train": "training", "overall": "overall"}
"""The parts of a score (the fields of `results.Score` that hold a number), as people read them."""


@dataclass(frozen=True)
class ScoreInView:
    """What a score is in one view: its `unit` ("" for a plain number), `of` what, and its `convention`.

    `{held}` in `of` stands for the held-out pixels, as the scorer describes them.
    """

    unit: str
    of: str
    convention: str


@dataclass(frozen=True, eq=False)
class ScoreDeclaration:
    """One score.

    Attributes:
        key: its key in report.json.
        name: what people read.
        meaning: one sentence, without its full stop.
        places: the tables it stands in, each with the part of the score that is shown there.
        views: what it is in each view that has it.
        better: which way is better.
        digits: decimals that mean something.
        elsewhere: why the other views do not have it.
    """

    key: str
    name: str
    meaning: str
    places: tuple[tuple[str, str], ...]
    views: Mapping[str, ScoreInView]
    better: Better = None
    digits: int = 3
    elsewhere: str = "not a score of this view"


@dataclass(frozen=True, eq=False)
class ScoreColumn:
    """One part of a score in a table.

    `name` is its key in comparisons: the key of the score for its first place, `KEY_PART` for the others.
    """

    name: str
    title: str
    table: str
    part: str
    score: ScoreDeclaration


def better_words(better: Better) -> str:
    """Which way is better, in words: "higher", "lower", "1 is ideal", or "" for neither."""
    if better is None or isinstance(better, str):
        return better or ""
    return f"{better:g} is ideal"
