"""The comparison of runs: what their folders say, ranked where they may be; writes nothing."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from .api import TEST, Floats
from .folders import died, is_draft
from .knobs import Refused
from .scoring.intervals import Pair, all_pairs, difference, tiers

SCORES = ("gain", "ceiling", "skill", "kl", "expected_ink", "psnr", "ssim", "bits_per_dim")


@dataclass(frozen=True, eq=False)
class Entry:
    """A run that was found: `report` holds its report.json, or nothing, and then `failure` tells why."""

    folder: str
    path: Path
    report: Mapping[str, Any]
    failure: Mapping[str, Any]


def find(folders: Iterable[str | Path]) -> list[Entry]:
    """Every run at or below the folders, finished, failed or died, in the order of their names.

    Raises Refused: a folder does not exist, or there is no run in any.
    """
    given = [Path(folder) for folder in folders]
    found: dict[Path, tuple[Path, Path]] = {}
    dead: dict[Path, Entry] = {}
    for top in given:
        if not top.is_dir():
            raise Refused(f"gmmbench compare: expected a folder, got {top}; try one that a sweep wrote")
        for folder, _, files in os.walk(top):  # which another sweep may be changing
            # a report stands where a run is complete: it counts before a failure beside it
            told = next((name for name in ("report.json", "failure.json") if name in files), None)
            if told is not None and not is_draft(Path(folder)):
                found.setdefault(Path(folder).resolve(), (Path(folder, told), top))
        for place, failure in died(top):
            dead[place.resolve()] = Entry(_name(place, top, given), place, {}, failure)
    entries = []
    for place in sorted({*found, *dead}):
        if place not in found:
            entries.append(dead[place])
            continue
        file, top = found[place]
        name = _name(file.parent, top, given)
        try:
            data = json.loads(file.read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            data, failure = {}, {"kind": "unreadable", "reason": f"{file.name}: {error}", "overrides": []}
        else:
            failure = data if file.name == "failure.json" else {}
            if not failure and (data.get("schema"), data.get("schema_version")) != ("gmmbench-report", 2):
                reason = "report.json: expected schema gmmbench-report, version 2"
                failure = {"kind": "unreadable", "reason": reason, "overrides": []}
        entries.append(Entry(name, file.parent, {} if failure else data, failure))
    if not entries:
        raise Refused(
            f"gmmbench compare: expected runs (report.json) below {', '.join(map(str, given))}, "
            "got none; try the folder of a sweep"
        )
    return entries


def _name(folder: Path, top: Path, given: Sequence[Path]) -> str:
    return str(folder.relative_to(top)) if len(given) == 1 else str(folder)


def compare(folders: Iterable[str | Path]) -> dict[str, Any]:
    """The comparison as comparison.json holds it: `runs`, a row each, and `tables`.

    A table has one image, view, hold-out and convention. In it the per-pixel gains of each model are averaged
    over the seeds that all ranked models share, over those in which the pixel is held out; see
    docs/scoring.md, "Intervals and tiers".
    """
    entries = find(folders)
    labels = _labels([entry.report for entry in entries])
    rows = [_row(entry, label) for entry, label in zip(entries, labels, strict=True)]
    groups: dict[str, list[tuple[str, Entry]]] = {}
    for entry, label in zip(entries, labels, strict=True):
        if entry.report:
            groups.setdefault(_key(entry.report), []).append((label, entry))
    return {
        "schema": "gmmbench-comparison",
        "schema_version": 1,
        "runs": rows,
        "tables": [_table(members) for _, members in sorted(groups.items())],
    }


def _key(report: Mapping[str, Any]) -> str:
    image = report["image"]
    same = [image["name"], image["view"], image["sha256"], image["height"], image["width"]]
    knobs = report["config"]["image"]  # another threshold is another image
    return json.dumps(
        [*same, knobs, report["hold_out"], report["hold_out_block"], report["gain"]["convention"]],
        sort_keys=True,
    )


def _labels(reports: Sequence[Mapping[str, Any]]) -> list[str]:
    """The option of each model with the knobs in which the runs of that option differ."""
    knobs: dict[str, dict[str, set[str]]] = {}
    for report in filter(None, reports):
        for key, value in report["model"]["parameters"].items():
            knobs.setdefault(report["model"]["option"], {}).setdefault(key, set()).add(json.dumps(value))
    labels = []
    for report in reports:
        if not report:
            labels.append("")
            continue
        option, own = report["model"]["option"], report["model"]["parameters"]
        told = [f"{key}={json.dumps(own[key])}" for key in sorted(own) if len(knobs[option][key]) > 1]
        labels.append(" ".join([option, *told]))
    return labels


def _row(entry: Entry, label: str) -> dict[str, Any]:
    report, failure = entry.report, entry.failure
    if failure:
        return {
            "run": entry.folder,
            "status": failure["kind"],
            "reason": failure["reason"],
            "overrides": " ".join(failure["overrides"]),
        }
    scores = {f"{key}_{part}": report[key][part] for key in SCORES for part in ("train", "held_out")}
    return {
        "run": entry.folder,
        "status": "crashed" if report["failed"] else "ranked" if report["ranked"] else "not ranked",
        "reason": "; ".join(
            [*report["not_ranked"], *(f"render={k}: {v}" for k, v in report["failed"].items())]
        ),
        "image": report["image"]["name"],
        "view": report["image"]["view"],
        "model": label,
        "seed": report["seed"],
        "hold_out": report["hold_out"],
        "hold_out_block": report["hold_out_block"],
        "convention": report["gain"]["convention"],
        **scores,
        "n_parameters": report["fit"]["n_parameters"],
        "wall_seconds": report["cost"]["wall_seconds"],
        "peak_bytes": report["cost"]["peak_bytes"],
    }


def _table(members: Sequence[tuple[str, Entry]]) -> dict[str, Any]:
    first = members[0][1].report
    runs: dict[str, dict[int, Entry]] = {}
    for label, entry in members:  # the same fit drawn twice counts once
        runs.setdefault(label, {}).setdefault(entry.report["seed"], entry)
    seeds = sorted({seed for by_seed in runs.values() for seed in by_seed})
    reasons = {label: _reason(by_seed) for label, by_seed in runs.items()}
    ranked = [label for label, reason in reasons.items() if not reason]
    shared = [seed for seed in seeds if all(seed in runs[label] for label in ranked)] if ranked else []
    if ranked and not shared:
        reasons.update(dict.fromkeys(ranked, "no seed in which every ranked model ran"))
        ranked = []
    means, pairs, intervals = _judge({label: [runs[label][s] for s in shared] for label in ranked}, first)
    # without pairs that have an interval there are too few tiles, and no ranking
    judged = bool(pairs) and all(pair.corrected is not None for pair in pairs)
    places = tiers(means, pairs) if judged else {}
    models: list[dict[str, Any]] = []
    for label, by_seed in runs.items():
        got = [g for e in by_seed.values() if (g := e.report["gain"]["held_out"]) is not None]
        models.append(
            {
                "model": label,
                "tier": places.get(label),
                "not_ranked": reasons[label] or ("" if judged else "no pair, or too few tiles"),
                "gain": means.get(label),
                "interval": intervals.get(label),
                "gain_by_seed_mean": float(np.mean(got)) if got else None,
                "gain_by_seed_sd": float(np.std(got, ddof=1)) if len(got) > 1 else None,
                "seeds": len(by_seed),
                "of_seeds": len(seeds),
                "wall_seconds": float(np.mean([e.report["cost"]["wall_seconds"] for e in by_seed.values()])),
            }
        )
    models.sort(key=lambda row: (row["tier"] or math.inf, -(row["gain"] or -math.inf), row["model"]))
    return {
        "image": first["image"]["name"],
        "view": first["image"]["view"],
        "hold_out": first["hold_out"],
        "hold_out_block": first["hold_out_block"],
        "convention": first["gain"]["convention"],
        "unit": first["gain"]["unit"],
        "seeds_compared": shared,
        "models": models,
        "pairs": [
            {
                "better": pair.better,
                "worse": pair.worse,
                "difference": pair.difference.value,
                "interval": pair.difference.interval(),
                "p_corrected": pair.corrected,
                "told_apart": pair.told_apart(),
                "tiles": pair.difference.tiles,
            }
            for pair in pairs
        ],
    }


def _reason(by_seed: Mapping[int, Entry]) -> str:
    """Why a model may not stand in the ranking; nothing where it may."""
    for seed, entry in sorted(by_seed.items()):
        if not entry.report["ranked"]:
            return f"seed {seed}: {'; '.join(entry.report['not_ranked'])}"
        if not (entry.path / "scores.npz").is_file():
            return f"seed {seed}: scores.npz is missing"
        gain, _, held = _maps(entry)
        if not np.isfinite(gain[held]).all():
            return f"seed {seed}: held-out pixels without a finite score"
    return ""


def _maps(entry: Entry) -> tuple[Floats, Floats, Floats]:
    with np.load(entry.path / "scores.npz", allow_pickle=False) as scores:
        held = np.asarray(scores["split"] == TEST)
        return scores["gain"].astype(np.float64), scores["weight"].astype(np.float64), held


def _judge(
    runs: Mapping[str, Sequence[Entry]], report: Mapping[str, Any]
) -> tuple[dict[str, float], list[Pair], dict[str, tuple[float, float] | None]]:
    """Means, pairs and intervals in the unit of the gain, of maps averaged over seeds where held out."""
    # bits from nats, and for colours of three dimensions each
    per = math.log(2) * (3 if report["image"]["view"] == "colour" else 1)
    gains: dict[str, Floats] = {}
    weight = scored = np.zeros((report["image"]["height"], report["image"]["width"]))
    for label, entries in runs.items():
        maps = [_maps(entry) for entry in entries]
        times = np.sum([held for _, _, held in maps], axis=0)
        scored = times > 0
        share = np.maximum(times, 1)
        gains[label] = np.sum([np.where(held, g, 0) for g, _, held in maps], axis=0) / share
        weight = np.sum([np.where(held, w, 0) for _, w, held in maps], axis=0) / share * per
    means, intervals = {}, {}
    for label, gain in gains.items():
        own = difference(gain, weight, scored)
        if own is not None:
            means[label], intervals[label] = own.value, own.interval()
    return means, all_pairs(gains, weight, scored), intervals
