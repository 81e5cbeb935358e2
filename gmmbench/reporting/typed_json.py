"""JSON files as typed dataclasses: bounded parsing, and one clear line for what is wrong."""

from __future__ import annotations

import dataclasses
import json
import math
import stat
import types
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any, Literal, TypeVar, Union, cast, get_args, get_origin, get_type_hints

from ..errors import Refused

T = TypeVar("T")

DEEPEST = 100
"""Levels of nesting that are read: our files have fewer than 20, and Python's own limit ends a process."""

LARGEST = 2**28
"""Bytes of a file that are read; a comparison of 500 models on one image has 63 MB."""

NOT_STORED = {"stored": False}
"""Metadata of a field that is in no file."""


def contents(path: Path) -> bytes:
    """The bytes of a regular file.

    Raises Refused: it cannot be read, is no regular file, or is too large; the message names it.
    """
    try:
        about = path.stat()
        if not stat.S_ISREG(about.st_mode):  # opening a named pipe would wait for its writer
            raise Refused(f"{path.name}: expected a regular file")
        if about.st_size > LARGEST:
            raise Refused(f"{path.name}: expected at most {LARGEST:,} bytes, got {about.st_size:,}")
        return path.read_bytes()
    except OSError as error:
        raise Refused(f"{path.name}: {error.strerror or error}") from error


def parse(text: str | bytes) -> Any:
    """JSON whose numbers are finite and whose nesting is bounded, so that it can be written again.

    Raises ValueError: it is not.
    """
    try:
        value = json.loads(text)
    except RecursionError as error:
        raise ValueError(_too_deep()) from error
    except ValueError as error:
        raise ValueError(f"expected JSON ({error})") from error
    _check(value)
    return value


def _check(value: Any) -> None:
    level = [value]
    for _ in range(DEEPEST):
        if not level:
            return
        following: list[Any] = []
        for item in level:
            if isinstance(item, dict):
                following += [*item, *item.values()]
            elif isinstance(item, list):
                following += item
            elif isinstance(item, str):
                item.encode()  # half a surrogate pair raises UnicodeEncodeError, a ValueError
            elif isinstance(item, float) and not math.isfinite(item):
                raise ValueError(f"expected finite numbers, got {item}")
            elif isinstance(item, int) and abs(item) >= 2**64:
                raise ValueError("expected integers below 2^64")
        level = following
    raise ValueError(_too_deep())


def _too_deep() -> str:
    return f"expected at most {DEEPEST} levels of nesting"


def check_schema(data: Any, name: str, version: int) -> None:
    """Raise ValueError unless the data is an object of this schema and version."""
    if not isinstance(data, dict):
        raise ValueError(f"expected schema {name}, version {version}, got {_kind(data)}")
    got = (data.get("schema"), data.get("schema_version"))
    if got != (name, version):
        raise ValueError(f"expected schema {name}, version {version}, got {got[0]}, version {got[1]}")


def build(kind: type[T], value: Any, where: str = "", made: Mapping[str, Any] | None = None) -> T:
    """Parsed JSON as a dataclass, checked field by field.

    Fields may be dataclasses, `tuple`, `Mapping[str, ...]`, `Literal`, `X | None`, `Any` and JSON's types.

    Args:
        kind: the dataclass.
        value: the parsed JSON.
        where: names the value in messages.
        made: fields that are computed already and are not in `value`.

    Raises ValueError: a field is missing, unknown or of another type; the message names it.
    """
    return cast(T, _dataclass(kind, value, where, made or {}))


def _build(kind: Any, value: Any, where: str) -> Any:  # noqa: PLR0911 - one return a kind of type
    origin, inner = get_origin(kind), get_args(kind)
    if kind is Any:
        return value
    if dataclasses.is_dataclass(kind):
        return _dataclass(cast(type, kind), value, where, {})
    if origin in (Union, types.UnionType):
        return _one_of(inner, value, where)
    if origin is Literal:
        if value not in inner:
            raise _wrong(where, f"one of {', '.join(map(str, inner))}", value)
        return value
    if origin is tuple:
        return _tuple(inner, value, where)
    if origin is not None and issubclass(origin, Mapping):
        if not isinstance(value, dict):
            raise _wrong(where, "an object", value)
        return {key: _build(inner[1], item, _inside(where, key)) for key, item in value.items()}
    return _scalar(kind, value, where)


def _dataclass(kind: type, value: Any, where: str, made: Mapping[str, Any]) -> Any:
    if not isinstance(value, dict):
        raise _wrong(where, "an object", value)
    fields = {name: field for name, field in _fields(kind).items() if name not in made}
    if unknown := value.keys() - fields.keys():
        raise ValueError(f"expected no key {_inside(where, min(unknown))}")
    found = dict(made)
    for name, (hint, needed) in fields.items():
        if name in value:
            found[name] = _build(hint, value[name], _inside(where, name))
        elif needed:
            raise ValueError(f"expected the key {_inside(where, name)}, got none")
    return kind(**found)


@cache
def _fields(kind: type) -> dict[str, tuple[Any, bool]]:
    """The fields of a dataclass that files hold: the type of each, and whether it has no default."""
    hints = get_type_hints(kind)
    return {
        field.name: (
            hints[field.name],
            field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING,
        )
        for field in dataclasses.fields(kind)
        if field.metadata.get("stored", True)
    }


def _one_of(kinds: tuple[Any, ...], value: Any, where: str) -> Any:
    if value is None and type(None) in kinds:
        return None
    *others, last = [kind for kind in kinds if kind is not type(None)]
    for kind in others:
        try:
            return _build(kind, value, where)
        except ValueError:
            continue
    return _build(last, value, where)


def _tuple(inner: tuple[Any, ...], value: Any, where: str) -> tuple[Any, ...]:
    if not isinstance(value, list):
        raise _wrong(where, "a list", value)
    kinds = inner[:1] * len(value) if inner[-1] is Ellipsis else inner
    if len(kinds) != len(value):
        raise _wrong(where, f"a list of {len(kinds)}", value)
    pairs = zip(kinds, value, strict=True)
    return tuple(_build(kind, item, f"{where}[{place}]") for place, (kind, item) in enumerate(pairs))


def _scalar(kind: type, value: Any, where: str) -> Any:
    # JSON does not tell 1.0 from 1, and to Python a truth value is an integer
    accepted = (int, float) if kind is float else kind
    if not isinstance(value, accepted) or (isinstance(value, bool) and kind is not bool):
        raise _wrong(
            where, {str: "text", bool: "true or false", int: "an integer"}.get(kind, "a number"), value
        )
    return value


def _inside(where: str, key: str) -> str:
    return f"{where}.{key}" if where else key


def _wrong(where: str, expected: str, value: Any) -> ValueError:
    at = f"{where} to be " if where else ""
    return ValueError(f"expected {at}{expected}, got {_kind(value)}")


def _kind(value: Any) -> str:
    if isinstance(value, dict | list):
        return "an object" if isinstance(value, dict) else f"a list of {len(value)}"
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 40 else text[:37] + "..."


def dump(value: Any, indent: int | None = 2) -> str:
    """A tree of dataclasses as JSON text: no NaN or infinity. Raises ValueError: there is one."""
    return json.dumps(value, indent=indent, ensure_ascii=False, allow_nan=False, default=stored) + "\n"


def stored(value: Any) -> dict[str, Any]:
    """The fields of a dataclass that files hold, by name."""
    if not dataclasses.is_dataclass(value):
        raise TypeError(f"expected a dataclass, got {type(value).__name__}")
    return {name: getattr(value, name) for name in _fields(cast(type, type(value)))}
