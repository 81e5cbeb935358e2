"""The provenance of a run: its options, and the versions behind it."""

from __future__ import annotations

import dataclasses
import platform
from collections.abc import Mapping
from functools import cache
from importlib.metadata import PackageNotFoundError, packages_distributions, version
from typing import Any

from ..api import Choice
from ..results import Run

PACKAGES = (
    "gmmbench",
    "numpy",
    "scipy",
    "numba",
    "scikit-learn",
    "scikit-image",
    "lightgbm",
    "pillow",
    "matplotlib",
)


def config_of(run: Run) -> dict[str, Any]:
    """Every option of a run as its YAML would set it."""
    return {
        "image": {"name": run.image.name, **options_of(run.image)},
        "model": {"name": run.model.name, **options_of(run.model)},
        "render": {
            option: {"name": renderer.name, **options_of(renderer)}
            for option, renderer in run.renders.items()
        },
        **run.run_options(),
    }


def options_of(choice: Choice) -> dict[str, Any]:
    """The options of a choice with their values."""
    return dataclasses.asdict(choice)  # type: ignore[call-overload]  # every choice is one


@cache
def versions(*classes: type[Choice]) -> dict[str, str]:
    """The versions behind a run: Python, the libraries, and the plugins' own packages."""
    found = {"python": platform.python_version()}
    owners = _owners()
    modules = {cls.__module__.partition(".")[0] for cls in classes} - {"gmmbench", "__main__"}
    for name in (*PACKAGES, *sorted(dist for module in modules for dist in owners.get(module, []))):
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found


@cache
def _owners() -> Mapping[str, list[str]]:
    """The distributions that contain each top-level package; finding them takes a while."""
    return packages_distributions()
