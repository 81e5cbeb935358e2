"""`gmmbench store`: what is kept of earlier runs, how large it is, and its cleaning."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable

from ..errors import Refused, unknown
from ..storage.store import KINDS, Entry, Store

UNITS = {"m": 60.0, "h": 3600.0, "d": 86_400.0, "w": 604_800.0}


def show(arguments: list[str]) -> int:
    """Print the table, or clean and print what went; see `gmmbench --help`. Raises Refused."""
    words = [word for word in arguments if not word.startswith("store.dir=")]
    named = [word.partition("=")[2] for word in arguments if word not in words]
    store = Store(named[-1] if named else None)
    if not words:
        print(f"store: {store.folder}")
        _table("kept", store.entries())
        return 0
    if (word := words.pop(0)) != "clean":
        raise Refused(unknown("gmmbench store", word, ["clean"]))
    older, damaged = 0.0, False
    while words:
        word = words.pop(0)
        flag, _, value = word.partition("=")
        if word == "--damaged":
            damaged = True
        elif flag == "--older":
            older = _seconds(value or (words.pop(0) if words else ""))
        else:
            raise Refused(unknown("gmmbench store clean", word, ["--older", "--damaged"]))
    print(f"store: {store.folder}")
    _table("removed", store.clean(older, damaged))
    return 0


def _seconds(text: str) -> float:
    match = re.fullmatch(r"(\d+(?:\.\d+)?)([mhdw])", text)
    if match is None:
        raise Refused(
            f"gmmbench store clean --older: expected a number and m, h, d or w, got {text!r}; try 30d"
        )
    return float(match[1]) * UNITS[match[2]]


def _table(word: str, entries: Iterable[Entry]) -> None:
    from rich.console import Console
    from rich.table import Table

    found = list(entries)
    table = Table(box=None, pad_edge=False)
    for head in (word, "number", "size", "last used"):
        table.add_column(head, justify="left" if head == word else "right")
    for kind in (*KINDS, "all"):
        of = [entry for entry in found if kind in (entry.kind, "all")]
        ages = [entry.age_seconds for entry in of]
        table.add_row(kind, f"{len(of):,}", _size(sum(entry.bytes for entry in of)), _span(ages))
    Console(width=None if sys.stdout.isatty() else 120).print(table)


def _size(count: int) -> str:
    return f"{count / 2**20:,.1f} MiB"


def _span(ages: list[float]) -> str:
    if not ages:
        return ""
    near, far = (f"{age / 86_400:.0f} d" if age >= 86_400 else f"{age / 3600:.1f} h" for age in
                 (min(ages), max(ages)))  # fmt: skip
    return f"{near} to {far} ago"
