"""A comparison as data: what comparison.json holds (docs/comparison.md), as frozen dataclasses."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ..errors import Refused
from ..reporting.typed_json import NOT_STORED, build, check_schema, dump, parse, stored
from .grouping import Sources

SCHEMA = "gmmbench-comparison"
SCHEMA_VERSION = 5
"""Raised whenever a key changes its meaning or is removed."""

Interval = tuple[float, float]


@dataclass(frozen=True)
class ScoredRun:
    """What a run says of itself.

    Attributes:
        image, view: the image's name and view.
        model: the name of its choice, with the options in which the runs of that choice differ.
        same_fit_as: the folder of the run that is counted in its place, if it repeats a fit.
        same_numbers: whether it has the numbers of that run; None where it repeats none.
        alarms: scores that are too good to be true.
        scores: the numbers of the report by the name of their column (columns.py).
        command: the command that repeats the run.
        verified: whether its fit was verified in isolation; None if that was not asked for.
    """

    image: str
    view: str
    model: str
    seed: int
    hold_out: float
    hold_out_block: int
    convention: str
    same_fit_as: str | None
    same_numbers: bool | None
    alarms: str
    scores: Mapping[str, int | float | None]
    command: str
    verified: bool | None = None


@dataclass(frozen=True)
class RunRow:
    """One run that was found, whatever became of it.

    Attributes:
        run: its folder.
        status: ranked, not ranked, crashed (a renderer, or the whole job), refused, memory, timeout, died or
            unreadable.
        reason: why it is not ranked, or what failed; "" where all is well.
        overrides: of a job that left no report, how it was called.
        scored: what its report says; None where there is none.
    """

    run: str
    status: str
    reason: str
    overrides: str
    scored: ScoredRun | None


@dataclass(frozen=True)
class SeedMean:
    """A score of a model, averaged over seeds.

    Attributes:
        mean: None where no run has the score, and then `reason` says why.
        sd: the standard deviation over seeds; None with fewer than two.
        interval: the 95 % interval by Student's t; None with fewer than three, where it would say nothing.
        values: of each run that has the score, in the order of their seeds.
        n_runs: runs that have the score. n_seeds: seeds of the table.
    """

    mean: float | None
    sd: float | None
    interval: Interval | None
    values: tuple[float, ...]
    n_runs: int
    n_seeds: int
    unit: str
    reason: str | None


@dataclass(frozen=True)
class ModelRow:
    """A model in a table.

    Attributes:
        model, option, parameters: its name in the table, the choice it is, and all its options.
        letters: its tiers, `a` the best: models that share a letter are not told apart. Empty where it is not
            ranked, and then `not_ranked` says why.
        gain: its information gain over the compared seeds; None where its fits must not be ranked.
        lower_bound: whether its gain is a lower bound.
        interval: the 95 % interval of that gain over patches of the image and over seeds.
        seeds: those it was run with. seeds_counted: those behind its means.
        scores: its means over seeds by the name of their column (columns.py).
        verified: whether each fit behind its means was verified in isolation.
    """

    model: str
    option: str
    parameters: Mapping[str, Any]
    letters: tuple[str, ...]
    not_ranked: str
    gain: float | None
    lower_bound: bool
    interval: Interval | None
    seeds: tuple[int, ...]
    seeds_counted: tuple[int, ...]
    scores: Mapping[str, SeedMean]
    verified: bool = False

    @property
    def shown_gain(self) -> float | None:
        """The gain of the ranking or, of a model that is not ranked, its mean over seeds."""
        return self.gain if self.gain is not None else self.scores["gain"].mean


@dataclass(frozen=True)
class PairRow:
    """A paired difference of information gains, in the table's unit.

    Attributes:
        difference: how much more `better` gains than `worse`.
        interval: its 95 % interval. interval_corrected: excludes 0 exactly where the pair is significant.
        p_corrected: the p-value after Holm's correction for all pairs of the table.
        significant: whether `better` is told apart from `worse`.
        undecided: why the pair cannot be judged; "" where it can, significant or not.
        patches: independent ones of the image; with too few there is no interval and no p-value.
        reach: the lag in pixels up to which pixels were taken as correlated.
    """

    better: str
    worse: str
    difference: float
    interval: Interval | None
    interval_corrected: Interval | None
    p_corrected: float | None
    significant: bool
    undecided: str
    patches: float
    reach: float = 0.0


@dataclass(frozen=True)
class CurvePoint:
    """A model of a curve: its number of components and its information gain."""

    components: int
    gain: float
    interval: Interval | None
    letters: tuple[str, ...]


@dataclass(frozen=True)
class Curve:
    """The models of a table that differ in their number of components alone, in its order."""

    model: str
    points: tuple[CurvePoint, ...]


@dataclass(frozen=True)
class ImageTable:
    """The models on one image, view, hold-out and convention, the best first.

    Attributes:
        title: the image's name, with what distinguishes the table from others of that name.
        seeds: that any model was run with. seeds_compared: those behind the ranking.
        seed_notes: which models lack a seed, so that others are not compared.
        has_ranking: whether any models have letters.
        pareto_fronts: by the column of a cost, the models that no other beats at no higher cost.
    """

    title: str
    image: str
    view: str
    height: int
    width: int
    sha256: str
    hold_out: float
    hold_out_block: int
    convention: str
    unit: str
    seeds: tuple[int, ...]
    seeds_compared: tuple[int, ...]
    seed_notes: tuple[str, ...]
    has_ranking: bool
    models: tuple[ModelRow, ...]
    pairs: tuple[PairRow, ...]
    pareto_fronts: Mapping[str, tuple[str, ...]]
    curves: tuple[Curve, ...]
    answer: str = ""

    @property
    def ranked(self) -> tuple[ModelRow, ...]:
        """The models with letters, the best first."""
        return tuple(row for row in self.models if row.letters)

    @property
    def first(self) -> tuple[ModelRow, ...]:
        """The model that gains most and all that are not told apart from it; empty without a ranking."""
        ranked = self.ranked
        worse = {pair.worse for pair in self.pairs if pair.significant and pair.better == ranked[0].model}
        return tuple(row for row in ranked if row.model not in worse)

    @property
    def of_fits(self) -> bool:
        """Whether single fits are compared: with one seed nothing is known of the models' spread."""
        return len(self.seeds_compared) < 2

    @property
    def protocol(self) -> tuple[str, float, int, str, str]:
        """What tables must share to be averaged over images."""
        return self.view, self.hold_out, self.hold_out_block, self.convention, self.unit


@dataclass(frozen=True)
class MeanRank:
    """The mean rank of a model over images; 1 is the best."""

    model: str
    mean_rank: float


@dataclass(frozen=True)
class PartlyRanked:
    """A model without a mean rank: it is ranked on `images` of the `n_images` only."""

    model: str
    images: int
    n_images: int


@dataclass(frozen=True)
class ImageTest:
    """A sign-flip test of two models over the images on which both are ranked."""

    better: str
    worse: str
    mean_difference: float
    images: int
    p: float
    p_corrected: float
    significant: bool


@dataclass(frozen=True)
class AcrossImages:
    """Mean ranks and tests over the images of one view, hold-out and convention.

    Attributes:
        images: their names. averaged_images: those that are in several tables.
        unranked_images: those left out, because fewer than two models are ranked on them.
        models: those ranked on every image. left_out: the others.
        no_ranks_reason, no_tests_reason: why there are no mean ranks or tests; "" where there are.
        smallest_p: the smallest corrected p-value that so many pairs and images can give.
    """

    view: str
    hold_out: float
    hold_out_block: int
    convention: str
    unit: str
    images: tuple[str, ...]
    averaged_images: tuple[str, ...]
    unranked_images: tuple[str, ...]
    models: tuple[str, ...]
    left_out: tuple[PartlyRanked, ...]
    mean_ranks: tuple[MeanRank, ...]
    no_ranks_reason: str
    tests: tuple[ImageTest, ...]
    smallest_p: float | None
    no_tests_reason: str

    @property
    def protocol(self) -> tuple[str, float, int, str, str]:
        """What the tables behind it share."""
        return self.view, self.hold_out, self.hold_out_block, self.convention, self.unit


@dataclass(frozen=True)
class Comparison:
    """A comparison.

    Attributes:
        answer: the answer in words, a sentence for each view, hold-out and convention.
        notes: what failed, was repeated or is suspicious.
        runs: a row for each run. tables: one for each image, view, hold-out and convention.
        sources: the runs that were read, for pictures and maps; empty where it was read from a file.
    """

    answer: tuple[str, ...]
    notes: tuple[str, ...]
    runs: tuple[RunRow, ...]
    tables: tuple[ImageTable, ...]
    across_images: tuple[AcrossImages, ...]
    sources: Sources = field(default=Sources(), repr=False, compare=False, metadata=NOT_STORED)

    def to_json(self) -> str:
        """The comparison as comparison.json holds it."""
        return dump({"schema": SCHEMA, "schema_version": SCHEMA_VERSION, **stored(self)})

    @staticmethod
    def from_json(text: str | bytes, name: str = "comparison.json") -> Comparison:
        """The comparison in the text of a comparison.json; `name` is that of the file, for the error.

        Raises Refused: it is no such file, of another version, or of another shape.
        """
        try:
            data = parse(text)
            check_schema(data, SCHEMA, SCHEMA_VERSION)
            fields = {key: value for key, value in data.items() if key not in ("schema", "schema_version")}
            return build(Comparison, fields)
        except ValueError as error:
            raise Refused(f"{name}: {error}; try gmmbench compare again") from error
