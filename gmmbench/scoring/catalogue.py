"""The catalogue: every score is declared here once; reports, tables, pages and docs derive from it.

To add a score, declare it in `SCORES` and return its value from the scorer of each view it is declared for
(`ink_scores`, `colour_scores`, `level_scores`). `python docs/make_score_table.py` renews the table in
docs/report.md.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from ..results import Score

Better = Literal["higher", "lower"] | float | None
"""Which way a score is better: a number is the target that is ideal; None means neither way."""

POISSON = "ink-poisson-1"
"""Convention: Poisson log score over held-out pixels; each rate has the floor `poisson.FLOOR`."""

SHAPE = "ink-shape-1"
"""Convention: categorical log score over the pixels, without a floor."""

CONDITIONAL = "colour-cell-1"
"""Convention: mass of p(r, g, b | x, y) in the cell centred on the level, over its mass in the cube."""

LEVEL_CELLS = "levels-cell-1"
"""Convention: mass of the cell [c - 1/2, c + 1/2) over the mass of all 256 levels."""

RAW = "raw-1"
"""Convention: the raw log-likelihood."""

BOUND = "-bound"
"""What is added to the convention of a score that is only known to be at least so high."""

CELLS = "cell-masses-1"
"""Convention: sums of the masses of cells."""

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


def _declared(*scores: ScoreDeclaration) -> dict[str, ScoreDeclaration]:
    return {score.key: score for score in scores}


PER_INK = "bits per ink pixel over uniform"
PER_DIMENSION = "bits per dimension"
PER_LEVEL = "bits per pixel over uniform"

SCORES: dict[str, ScoreDeclaration] = _declared(
    ScoreDeclaration(
        "gain",
        "information gain",
        "what the model knows of a pixel beyond the uniform one",
        (("generalisation", "held_out"), ("representation", "train")),
        {
            "ink": ScoreInView(
                PER_INK,
                "Poisson log score of {held}; shape over training pixels",
                f"{POISSON} (train: {SHAPE})",
            ),
            "colour": ScoreInView(f"{PER_DIMENSION} over uniform", "colour given x, y", CONDITIONAL),
            "levels": ScoreInView(PER_LEVEL, "grey levels", LEVEL_CELLS),
        },
        better="higher",
    ),
    ScoreDeclaration(
        "skill",
        "skill",
        "the information gain as a share of its ceiling",
        (("generalisation", "held_out"),),
        {
            "ink": ScoreInView("share of the ceiling", "{held}", POISSON),
            "levels": ScoreInView("share of the ceiling", "grey levels", LEVEL_CELLS),
        },
        better="higher",
        elsewhere="colours have no ceiling; 0 bits per dimension is the bound",
    ),
    ScoreDeclaration(
        "ceiling",
        "ceiling",
        "the information gain of a model that knows the pixels",
        (("generalisation", "held_out"), ("representation", "train")),
        {
            "ink": ScoreInView(PER_INK, "the image itself as a model", f"{POISSON} (train: {SHAPE})"),
            "levels": ScoreInView(PER_LEVEL, "the histogram of those pixels", LEVEL_CELLS),
        },
        elsewhere="colours have no ceiling; 0 bits per dimension is the bound",
    ),
    ScoreDeclaration(
        "bits_per_dim",
        PER_DIMENSION,
        "the code length of a held-out value; the uniform model needs 8",
        (("generalisation", "held_out"), ("representation", "train")),
        {
            "colour": ScoreInView(PER_DIMENSION, "colour given x, y", CONDITIONAL),
            "levels": ScoreInView("bits per pixel", "grey levels", LEVEL_CELLS),
        },
        better="lower",
        elsewhere="ink has no colours to predict",
    ),
    ScoreDeclaration(
        "expected_ink",
        "calibration ratio",
        "the ink that the model expects in the held-out pixels, over the ink that is there",
        (("generalisation", "held_out"),),
        {"ink": ScoreInView("expected / observed ink", "{held}", POISSON)},
        better=1.0,
        elsewhere="a score of ink",
    ),
    ScoreDeclaration(
        "shape_gain",
        "gain of the shape alone",
        "the gain of the masses once they are normalised over the held-out pixels",
        (("generalisation", "held_out"),),
        {"ink": ScoreInView(PER_INK, "shape alone over {held}: a loophole when it stands alone", SHAPE)},
        elsewhere="a score of ink",
    ),
    ScoreDeclaration(
        "average_precision",
        "average precision",
        "the area under precision against recall, the rate of ink taken as a classifier",
        (("generalisation", "held_out"),),
        {"ink": ScoreInView("share", "{held}", "average-precision-1")},
        better="higher",
        elsewhere="a score of ink",
    ),
    ScoreDeclaration(
        "kl",
        "KL divergence",
        "the ceiling less the information gain: how far the model is from the image",
        (("representation", "train"),),
        {
            "ink": ScoreInView("bits per ink pixel", "KL(image || model) over training pixels", SHAPE),
            "levels": ScoreInView("bits per pixel", "KL(histogram || model)", LEVEL_CELLS),
        },
        better="lower",
        elsewhere="colours have no ceiling; 0 bits per dimension is the bound",
    ),
    ScoreDeclaration(
        "log_likelihood",
        "log-likelihood",
        "the raw mean log-likelihood, which compares no models (see below)",
        (("generalisation", "held_out"), ("representation", "train")),
        {
            "ink": ScoreInView("nats per point", "density over x, y in pixels and levels", RAW),
            "colour": ScoreInView("nats per point", "density over x, y, r, g, b in pixels and levels", RAW),
            "levels": ScoreInView("nats per point", "density over level in pixels and levels", RAW),
        },
        better="higher",
        digits=2,
    ),
    ScoreDeclaration(
        "position",
        "position term",
        "what a joint density spends on the position, whose truth is flat: at most 0 on average",
        (("generalisation", "held_out"), ("representation", "train")),
        {"colour": ScoreInView("nats per pixel", "log p(x, y) over the uniform lattice", "position-1")},
    ),
    ScoreDeclaration(
        "psnr",
        "PSNR",
        "the peak signal-to-noise ratio of the expected picture",
        (("fidelity", "overall"), ("fidelity", "held_out")),
        {
            "ink": ScoreInView("dB", "expected ink against the image", "psnr-1"),
            "colour": ScoreInView("dB", "expected colour against the image", "psnr-1"),
        },
        better="higher",
        digits=1,
        elsewhere="levels alone make no picture",
    ),
    ScoreDeclaration(
        "ssim",
        "SSIM",
        "the structural similarity of the expected picture; identical pictures have 1",
        (("fidelity", "overall"), ("fidelity", "held_out")),
        {
            "ink": ScoreInView("", "expected ink against the image", "ssim-1"),
            "colour": ScoreInView("", "expected colour against the image", "ssim-1"),
        },
        better="higher",
        elsewhere="levels alone make no picture",
    ),
    ScoreDeclaration(
        "mass_in_box",
        "mass in the box",
        "the share of the density's mass inside the image, or in the range of levels",
        (("normalisation", "overall"),),
        {
            "ink": ScoreInView("share", "p(x, y)", CELLS),
            "colour": ScoreInView("share", "p(x, y)", CELLS),
            "levels": ScoreInView("share", "p(level)", CELLS),
        },
        digits=6,
    ),
)
"""Every score by its key, in the order in which tables show them."""


def columns(table: str | None = None) -> list[ScoreColumn]:
    """The columns of a table, or of all tables in their order."""
    found = [column for score in SCORES.values() for column in _columns_of(score)]
    order = list(TABLES)
    found.sort(key=lambda column: order.index(column.table))  # stable: the order of SCORES stays
    return [column for column in found if table in (None, column.table)]


def _columns_of(score: ScoreDeclaration) -> list[ScoreColumn]:
    found: list[ScoreColumn] = []
    for table, part in score.places:
        repeated = any(column.table == table for column in found)
        title = f"{score.name}, {PARTS[part]}" if repeated else score.name
        name = f"{score.key}_{part}" if found else score.key
        found.append(ScoreColumn(name, title, table, part, score))
    return found


def better_words(better: Better) -> str:
    """Which way is better, in words: "higher", "lower", "1 is ideal", or "" for neither."""
    if better is None or isinstance(better, str):
        return better or ""
    return f"{better:g} is ideal"


def score_of(
    key: str,
    view: str,
    *,
    train: float | None = None,
    held_out: float | None = None,
    overall: float | None = None,
    interval: tuple[float, float] | None = None,
    reason: str | None = None,
    held: str = "held-out pixels",
    unit: str | None = None,
    of: str | None = None,
    variant: str = "",
) -> Score:
    """A value of a declared score, with the unit and the convention of its declaration.

    Args:
        key: of the score. view: of the image.
        held: the held-out pixels in words. unit, of: where they depend on the fit.
        variant: what is added to the convention of a value that must not be ranked beside others.

    Raises:
        ValueError: the score is not declared, or not for this view.
    """
    declared = SCORES.get(key)
    if declared is None or view not in declared.views:
        raise ValueError(_undeclared(key, view))
    entry = declared.views[view]
    return Score(
        train=train,
        held_out=held_out,
        overall=overall,
        unit=entry.unit if unit is None else unit,
        of=(entry.of if of is None else of).replace("{held}", held),
        convention=entry.convention + variant,
        reason=reason,
        interval=interval,
    )


def complete(values: Mapping[str, Score], view: str) -> dict[str, Score]:
    """Every score of the catalogue in its order; a score that the view does not have is empty, with a reason.

    Raises:
        ValueError: a value is not declared for the view, or a declared one is missing.
    """
    for key in values:
        if key not in SCORES or view not in SCORES[key].views:
            raise ValueError(_undeclared(key, view))
    missing = [key for key, score in SCORES.items() if view in score.views and key not in values]
    if missing:
        raise ValueError(
            f"scores of {view}: expected a value of {', '.join(missing)}, as gmmbench/scoring/catalogue.py "
            f"declares, got none; try to return it from the scorer of {view}"
        )
    return {key: values.get(key, Score(reason=score.elsewhere)) for key, score in SCORES.items()}


def _undeclared(key: str, view: str) -> str:
    return (
        f"scores of {view}: expected keys that gmmbench/scoring/catalogue.py declares for {view}, got {key}; "
        "try to declare it there"
    )
