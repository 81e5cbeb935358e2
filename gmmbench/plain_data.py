"""Values, arrays and fits as plain data and back: JSON and npz; nothing is pickled."""

from __future__ import annotations

import io
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .api import Fitted, Model
from .mixture_fit import MixtureDensity


def plain(value: Any, finite: bool = True) -> Any:
    """A value as JSON can represent it; with `finite`, NaN and infinity become null."""
    if isinstance(value, Mapping):
        return {str(key): plain(item, finite) for key, item in value.items()}
    if isinstance(value, list | tuple | np.ndarray):
        return [plain(item, finite) for item in value]
    if isinstance(value, np.generic):
        value = value.item()
    if finite and isinstance(value, float) and not math.isfinite(value):
        return None
    return value


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


@dataclass(frozen=True, eq=False)
class SavedFit:
    """What a fit's `save` gave, as plain data.

    Attributes:
        names: the module and the qualified name of the class of the fit.
        arrays: the arrays by name.
        facts: what JSON can hold.
    """

    names: Sequence[str]
    arrays: Mapping[str, NDArray[Any]]
    facts: Mapping[str, Any]

    @staticmethod
    def of(fitted: Fitted) -> SavedFit | None:
        """A fit as plain data; None if it has no `save`."""
        saved = fitted.save()
        if saved is None:
            return None
        cls = type(fitted)
        arrays = {name: np.asarray(array) for name, array in saved[0].items()}
        return SavedFit((cls.__module__, cls.__qualname__), arrays, saved[1])

    def load(self, model: type[Model]) -> Fitted:
        """The fit, which a model of this class has made.

        Raises:
            TypeError: its class is neither of the model's package nor one of the core's mixtures.
        """
        return class_of_fit(self.names, model).load(self.arrays, self.facts)


def again(fitted: Fitted, model: type[Model]) -> Fitted | None:
    """A fit as a store would give it back; None if it has no `save`."""
    saved = SavedFit.of(fitted)
    if saved is None:
        return None
    arrays, facts = of_npz(to_npz(saved.arrays)), json.loads(to_json(saved.facts))
    return SavedFit(saved.names, arrays, facts).load(model)


def class_of_fit(names: Sequence[str], model: type[Model]) -> type[Fitted]:
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
