"""The isolated process: it fits a model to a scene, or loads a fit and answers questions, and knows no image.

All that it is told comes through its stdin as messages, and what it answers leaves through its stdout. Its
arguments name nothing, its folder is empty, and its environment holds what `isolated.ENVIRONMENT` lists.
"""

from __future__ import annotations

import os
import queue
import sys
import threading
from collections.abc import Mapping, Sequence
from importlib import import_module
from importlib.util import module_from_spec, spec_from_file_location
from typing import Any, BinaryIO

import numpy as np

from ..api import Density, Fitted, Floats, Lattice, Law, Model, Predictor, Scene, Watch
from ..plain_data import SavedFit
from .confine import confine
from .messages import Arrays, receive, rng_of_facts, rng_to_facts, send

Answer = tuple[dict[str, Any], Mapping[str, Any]]
"""The facts and arrays of an answer."""


class Worker:
    """One fit, made here or loaded here, and the questions to it."""

    def __init__(self) -> None:
        self.fitted: Fitted | None = None
        self.confined: bool | None = None

    def answer(self, facts: Mapping[str, Any], arrays: Arrays) -> Answer:
        """Do what a message asks for: fit, load, or call a method of the fit."""
        if self.confined is None:  # before any code of a model runs, which must be readable itself
            self.confined = confine(filter(None, facts["model"][2:]))
        return {"fit": self._fit, "load": self._load, "call": self._call}[facts["do"]](facts, arrays)

    def _fit(self, facts: Mapping[str, Any], arrays: Arrays) -> Answer:
        from threadpoolctl import threadpool_limits

        model = _model(facts["model"])(**facts["options"])
        scene = Scene(
            Lattice(*facts["lattice"]), facts["view"], arrays["values"], arrays["held"], facts["block"]
        )
        with threadpool_limits(limits=facts["threads"]):
            self.fitted = model.fit(scene, rng_of_facts(facts["rng"]), Watch(facts["threads"]))
        saved = SavedFit.of(self.fitted)
        about = {**_about(self.fitted), "confined": self.confined}
        if saved is None:
            return {**about, "saved": None}, {}
        return {**about, "saved": {"names": saved.names, "facts": saved.facts}}, saved.arrays

    def _load(self, facts: Mapping[str, Any], arrays: Arrays) -> Answer:
        saved = SavedFit(facts["names"], arrays, facts["facts"])
        self.fitted = saved.load(_model(facts["model"]))
        return _about(self.fitted), {}

    def _call(self, facts: Mapping[str, Any], arrays: Arrays) -> Answer:
        method = getattr(self.fitted, facts["method"])
        if facts["method"] == "sample":
            rng = rng_of_facts(facts["rng"])
            drawn = method(facts["n"], rng)
            return {"kind": "array", "rng": rng_to_facts(rng)}, {"answer": drawn}
        found = method(*(arrays[str(place)] for place in range(len(arrays))))
        if found is None:
            return {"kind": "none"}, {}
        if isinstance(found, Law):
            parts: dict[str, Floats | None] = {
                "weights": found.weights,
                "means": found.means,
                "covariances": found.covariances,
                "degrees": found.degrees,
            }
            return {"kind": "law"}, {name: part for name, part in parts.items() if part is not None}
        return {"kind": "array"}, {"answer": np.asarray(found)}


def _model(names: Sequence[str]) -> type[Model]:
    """The class with a module, a qualified name, and a file to load it from if import fails."""
    module, name, file = names
    try:
        found: Any = import_module(module)
    except ModuleNotFoundError:
        spec = spec_from_file_location(module, file)
        if spec is None or spec.loader is None:
            raise
        found = sys.modules[module] = module_from_spec(spec)
        spec.loader.exec_module(found)
    for part in name.split("."):
        found = getattr(found, part)
    if not (isinstance(found, type) and issubclass(found, Model)):
        raise TypeError(f"{module}.{name} is not a class of models")
    return found


def _about(fitted: Fitted) -> dict[str, Any]:
    """What a fit is, and the numbers that it carries."""
    if not isinstance(fitted, Density | Predictor):
        raise TypeError(f"fit returned {type(fitted).__name__}, no Density or Predictor")
    return {
        "density": isinstance(fitted, Density),
        "predictor": isinstance(fitted, Predictor),
        "columns": list(fitted.columns) if isinstance(fitted, Density) else None,
        "n_parameters": fitted.n_parameters,
        "iterations": fitted.iterations,
        "converged": bool(fitted.converged),
        "facts": fitted.facts(),
    }


def _listen(stream: BinaryIO, messages: queue.Queue[Any]) -> None:
    """Pass messages on; end the process at the end of the stream, even in the middle of a fit."""
    while (message := receive(stream)) is not None:
        messages.put(message)
    os._exit(0)


def main() -> None:
    """Answer messages until stdin ends. What a model prints goes to stderr."""
    asking, answering = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    os.dup2(2, 1)
    messages: queue.Queue[Any] = queue.Queue()
    threading.Thread(target=_listen, args=(asking, messages), daemon=True).start()
    worker = Worker()
    while True:
        facts, arrays = messages.get()
        try:
            send(answering, *worker.answer(facts, arrays))
        except Exception as error:
            said = " ".join(str(error).split())
            send(answering, {"error": f"{type(error).__name__}: {said}" if said else type(error).__name__})


if __name__ == "__main__":
    main()
