"""Fits and images as files and back: arrays as npz, everything else as JSON; nothing is pickled."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from typing import Any

from numpy.typing import NDArray

from ..api import Fitted, Image, Model
from ..plain_data import SavedFit, of_npz, to_json, to_npz
from ..reporting.typed_json import build
from ..results import Cost, Learnt, Score, ScoreDetails, Scores, Verification

MAPS = ("gain", "weight", "log_likelihood")
"""The arrays in `Scores`."""

NOTHING = SavedFit((), {}, {})


def files_of(learnt: Learnt, about: Mapping[str, Any]) -> dict[str, bytes] | None:
    """A fit, its history, scores and cost as files by name; None if the fit has no `save`."""
    saved: list[dict[str, Any]] = []
    arrays: dict[str, NDArray[Any]] = {}
    for iteration, bound, fitted in ((None, None, learnt.fitted), *learnt.history):
        last = fitted is learnt.fitted and iteration is not None
        stored = NOTHING if last else SavedFit.of(fitted)  # the last one in the history is the fit itself
        if stored is None:
            return None
        saved.append(
            {
                "iteration": iteration,
                "bound": bound,
                "class": stored.names,
                "facts": stored.facts,
                "last": last,
            }
        )
        arrays |= {f"{len(saved) - 1}:{name}": array for name, array in stored.arrays.items()}
    scores = learnt.scores
    told = {
        "fits": saved,
        "cost": dataclasses.asdict(learnt.cost),
        "verification": dataclasses.asdict(learnt.verification),
        "values": {key: dataclasses.asdict(value) for key, value in scores.values.items()},
        **{key: getattr(scores, key) for key in ("not_ranked", "alarms")},
        "details": dataclasses.asdict(scores.details),
    }
    return {
        "about.json": to_json(about),
        "fit.json": to_json(told),
        "fit.npz": to_npz(arrays),
        "scores.npz": to_npz({name: getattr(scores, name) for name in MAPS}),
    }


def learnt_of(files: Mapping[str, bytes], model: type[Model]) -> Learnt:
    """The fit in such files, which a model has made; its cost is marked as cached."""
    told, arrays, maps = json.loads(files["fit.json"]), of_npz(files["fit.npz"]), of_npz(files["scores.npz"])
    fits: list[Fitted] = []
    for number, part in enumerate(told["fits"]):
        own = {
            name.partition(":")[2]: array
            for name, array in arrays.items()
            if name.startswith(f"{number}:")
        }  # fmt: skip
        stored = SavedFit(part["class"], own, part["facts"])
        fits.append(fits[0] if part["last"] else stored.load(model))
    values = {
        key: Score(**{**value, "interval": value["interval"] and tuple(value["interval"])})
        for key, value in told["values"].items()
    }
    scores = Scores(
        values,
        tuple(told["not_ranked"]),
        build(ScoreDetails, told["details"], "details"),
        tuple(told["alarms"]),
        *(maps[name] for name in MAPS),
    )
    history = tuple(
        (part["iteration"], part["bound"], fitted)
        for part, fitted in zip(told["fits"][1:], fits[1:], strict=True)
    )
    cost = Cost(**{**told["cost"], "cached": True})
    return Learnt(fits[0], history, scores, cost, Verification(**told["verification"]))


def files_of_image(image: Image) -> dict[str, bytes]:
    """An image as files."""
    told = {"name": image.name, "view": image.view, "sha256": image.sha256, "notes": image.notes}
    return {"image.json": to_json(told), "image.npz": to_npz({"values": image.values}, small=True)}


def image_of(files: Mapping[str, bytes]) -> Image:
    """The image in such files."""
    told = json.loads(files["image.json"])
    values = of_npz(files["image.npz"])["values"]
    return Image(told["name"], told["view"], values, told["sha256"], tuple(told["notes"]))
