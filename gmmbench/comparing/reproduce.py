"""The command that repeats a run, from its report."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from .. import registry

PLAIN = re.compile(r"[A-Za-z_/.~][\w./:~@%+-]*")
SETTINGS = {"seed": 0, "hold_out": 0.2, "hold_out_block": 1, "threads": None}
"""The options at the top of config.yaml, with their defaults."""


def command(report: Mapping[str, Any]) -> str:
    """`gmmbench ...` with the choices of a run, and each option that differs from its choice's file.

    An option whose file is not there (its plugin is not installed here) is written out in full.
    """
    config = report["config"]
    words = []
    for group in ("image", "model"):
        option = report[group]["option"]
        words += [f"{group}={option}", *_options(group, group, option, config[group])]
    renders = list(config["render"])
    words.append(f"render={renders[0] if len(renders) == 1 else '[' + ','.join(renders) + ']'}")
    for option in renders:
        words += _options(f"render.{option}", "render", option, config["render"][option])
    words += [
        f"{key}={_word(config[key])}"
        for key, usual in SETTINGS.items()
        if key == "seed" or config.get(key, usual) != usual
    ]
    return " ".join(["gmmbench", *map(shlex.quote, words)])


def _options(prefix: str, group: str, option: str, chosen: Mapping[str, Any]) -> list[str]:
    usual = _defaults(group, option)
    return [
        f"{prefix}.{key}={value if key == 'path' else _word(value)}"
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


def _word(value: Any) -> str:
    """A value in Hydra's grammar."""
    if value is None or isinstance(value, bool | int | float):
        return json.dumps(value)
    if isinstance(value, list | tuple):
        return f"[{','.join(map(_word, value))}]"
    if isinstance(value, Mapping):
        return "{" + ",".join(f"{key}:{_word(item)}" for key, item in value.items()) + "}"
    text = str(value)
    if PLAIN.fullmatch(text) and text.lower() not in ("null", "true", "false", "nan", "inf"):
        return text
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"
