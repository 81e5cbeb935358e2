"""Overrides in Hydra's grammar, so that file names work as they are typed."""

from __future__ import annotations

from pathlib import Path

from ..overrides import quoted_text

FOLDERS = ("hydra.run.dir", "hydra.sweep.dir", "store.dir")
"""The keys whose value is a folder."""


def quoted(override: str, sweep: bool) -> str:
    """An override whose file name is quoted for Hydra's grammar.

    In a sweep, `image.path=a.png,b.png` names two files, unless a single file has that name.
    """
    key, equals, value = override.partition("=")
    if key == "hold_out.block":  # a likely guess at the name
        return f"hold_out_block={value}"
    if key == "experiment":  # Hydra requires the plus
        return f"+{override}"
    if key in FOLDERS and value not in ("", "null") and value[0] not in "'\"" and "${" not in value:
        return f"{key}={quoted_text(str(Path(value).expanduser()))}"
    if key.lstrip("+") != "image.path" or not equals:
        return override
    whole = value in ("", "null") or _exists(value)
    if not whole and len(value) > 1 and value[0] == value[-1] and value[0] in "'\"":
        return override  # the user has quoted it
    parts = [value]
    if sweep and not whole and any(_exists(part) for part in value.split(",")):
        parts = value.split(",")
    return f"{key}=" + ",".join(map(quoted_text, parts))


def _exists(name: str) -> bool:
    try:
        return Path(name).expanduser().exists()
    except (OSError, RuntimeError):  # the name is too long for the system, or its user has no home folder
        return False
