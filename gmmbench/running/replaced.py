"""Whether a plugin has replaced functions of this package in this process, such as those that score it."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from types import FunctionType

from ..api import Choice

OWN = __name__.partition(".")[0]


def replaced() -> tuple[str, ...]:
    """Functions and classes of this package that come from the package of a plugin, as reasons not to rank.

    It finds a plugin that puts a function of its own in the place of one of ours, in this run or an earlier
    one, in which case no score of this process can be trusted. It does not find one that hides that.
    """
    plugins = {_package(choice) for choice in _descendants(Choice)} - {OWN}
    found = []
    for name, module in list(sys.modules.items()):
        if name.partition(".")[0] != OWN or module is None:
            continue
        for key, value in list(vars(module).items()):
            places = [(f"{name}.{key}", value)]
            if isinstance(value, type) and value.__module__ == name:
                places += [(f"{name}.{key}.{part}", member) for part, member in vars(value).items()]
            found += [
                f"{place} was replaced by {_package(one)}"
                for place, one in places
                if isinstance(one, FunctionType | type) and _package(one) in plugins
            ]
    return tuple(found)


def _package(one: FunctionType | type) -> str:
    return str(one.__module__).partition(".")[0]


def _descendants(kind: type) -> Iterator[type]:
    children: list[type] = kind.__subclasses__()
    for child in children:
        yield child
        yield from _descendants(child)
