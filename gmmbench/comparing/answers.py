"""The answer in words: a sentence for each table, and one for all, that claim no more than the tiers do."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from ..scoring.intervals import LEVEL

if TYPE_CHECKING:
    from .find import Group
    from .verdicts import Verdict


def listed(names: Iterable[object], last: str = "and") -> str:
    """`a`, `a and b`, `a, b and c`."""
    *most, end = [str(name) for name in names]
    return f"{', '.join(most)} {last} {end}" if most else end


def counted(n: int, noun: str) -> str:
    """`1 image`, `2 images`."""
    return f"{n:,} {noun}{'' if n == 1 else 's'}"


def narrowed(group: Group) -> list[str]:
    """Which ranked models keep seeds from being compared, and which seeds are left."""
    ranked = group.ranked
    if not ranked or group.shared == group.seeds:
        return []
    told = []
    for label in ranked:
        missing = [seed for seed in group.seeds if seed not in group.runs[label]]
        if missing:
            told.append(f"{label} has no run of seed{'s' * (len(missing) > 1)} {listed(missing)}")
    if not told:  # only models that are not ranked have the other seeds
        return []
    n, of = len(group.shared), len(group.seeds)
    return [*told, f"so {n} of {of} seeds are compared: {listed(group.shared)}"]


def unjudged(group: Group, verdict: Verdict) -> str:
    """Why models that may be ranked are not."""
    if not group.report["hold_out"]:
        return "nothing was held out"
    if len(group.ranked) < 2:
        return "no other model to compare it with"
    if any(pair.corrected is None for pair in verdict.pairs):
        return f"too few tiles with held-out data: {min(pair.difference.tiles for pair in verdict.pairs)}"
    return "no held-out data"


def of_table(table: Mapping[str, Any]) -> str:
    """Which model knows this image best, or why that cannot be told."""
    on = f"On {table['title']} ({table['view']})"
    models = table["models"]
    if not table["judged"]:
        reasons = {row["not_ranked"] for row in models}
        each = "; ".join(f"{row['model']}: {row['not_ranked']}" for row in models)
        return f"{on} there is no ranking: {each if len(reasons) > 1 else reasons.pop()}."
    best = [row for row in models if row["tier"] == 1]
    first = best[0]
    if len(best) > 1:
        behind = [row["model"] for row in models if (row["tier"] or 0) > 1]
        told = f"; {_many(behind)} {'is' if len(behind) == 1 else 'are'} really behind it" if behind else ""
        names = [row["model"] for row in best[1:]]
        others = listed(names) if len(names) <= 3 else f"{listed([*names[:3], f'{len(names) - 3} more'])}"
        less, most = (_apart(first["gain"] - row["gain"]) for row in (best[1], best[-1]))
        more = "" if less == most else f" to {most}"
        return (
            f"{on} {first['model']} gains most, {_gains(first, table)}, "
            f"but it cannot be told apart from {others} ({less}{more} less){told}."
        )
    following = next(row for row in models if row["tier"] == 2)
    apart = _apart(first["gain"] - following["gain"])
    return (
        f"{on} {first['model']} knows the held-out pixels best: it gains {_gains(first, table)}, "
        f"{apart} more than {following['model']}, the next, which is more than chance."
    )


def _gains(row: Mapping[str, Any], table: Mapping[str, Any]) -> str:
    ceiling = row["scores"]["ceiling"]["mean"]
    of = f" of {ceiling:.2f}" if ceiling else ""
    share = f" ({row['gain'] / ceiling:z.0%})" if ceiling else ""
    return f"{row['gain']:z.2f}{of} {table['unit']}{share}"


def _apart(difference: float) -> str:
    return f"{difference:.2f}" if difference >= 0.05 else f"{difference:.2g}"


def _many(names: Sequence[str], most: int = 3) -> str:
    """Names, or of many how many: `the other 11`."""
    return listed(names) if len(names) <= most else f"the other {len(names)}"


def overall(tables: Sequence[Mapping[str, Any]], across: Sequence[Mapping[str, Any]]) -> list[str]:
    """The answer over all tables: one sentence for each view, hold-out and convention."""
    if not tables:
        return ["There is nothing to compare: no run came to an end."]
    if len(tables) == 1:
        return [tables[0]["answer"]]
    return [_over(found, [table for table in tables if _same(table, found)]) for found in across]


def _same(table: Mapping[str, Any], found: Mapping[str, Any]) -> bool:
    return all(
        table[key] == found[key] for key in ("view", "hold_out", "hold_out_block", "convention", "unit")
    )


def _over(found: Mapping[str, Any], tables: Sequence[Mapping[str, Any]]) -> str:
    judged = [table for table in tables if table["judged"]]
    if len(tables) == 1:
        return str(tables[0]["answer"])
    held = f", holes of {found['hold_out_block']} px" if found["hold_out_block"] > 1 else ""
    what = f"{found['view']} {'table' if found['averaged_images'] else 'image'}"
    over = f"Over {counted(len(tables), what)}{held}"
    if not judged:
        return f"{over} there is no ranking: see each."
    alone, shared = Counter[str](), Counter[str]()
    for table in judged:
        best = [row["model"] for row in table["models"] if row["tier"] == 1]
        (alone if len(best) == 1 else shared).update(best)
    told = []
    if alone:
        told.append(
            listed(
                f"{label} knows {_share(n, len(judged))} best, by more than chance"
                for label, n in alone.most_common()
            )
        )
    ties = sum(1 for table in judged if sum(row["tier"] == 1 for row in table["models"]) > 1)
    if ties:
        first = ", ".join(f"{label} on {n}" for label, n in shared.most_common(4))
        told.append(f"on {ties} it cannot be told which is best (among the first: {first})")
    if len(judged) < len(tables):
        told.append(f"{len(tables) - len(judged)} could not be ranked")
    return f"{over}: {'; '.join(told)}. {_tested(found)}"


def _share(n: int, of: int) -> str:
    if n == of:
        return "both" if of == 2 else f"all {of}"
    return f"{n} of {of}"


def _tested(found: Mapping[str, Any]) -> str:
    if found["why_no_tests"]:
        return f"No test over images: {found['why_no_tests']}."
    real = [row for row in found["tests"] if row["told_apart"]]
    if not real and found["least_p"] >= 1 - LEVEL:
        return (
            f"Over images nothing can be told: with {counted(len(found['tests']), 'pair')} on so few images "
            f"no corrected p-value can be less than {found['least_p']:.2g}."
        )
    if not real:
        return "Over images no difference is more than chance."
    beaten = Counter(row["better"] for row in real)
    (best, n), *_ = beaten.most_common()
    rivals = sum(best in (row["better"], row["worse"]) for row in found["tests"])
    return f"Over images {best} is really better than {n} of the {counted(rivals, 'other model')}."


def notes(rows: Sequence[Mapping[str, Any]]) -> list[str]:
    """What was not counted, failed or is suspicious, in a line each."""
    told = []
    failed = [row for row in rows if "model" not in row]
    if failed:
        kinds = Counter(row["status"] for row in failed)
        each = listed(f"{n} {kind}" for kind, n in kinds.items())
        told.append(f"{counted(len(failed), 'job')} came to nothing ({each})")
    again = [row for row in rows if row.get("same_fit_as") is not None]
    same = [row for row in again if row["same_numbers"]]
    if same:
        told.append(
            f"{counted(len(same), 'run')} of a fit that is there already: each fit is counted once ("
            + _some([f"{row['run']} as {row['same_fit_as']}" for row in same])
            + ")"
        )
    told += [
        f"{row['run']} has the choices of {row['same_fit_as']} and other numbers (other versions or threads, "
        "perhaps): it is not counted"
        for row in again
        if not row["same_numbers"]
    ]
    crashed = [row["run"] for row in rows if row["status"] == "crashed" and "model" in row]
    if crashed:
        told.append(f"a renderer crashed in {_some(crashed)}; the fit is counted")
    told += [f"alarm in {row['run']}: {row['alarms']}" for row in rows if row.get("alarms")]
    return told


def _some(names: Sequence[str], most: int = 4) -> str:
    rest = len(names) - most
    return ", ".join(names[:most]) + (f" and {rest} more" if rest > 0 else "")
