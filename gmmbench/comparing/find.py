"""The runs of some folders: found, named, and each fit counted once."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray

from ..api import TEST, Floats
from ..errors import Refused
from ..reporting.report import SCHEMA_VERSION
from ..storage.atomic import died, is_temporary

NEEDED = ("image", "model", "seed", "hold_out", "hold_out_block", "gain", "ranked", "fit", "cost", "config")

NAMES = ("name", "path", "view")
"""Options of an image that say where it is from, or what the report knows better: the view that it got."""


@dataclass(frozen=True, eq=False)
class Entry:
    """A run that was found: `report` holds its report.json, or nothing, and then `failure` tells why."""

    folder: str
    path: Path
    report: Mapping[str, Any]
    failure: Mapping[str, Any]

    @property
    def scored(self) -> bool:
        """Whether the maps of its scores are there."""
        return (self.path / "scores.npz").is_file()

    def maps(self) -> tuple[Floats, Floats, NDArray[np.bool_]]:
        """Gain in nats over uniform, weight, and truth values of what is held out: (H, W) each."""
        # numpy leaves a file open that is no archive
        with (self.path / "scores.npz").open("rb") as file, np.load(file, allow_pickle=False) as scores:
            held = np.asarray(scores["split"] == TEST)
            return scores["gain"].astype(np.float64), scores["weight"].astype(np.float64), held


@dataclass(frozen=True, eq=False)
class Group:
    """The runs that may be compared: of one image, view, hold-out and convention.

    Attributes:
        title: the image, with what sets it apart from others of its name.
        runs: by model and seed; of runs of the same fit the first counts, the others add pictures.
        seeds: that any model has. shared: those that all ranked models have.
        reasons: why a model may not stand in the ranking; "" where it may.
    """

    title: str
    runs: Mapping[str, Mapping[int, tuple[Entry, ...]]]
    seeds: tuple[int, ...]
    shared: tuple[int, ...] = ()
    reasons: Mapping[str, str] = field(default_factory=dict)

    @property
    def report(self) -> Mapping[str, Any]:
        """The report of the first of them: what they share can be read from any."""
        return self.first.report

    @property
    def first(self) -> Entry:
        """The first of them."""
        return _first(self.runs)

    @property
    def ranked(self) -> list[str]:
        """The models that may stand in the ranking."""
        return [label for label, reason in self.reasons.items() if not reason]

    def counted(self, label: str) -> dict[int, Entry]:
        """The runs of a model behind its means: of the shared seeds where it is ranked, else all."""
        seeds = self.shared if label in self.ranked else self.runs[label]
        return {seed: self.runs[label][seed][0] for seed in seeds}


def find(folders: Iterable[str | Path]) -> list[Entry]:
    """Every run at or below the folders, finished, failed or died, in the order of their names.

    Raises Refused: a folder does not exist, or there is no run in any.
    """
    given = [Path(folder) for folder in folders]
    found: dict[Path, Entry] = {}
    for top in given:
        if not top.is_dir():
            raise Refused(f"gmmbench compare: expected a folder, got {top}; try one that a sweep wrote")
        for folder, told in _places(top):
            name = str(folder.relative_to(top)) if len(given) == 1 else str(folder)
            if folder.resolve() not in found:
                found[folder.resolve()] = Entry(name, folder, *told)
    entries = [found[place] for place in sorted(found)]
    if not entries:
        raise Refused(
            f"gmmbench compare: expected runs (report.json) below {', '.join(map(str, given))}, "
            "got none; try the folder of a sweep"
        )
    return entries


def _places(top: Path) -> Iterator[tuple[Path, tuple[Mapping[str, Any], Mapping[str, Any]]]]:
    """The folders of runs below a folder, with what `_read` tells of each; then those of runs that died."""
    for folder, _, files in os.walk(top):  # which another sweep may be changing
        # a report stands where a run is complete: it counts before a failure beside it
        told = next((name for name in ("report.json", "failure.json") if name in files), None)
        if told is not None and not is_temporary(Path(folder)):
            yield Path(folder), _read(Path(folder, told))
    for place, failure in died(top):
        yield place, ({}, failure)


def _read(file: Path) -> tuple[Mapping[str, Any], Mapping[str, Any]]:
    """The report and the failure in a file: one of them is empty."""
    try:
        data = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        return {}, _unreadable(f"{file.name}: {error}")
    if file.name == "failure.json":
        return {}, {"kind": "failed", "reason": "", "overrides": [], **data}
    schema = ("gmmbench-report", SCHEMA_VERSION)
    if not isinstance(data, dict) or (data.get("schema"), data.get("schema_version")) != schema:
        return {}, _unreadable(f"report.json: expected schema gmmbench-report, version {SCHEMA_VERSION}")
    if missing := [key for key in NEEDED if key not in data]:
        return {}, _unreadable(f"report.json: expected the key {missing[0]}, got none")
    return data, {}


def _unreadable(reason: str) -> Mapping[str, Any]:
    return {"kind": "unreadable", "reason": reason, "overrides": []}


def labels(entries: Sequence[Entry]) -> list[str]:
    """The name of each run's model with the options in which the runs of that model differ."""
    options: dict[str, dict[str, set[str]]] = {}
    for entry in entries:
        for key, value in entry.report["model"]["parameters"].items() if entry.report else ():
            options.setdefault(entry.report["model"]["option"], {}).setdefault(key, set()).add(_word(value))
    found = []
    for entry in entries:
        if not entry.report:
            found.append("")
            continue
        option, own = entry.report["model"]["option"], entry.report["model"]["parameters"]
        told = [f"{key}={_word(own[key])}" for key in sorted(own) if len(options[option][key]) > 1]
        found.append(" ".join([option, *told]))
    return found


def groups(entries: Sequence[Entry], names: Sequence[str]) -> list[Group]:
    """The runs by what may be compared, in the order of images. `names` are those of `labels`."""
    keyed: dict[str, dict[str, dict[int, list[Entry]]]] = {}
    for entry, label in zip(entries, names, strict=True):
        if entry.report:
            by_seed = keyed.setdefault(_key(entry.report), {}).setdefault(label, {})
            by_seed.setdefault(entry.report["seed"], []).append(entry)
    titles = _titles({key: _first(models).report["image"]["name"] for key, models in keyed.items()})
    found = []
    for key in sorted(keyed, key=lambda key: (titles[key], key)):
        runs = {
            # a run whose maps are gone counts after one that has them
            label: {
                seed: tuple(sorted(same, key=lambda entry: not entry.scored)) for seed, same in runs.items()
            }
            for label, runs in keyed[key].items()
        }
        found.append(_with_shared_seeds(titles[key], runs))
    return found


def _with_shared_seeds(title: str, runs: Mapping[str, Mapping[int, tuple[Entry, ...]]]) -> Group:
    seeds = tuple(sorted({seed for by_seed in runs.values() for seed in by_seed}))
    reasons = {label: _reason(by_seed) for label, by_seed in runs.items()}
    ranked = [label for label, reason in reasons.items() if not reason]
    shared = tuple(seed for seed in seeds if ranked and all(seed in runs[label] for label in ranked))
    if ranked and not shared:
        reasons.update(dict.fromkeys(ranked, "no seed in which every ranked model ran"))
    return Group(title, runs, seeds, shared, reasons)


def _reason(by_seed: Mapping[int, Sequence[Entry]]) -> str:
    """Why a model may not stand in the ranking; nothing where it may."""
    for seed, (entry, *_) in sorted(by_seed.items()):
        if not entry.report["ranked"]:
            return f"seed {seed}: {'; '.join(entry.report['not_ranked'])}"
        if wrong := _wrong_maps(entry):
            return f"seed {seed}: {wrong}"
    return ""


def _wrong_maps(entry: Entry) -> str:
    if not entry.scored:
        return "scores.npz is missing"
    try:
        gain, weight, held = entry.maps()
    except (OSError, ValueError, KeyError, EOFError, BadZipFile) as error:
        return f"scores.npz cannot be read: {type(error).__name__}"
    shape = (entry.report["image"]["height"], entry.report["image"]["width"])
    if not gain.shape == weight.shape == held.shape == shape:
        return f"scores.npz: expected maps of {shape[0]} x {shape[1]} pixels"
    return "" if np.isfinite(gain[held]).all() else "held-out pixels without a finite score"


def _first(models: Mapping[str, Mapping[int, Sequence[Entry]]]) -> Entry:
    return next(iter(next(iter(models.values())).values()))[0]


def _key(report: Mapping[str, Any]) -> str:
    """What runs must share to be compared. Another threshold is another image; another file name is not."""
    image = report["image"]
    options = {key: value for key, value in report["config"]["image"].items() if key not in NAMES}
    return json.dumps(
        {
            "view": image["view"],
            "sha256": image["sha256"],
            "size": f"{image['width']} x {image['height']}",
            **{f"image.{key}": value for key, value in sorted(options.items())},
            "hold_out": report["hold_out"],
            "hold_out_block": report["hold_out_block"],
            "convention": report["gain"]["convention"],
        }
    )


def _titles(names: Mapping[str, str]) -> dict[str, str]:
    """The image's name by key, and of keys that share one what sets them apart."""
    titles = {}
    for key, name in names.items():
        own = json.loads(key)
        same = [json.loads(other) for other in names if names[other] == name]
        words = list(dict.fromkeys(word for other in same for word in other))
        apart = [
            word for word in words if len({_word(other.get(word)) for other in same}) > 1 and word in own
        ]
        told = [f"{word}={own[word][:8] if word == 'sha256' else own[word]}" for word in apart]
        titles[key] = ", ".join([name, *told])
    return titles


def _word(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False).strip('"')
