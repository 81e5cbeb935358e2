"""Overrides as Hydra's grammar wants them: file names work as they are typed."""

from __future__ import annotations

from pathlib import Path


def quoted(override: str, sweep: bool) -> str:
    """An override whose file name is protected from Hydra's grammar: names work as typed.

    In a sweep, `image.path=a.png,b.png` names two files unless one file has that name.
    """
    key, equals, value = override.partition("=")
    if key == "hold_out.block":  # the dotted name is how one would guess it
        return f"hold_out_block={value}"
    if key == "experiment":  # Hydra wants a plus, a user need not know why
        return f"+{override}"
    if (
        key in ("hydra.run.dir", "hydra.sweep.dir", "store.dir")
        and value not in ("", "null")
        and value[0] not in "'\""
        and "${" not in value
    ):
        return f"{key}={_quote(str(Path(value).expanduser()))}"
    if key.lstrip("+") != "image.path" or not equals:
        return override
    whole = value in ("", "null") or _exists(value)
    if not whole and len(value) > 1 and value[0] == value[-1] and value[0] in "'\"":
        return override  # quoted by the user already
    parts = [value]
    if sweep and not whole and any(_exists(part) for part in value.split(",")):
        parts = value.split(",")
    return f"{key}=" + ",".join(_quote(part) for part in parts)


def _exists(name: str) -> bool:
    try:
        return Path(name).expanduser().exists()
    except (OSError, RuntimeError):  # a name too long for the system, or a home that is nobody's
        return False


def _quote(text: str) -> str:
    # In Hydra's quoted strings a backslash matters only before a quote; "${" would be an interpolation.
    body = text.replace("${", r"\${")
    head = body.rstrip("\\")
    tail = body[len(head) :] * 2
    out = []
    run = 0
    for letter in head:
        if letter == '"':
            out.append("\\" * run + '\\"')
        else:
            out.append(letter)
        run = run + 1 if letter == "\\" else 0
    return '"' + "".join(out) + tail + '"'
