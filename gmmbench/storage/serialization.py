"""Fits and images as files and back: arrays as npz, everything else as JSON; nothing is pickled."""

from __future__ import annotations

import dataclasses
import io
import json
from collections.abc import Mapping
from importlib import import_module
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..api import Fitted, Image, Model
from ..mixture_fit import MixtureDensity
from ..results import Cost, Learnt, Score, Scores
from ..running.provenance import plain

MAPS = ("gain", "weight", "log_likelihood")
"""The arrays in `Scores`."""


def files_of(learnt: Learnt, about: Mapping[str, Any]) -> dict[str, bytes] | None:
    """A fit, its history, scores and cost as files by name; None if the fit has no `save`."""
    saved: list[dict[str, Any]] = []
    arrays: dict[str, NDArray[Any]] = {}
    for iteration, bound, fitted in ((None, None, learnt.fitted), *learnt.history):
        last = fitted is learnt.fitted and iteration is not None
        stored = ({}, {}) if last else fitted.save()  # the last one in the history is the fit itself
        if stored is None:
            return None
        names = _names(type(fitted))
        saved.append(
            {"iteration": iteration, "bound": bound, "class": names, "facts": stored[1], "last": last}
        )
        arrays |= {f"{len(saved) - 1}:{name}": np.asarray(array) for name, array in stored[0].items()}
    scores = learnt.scores
    told = {
        "fits": saved,
        "cost": dataclasses.asdict(learnt.cost),
        "values": {key: dataclasses.asdict(value) for key, value in scores.values.items()},
        **{key: getattr(scores, key) for key in ("not_ranked", "details", "alarms")},
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
        fits.append(fits[0] if part["last"] else _class(part["class"], model).load(own, part["facts"]))
    values = {
        key: Score(**{**value, "interval": value["interval"] and tuple(value["interval"])})
        for key, value in told["values"].items()
    }
    scores = Scores(
        values,
        tuple(told["not_ranked"]),
        told["details"],
        tuple(told["alarms"]),
        *(maps[name] for name in MAPS),
    )
    history = tuple(
        (part["iteration"], part["bound"], fitted)
        for part, fitted in zip(told["fits"][1:], fits[1:], strict=True)
    )
    return Learnt(fits[0], history, scores, Cost(**{**told["cost"], "cached": True}))


def again(fitted: Fitted, model: type[Model]) -> Fitted | None:
    """A fit as a store would give it back; None if it has no `save`."""
    saved = fitted.save()
    if saved is None:
        return None
    arrays, facts = of_npz(to_npz(saved[0])), json.loads(to_json(saved[1]))
    return _class(_names(type(fitted)), model).load(arrays, facts)


def files_of_image(image: Image) -> dict[str, bytes]:
    """An image as files."""
    told = {"name": image.name, "view": image.view, "sha256": image.sha256, "notes": image.notes}
    return {"image.json": to_json(told), "image.npz": to_npz({"values": image.values}, small=True)}


def image_of(files: Mapping[str, bytes]) -> Image:
    """The image in such files."""
    told = json.loads(files["image.json"])
    values = of_npz(files["image.npz"])["values"]
    return Image(told["name"], told["view"], values, told["sha256"], tuple(told["notes"]))


def to_json(told: Mapping[str, Any]) -> bytes:
    """JSON with every float to its last bit, and NaN and infinity as Python writes and reads them."""
    return (json.dumps(plain(told, finite=False), indent=1, ensure_ascii=False) + "\n").encode()


def to_npz(arrays: Mapping[str, NDArray[Any]], small: bool = False) -> bytes:
    """An npz. Raises TypeError: an array holds objects, which only a pickle could store."""
    for name, array in arrays.items():
        if array.dtype.hasobject:
            raise TypeError(f"expected arrays of numbers, got objects in {name}")
    data = io.BytesIO()
    (np.savez_compressed if small else np.savez)(data, **arrays)  # type: ignore[arg-type]  # no array is called like its parameters
    return data.getvalue()


def of_npz(data: bytes) -> dict[str, NDArray[Any]]:
    """The arrays of an npz, read without pickle and not writeable."""
    with np.load(io.BytesIO(data), allow_pickle=False) as found:
        arrays = {name: found[name] for name in found.files}
    for array in arrays.values():
        array.flags.writeable = False
    return arrays


def _names(cls: type[Fitted]) -> list[str]:
    return [cls.__module__, cls.__qualname__]


def _class(names: list[str], model: type[Model]) -> type[Fitted]:
    """The class with a module and a name, which must be a Fitted of the model's package or core's mixture.

    The names come from a file in a folder that may be shared: it must not have anything else imported.

    Raises:
        TypeError: it is something else.
    """
    module, name = names
    package = model.__module__.partition(".")[0]
    own = module in (package, model.__module__) or module.startswith(f"{package}.")
    if not own and module != MixtureDensity.__module__:
        raise TypeError(f"{module} is not in the package of the model {model.name}")
    found: Any = import_module(module)
    for part in name.split("."):
        found = getattr(found, part, None)
    if not (isinstance(found, type) and issubclass(found, Fitted)):
        raise TypeError(f"{module}.{name} is not a class of fits")
    return found
