"""Whether a model has replaced functions of this package in this process, such as those that score it."""

from __future__ import annotations

import sys
from types import FunctionType

from ..api import Model

OWN = __name__.partition(".")[0]


def replaced(model: type[Model]) -> tuple[str, ...]:
    """Functions and classes of this package that come from the package of a model, as reasons not to rank it.

    It finds a model that puts a function of its own in the place of one of ours, in this run or earlier.
    It does not find one that takes pains to hide that.
    """
    package = model.__module__.partition(".")[0]
    if package == OWN:
        return ()
    found = []
    for name, module in list(sys.modules.items()):
        if name.partition(".")[0] != OWN or module is None:
            continue
        for key, value in list(vars(module).items()):
            if _owner(value) == package:
                found.append(f"{name}.{key}")
            if isinstance(value, type) and value.__module__ == name:
                members = vars(value).items()
                found += [f"{name}.{key}.{part}" for part, member in members if _owner(member) == package]
    return tuple(f"{name} was replaced by {package}" for name in found)


def _owner(value: object) -> str | None:
    """The package of a function or class."""
    if isinstance(value, FunctionType | type):
        return str(value.__module__).partition(".")[0]
    return None
