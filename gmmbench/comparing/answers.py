"""The answer in words: a sentence for each table and one for all, which claim no more than the tiers do."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

from ..scoring.intervals import LEVEL
from .grouping import Group
from .schema import AcrossImages, ImageTable, ModelRow, RunRow
from .verdicts import Ranking


def listed(names: Iterable[object]) -> str:
    """`a`, `a and b`, `a, b and c`."""
    *most, end = [str(name) for name in names]
    return f"{', '.join(most)} and {end}" if most else end


def counted(n: int, noun: str) -> str:
    """`1 image`, `2 images`."""
    return f"{n:,} {noun}{'' if n == 1 else 's'}"


def seed_notes(group: Group) -> tuple[str, ...]:
    """Which ranked models lack a seed, and which seeds are therefore compared."""
    if not group.ranked or group.shared == group.seeds:
        return ()
    notes = []
    for label in group.ranked:
        missing = [seed for seed in group.seeds if seed not in group.runs[label]]
        if missing:
            notes.append(f"{label} has no run of seed{'s' * (len(missing) > 1)} {listed(missing)}")
    if not notes:  # only models that are not ranked have the other seeds
        return ()
    compared = f"{len(group.shared)} of {len(group.seeds)} seeds are compared: {listed(group.shared)}"
    return (*notes, f"so {compared}")


def no_ranking_reason(group: Group, verdict: Ranking) -> str:
    """Why models that may be ranked have no tiers."""
    if not group.report["hold_out"]:
        return "nothing was held out"
    if len(group.ranked) < 2:
        return "there is no other model to compare it with"
    if any(pair.corrected is None for pair in verdict.pairs):
        return f"too few tiles with held-out data: {min(pair.difference.tiles for pair in verdict.pairs)}"
    return "there is no held-out data"


def table_answer(table: ImageTable) -> str:
    """Which model predicts this image best, or why that cannot be told."""
    on = f"On {table.title} ({table.view})"
    if not table.has_ranking:
        reasons = list(dict.fromkeys(row.not_ranked for row in table.models))
        each = "; ".join(f"{row.model}: {row.not_ranked}" for row in table.models)
        return f"{on} there is no ranking: {each if len(reasons) > 1 else reasons[0]}."
    best = [row for row in table.models if row.tier == 1]
    if len(best) > 1:
        return f"{on}, {_tie(best, table)}."
    first = best[0]
    following = next(row for row in table.models if row.tier == 2)
    return (
        f"{on}, {first.model} predicts the held-out pixels best: it gains {_gain(first, table)}, "
        f"{_less(first, following)} more than the next, {following.model}, which is significant."
    )


def _tie(best: Sequence[ModelRow], table: ImageTable) -> str:
    """That the best of several in tier 1 is not significantly better than the others in it."""
    first, names = best[0], [row.model for row in best[1:]]
    others = listed(names if len(names) <= 3 else [*names[:3], f"{len(names) - 3} more"])
    least, most = _less(first, best[1]), _less(first, best[-1])
    less = least if least == most else f"{least} to {most}"
    beaten = {pair.worse for pair in table.pairs if pair.significant and pair.better == first.model}
    worse = [row.model for row in table.models if row.model in beaten]
    behind = ""
    if worse:
        count = listed(worse) if len(worse) <= 3 else counted(len(worse), "other")
        behind = f"; {count} {'is' if len(worse) == 1 else 'are'} significantly worse"
    return (
        f"{first.model} gains most, {_gain(first, table)}, "
        f"but not significantly more than {others} ({less} less){behind}"
    )


def _gain(row: ModelRow, table: ImageTable) -> str:
    ceiling, gain = row.scores["ceiling"].mean, row.gain or 0.0
    if not ceiling:
        return f"{gain:z.2f} {table.unit}"
    return f"{gain:z.2f} of {ceiling:.2f} {table.unit} ({gain / ceiling:z.0%})"


def _less(first: ModelRow, other: ModelRow) -> str:
    difference = (first.gain or 0.0) - (other.gain or 0.0)
    return f"{difference:.2f}" if difference >= 0.05 else f"{difference:.2g}"


def overall(tables: Sequence[ImageTable], across: Sequence[AcrossImages]) -> tuple[str, ...]:
    """The answer over all tables: a sentence for each view, hold-out and convention."""
    if not tables:
        return ("There is nothing to compare: no run finished.",)
    if len(tables) == 1:
        return (tables[0].answer,)
    return tuple(
        _over(found, [table for table in tables if table.protocol == found.protocol]) for found in across
    )


def _over(found: AcrossImages, tables: Sequence[ImageTable]) -> str:
    if len(tables) == 1:
        return tables[0].answer
    ranked = [table for table in tables if table.has_ranking]
    holes = f", hold-out squares of {found.hold_out_block} px" if found.hold_out_block > 1 else ""
    what = f"{found.view} {'table' if found.averaged_images else 'image'}"
    over = f"Over {counted(len(tables), what)}{holes}"
    if not ranked:
        return f"{over}, there is no ranking: see each."
    first_tiers = [[row.model for row in table.models if row.tier == 1] for table in ranked]
    alone = Counter(tier[0] for tier in first_tiers if len(tier) == 1)
    shared = Counter(model for tier in first_tiers if len(tier) > 1 for model in tier)
    parts = []
    if alone:
        parts.append(
            listed(
                f"{label} is significantly best on {_share(n, len(ranked))}"
                for label, n in alone.most_common()
            )
        )
    if ties := sum(len(tier) > 1 for tier in first_tiers):
        first = ", ".join(f"{label} on {n}" for label, n in shared.most_common(4))
        parts.append(f"on {ties} no model is significantly best (in the first tier: {first})")
    if len(ranked) < len(tables):
        parts.append(f"{len(tables) - len(ranked)} could not be ranked")
    return f"{over}: {'; '.join(parts)}. {_tests_answer(found)}"


def _share(n: int, of: int) -> str:
    if n == of:
        return {1: "the one that could be ranked", 2: "both"}.get(of, f"all {of}")
    return f"{n} of {of}"


def _tests_answer(found: AcrossImages) -> str:
    if found.no_tests_reason:
        return f"There is no test over images: {found.no_tests_reason}."
    significant = [test for test in found.tests if test.significant]
    if not significant and found.smallest_p is not None and found.smallest_p >= 1 - LEVEL:
        return (
            "Over images no difference can be significant: with "
            f"{counted(len(found.tests), 'pair')} on so few images no corrected p-value can be below "
            f"{found.smallest_p:.2g}."
        )
    if not significant:
        return "Over images no difference is significant."
    wins = Counter(test.better for test in significant)
    (best, n), *_ = wins.most_common()
    rivals = sum(best in (test.better, test.worse) for test in found.tests)
    others = counted(rivals, "other model")
    beaten = f"the {others.removeprefix('1 ')}" if n == rivals else f"{n} of the {others}"
    return f"Over images {best} is significantly better than {beaten}."


def notes(rows: Sequence[RunRow]) -> tuple[str, ...]:
    """What failed, is not counted or is suspicious, in a line each."""
    return (*_failures(rows), *_repeated(rows), *_suspicious(rows))


def _failures(rows: Sequence[RunRow]) -> list[str]:
    kinds = Counter(row.status for row in rows if row.scored is None)
    if not kinds:
        return []
    each = listed(f"{n} {kind}" for kind, n in kinds.items())
    return [f"{counted(kinds.total(), 'job')} left no result ({each})"]


def _repeated(rows: Sequence[RunRow]) -> list[str]:
    again = [
        (row.run, row.scored.same_fit_as, row.scored.same_numbers)
        for row in rows
        if row.scored is not None and row.scored.same_fit_as is not None
    ]
    same = [f"{run} repeats {counted_run}" for run, counted_run, same_numbers in again if same_numbers]
    lines = [f"each fit is counted once: {_some(same)}"] if same else []
    return lines + [
        f"{run} has the options of {counted_run} but other numbers, perhaps because of other versions or "
        "another number of threads: it is not counted"
        for run, counted_run, same_numbers in again
        if not same_numbers
    ]


def _suspicious(rows: Sequence[RunRow]) -> list[str]:
    crashed = [row.run for row in rows if row.status == "crashed" and row.scored is not None]
    lines = [f"a renderer crashed in {_some(crashed)}; the fit is counted"] if crashed else []
    return lines + [
        f"alarm in {row.run}: {row.scored.alarms}"
        for row in rows
        if row.scored is not None and row.scored.alarms
    ]


def _some(names: Sequence[str], most: int = 4) -> str:
    rest = len(names) - most
    return ", ".join(names[:most]) + (f" and {rest} more" if rest > 0 else "")
