"""The answer in words: a sentence for each table and one for all, which claim no more than the pairs do."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

from ..scoring.intervals import LEVEL
from .grouping import Group
from .schema import AcrossImages, ImageTable, ModelRow, RunRow

MOST_NAMES = 20
"""Names in a clause at the most."""


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


def table_answer(table: ImageTable) -> str:
    """Which model predicts this image best, or why that cannot be told.

    It claims what the pairs of the table support and no more. Whoever is not told apart from the first is
    named with it. With a single seed it speaks of fits.
    """
    on = f"On {table.title} ({table.view})"
    if not table.ranked:
        reasons = list(dict.fromkeys(row.not_ranked for row in table.models))
        each = "; ".join(f"{row.model}: {row.not_ranked}" for row in table.models)
        return f"{on} there is no ranking: {each if len(reasons) > 1 else reasons[0]}."
    fits = f", of these single fits (seed {table.seeds_compared[0]})" if table.of_fits else ""
    first = table.first[0]
    said = _tie(table) if len(table.first) > 1 else _best(first, table)
    return f"{on}{fits}, {said}.{_not_ranked(table)}"


def _best(first: ModelRow, table: ImageTable) -> str:
    """That the first is told apart from every other."""
    following = table.ranked[1]
    return (
        f"{first.model} predicts the held-out pixels best: it gains {_gain(first, table)}, "
        f"{_less(first, following)} more than the next, {following.model}, which is significant"
    )


def _tie(table: ImageTable) -> str:
    """Which model gains most, which are not told apart from it, and which are significantly worse."""
    first, *others = table.first
    undecided = {
        name: pair.undecided
        for pair in table.pairs
        if first.model in (pair.better, pair.worse)
        for name in (pair.better, pair.worse)
    }
    tied = [row for row in others if not undecided.get(row.model)]
    parts = [f"{first.model} gains most, {_gain(first, table)}"]
    if tied:
        least, most = _less(first, tied[0]), _less(first, tied[-1])
        less = least if least == most else f"{least} to {most}"
        parts[0] += f", but not significantly more than {_named(tied)} ({less} less)"
    open_pairs: dict[str, list[ModelRow]] = {}
    for row in others:
        if reason := undecided.get(row.model):
            open_pairs.setdefault(reason, []).append(row)
    parts += [f"against {_named(rows)} it is undecided ({reason})" for reason, rows in open_pairs.items()]
    named = {row.model for row in table.first}
    if worse := [row for row in table.ranked if row.model not in named]:
        count = listed(row.model for row in worse) if len(worse) <= 3 else counted(len(worse), "other")
        parts.append(f"{count} {'is' if len(worse) == 1 else 'are'} significantly worse")
    return "; ".join(parts)


def _named(rows: Sequence[ModelRow]) -> str:
    """The names of all; of very many the first, and where the others are listed."""
    if len(rows) <= MOST_NAMES:
        return listed(row.model for row in rows)
    shown = ", ".join(row.model for row in rows[:MOST_NAMES])
    return f"{shown} and {len(rows) - MOST_NAMES} more that share a letter with it in the table"


def _not_ranked(table: ImageTable) -> str:
    out = [row.model for row in table.models if not row.letters]
    if not out:
        return ""
    return f" Not ranked: {listed(out) if len(out) <= 3 else counted(len(out), 'other')}."


def _gain(row: ModelRow, table: ImageTable) -> str:
    ceiling, gain = row.scores["ceiling"].mean, row.gain or 0.0
    least = "at least " if row.lower_bound else ""
    if not ceiling:
        return f"{least}{gain:z.2f} {table.unit}"
    return f"{least}{gain:z.2f} of {ceiling:.2f} {table.unit} ({gain / ceiling:z.0%})"


def _less(first: ModelRow, other: ModelRow) -> str:
    difference = (first.gain or 0.0) - (other.gain or 0.0)
    least = "at least " if first.lower_bound else ""
    return f"{least}{difference:.2f}" if difference >= 0.05 else f"{least}{difference:.2g}"


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
    ranked = [table for table in tables if table.ranked]
    holes = f", hold-out squares of {found.hold_out_block} px" if found.hold_out_block > 1 else ""
    what = f"{found.view} {'table' if found.averaged_images else 'image'}"
    over = f"Over {counted(len(tables), what)}{holes}"
    if not ranked:
        return f"{over}, there is no ranking: see each."
    noun = "fit" if any(table.of_fits for table in ranked) else "model"
    single = ", of these single fits" if noun == "fit" else ""
    firsts = [[row.model for row in table.first] for table in ranked]
    alone = Counter(first[0] for first in firsts if len(first) == 1)
    shared = Counter(model for first in firsts if len(first) > 1 for model in first)
    parts = []
    if alone:
        parts.append(
            listed(
                f"{label} is significantly best on {_share(n, len(ranked))}"
                for label, n in alone.most_common()
            )
        )
    if ties := sum(len(first) > 1 for first in firsts):
        among = ", ".join(f"{label} on {n}" for label, n in shared.most_common(MOST_NAMES))
        more = len(shared) - MOST_NAMES
        among += f", {more} more" if more > 0 else ""
        parts.append(f"on {ties} no {noun} is significantly best (not told apart from the first: {among})")
    if len(ranked) < len(tables):
        parts.append(f"{len(tables) - len(ranked)} could not be ranked")
    return f"{over}{single}: {'; '.join(parts)}. {_tests_answer(found)}"


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
    beaten = {test.worse for test in significant}
    wins = Counter(test.better for test in significant if test.better not in beaten)
    if not wins:  # each is beaten by another one
        return f"Over images {len(significant)} of {counted(len(found.tests), 'difference')} are significant."
    (best, n), *_ = wins.most_common()
    rivals = sum(best in (test.better, test.worse) for test in found.tests)
    others = counted(rivals, "other model")
    worse = f"the {others.removeprefix('1 ')}" if n == rivals else f"{n} of the {others}"
    return f"Over images {best} is significantly better than {worse}."


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
