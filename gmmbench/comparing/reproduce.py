"""The command that repeats a run, from its report."""

from __future__ import annotations

import dataclasses
import shlex
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from .. import registry
from ..overrides import written
from ..reporting.report import Report
from ..results import RunOptions

FILE = ("image", "path")
"""The option whose value is typed without quotes, whatever the file is called."""


def command(report: Report) -> str:
    """`gmmbench ...` with the choices of a run, and each option that differs from its choice's file.

    An option whose file is not there (its plugin is not installed here) is written out in full.
    """
    config = report.config
    chosen = {"image": (report.image.option, config.image), "model": (report.model.option, config.model)}
    words = []
    for group, (option, options) in chosen.items():
        words += [f"{group}={option}", *_options(group, group, option, options)]
    renders = list(config.render)
    words.append(f"render={renders[0] if len(renders) == 1 else '[' + ','.join(renders) + ']'}")
    for option in renders:
        words += _options(f"render.{option}", "render", option, config.render[option])
    words += [
        f"{option.name}={written(getattr(config, option.name))}"
        for option in dataclasses.fields(RunOptions)
        if option.name == "seed" or getattr(config, option.name) != option.default
    ]
    return " ".join(["gmmbench", *map(shlex.quote, words)])


def _options(prefix: str, group: str, option: str, chosen: Mapping[str, Any]) -> list[str]:
    usual = _defaults(group, option)
    return [
        f"{prefix}.{key}={value if (prefix, key) == FILE else written(value)}"
        for key, value in chosen.items()
        if key != "name" and (key not in usual or usual[key] != value)
    ]


@cache
def _defaults(group: str, option: str) -> Mapping[str, Any]:
    for _, folder in [("", registry.conf_folder()), *registry.load().folders()]:
        file = Path(folder) / group / f"{option}.yaml"
        if file.is_file():
            found = yaml.safe_load(file.read_text(encoding="utf-8"))
            return found if isinstance(found, dict) else {}
    return {}
