"""`gmmbench store`: what the store holds and how large it is; `gmmbench store clean` removes some of it."""

from __future__ import annotations

import re
import sys
from argparse import ArgumentParser, ArgumentTypeError, Namespace
from collections.abc import Sequence
from typing import TYPE_CHECKING

from ..errors import Refused, unknown

if TYPE_CHECKING:
    from ..storage.entries import Entry
    from ..storage.store import Store

SUMMARY = "show the results that are stored for later runs, or remove some of them"

FOLDER = "store.dir="
UNITS = {"m": 60.0, "h": 3600.0, "d": 86_400.0, "w": 604_800.0}
SELECTORS = "--older AGE, --kind KIND, --damaged or --all"


def add_arguments(parser: ArgumentParser) -> None:
    """The arguments: `clean`, the store's folder, and what to remove."""
    parser.usage = (
        "gmmbench store [store.dir=FOLDER]\n"
        "       gmmbench store clean [store.dir=FOLDER] [--older AGE] [--kind KIND] [--damaged] [--all]\n"
        "                            [--dry-run] [--yes]"
    )
    parser.add_argument(
        "words",
        nargs="*",
        metavar="clean, store.dir=FOLDER",
        help="clean removes the entries that are selected; FOLDER is the store (default: GMMBENCH_STORE, "
        "else gmmbench/store in the user's cache folder)",
    )
    select = parser.add_argument_group(
        "what clean removes", "At least one is needed; several narrow another."
    )
    select.add_argument(
        "--older",
        type=_seconds,
        metavar="AGE",
        help="entries that were last used so long ago: 90m, 12h, 30d, 8w",
    )
    select.add_argument(
        "--kind", type=_kind, action="append", metavar="KIND", help="fits, runs or images; may be repeated"
    )
    select.add_argument("--damaged", action="store_true", help="entries that do not match their checksums")
    select.add_argument("--all", action="store_true", help="all entries")
    how = parser.add_argument_group("how clean does it")
    how.add_argument("--dry-run", action="store_true", help="say what would be removed, and remove nothing")
    how.add_argument("--yes", action="store_true", help="do not ask on a terminal")
    parser.epilog = (
        "clean removes entries of the store alone: folders that are named by a key and hold its manifest.\n"
        "It follows no link and touches nothing else that lies in the folder. On a terminal it asks first;\n"
        "if its input is no terminal (a script, a pipe), the selection counts as the answer.\n\n"
        "Example: gmmbench store clean --older 30d --dry-run"
    )


def run(arguments: Namespace) -> int:
    """Print the table, or clean and print what was removed. Raises Refused."""
    from ..storage.store import Store

    words = [word for word in arguments.words if not word.startswith(FOLDER)]
    named = [word.removeprefix(FOLDER) for word in arguments.words if word.startswith(FOLDER)]
    store = Store(named[-1] if named and named[-1] != "null" else None)
    for word in words:
        if word != "clean":
            raise Refused(unknown("gmmbench store", word, ["clean"]))
    if words:
        return _clean(store, arguments)
    if flag := next((name for name, value in vars(arguments).items() if value and name != "words"), None):
        said = f"--{flag.replace('_', '-')}"
        raise Refused(
            f"gmmbench store {said}: expected clean before it, got none; try gmmbench store clean {said}"
        )
    print(f"store: {store.folder}")
    _table("stored", list(store.entries()))
    _others(store)
    return 0


def _clean(store: Store, arguments: Namespace) -> int:
    if arguments.older is None and not (arguments.kind or arguments.damaged or arguments.all):
        raise Refused(
            f"gmmbench store clean: expected {SELECTORS}, got none of them; try --older 30d --dry-run"
        )
    selected = store.select(
        older_seconds=arguments.older,
        kinds=arguments.kind,
        damaged=arguments.damaged,
        everything=arguments.all,
    )
    kinds = {} if arguments.kind is None else {"kinds": arguments.kind}
    unfinished = len(store.leftovers(**kinds))
    print(f"store: {store.folder}")
    size = _size(sum(entry.bytes for entry in selected))
    count = f"{len(selected):,} {'entry' if len(selected) == 1 else 'entries'}"
    if arguments.dry_run:
        _table("would be removed", selected)
        print(f"it would free {size}; nothing was removed")
        return 0
    if (selected or unfinished) and sys.stdin.isatty() and not arguments.yes:
        _table("to be removed", selected)
        if not _agreed(f"Remove {count}, {size}? [y/N] "):
            print("nothing was removed")
            return 0
    unfinished = store.remove_leftovers(**kinds)
    gone = store.remove(selected)
    _table("removed", gone)
    print(f"freed {_size(sum(entry.bytes for entry in gone))}")
    if unfinished:
        print(f"also removed {unfinished:,} that processes which are gone had not finished")
    _others(store)
    if len(gone) < len(selected):
        raise Refused(
            f"store {store.folder}: expected to remove {count}, got {len(gone):,}; try the permissions"
        )
    return 0


def _agreed(question: str) -> bool:
    print(question, end="", file=sys.stderr, flush=True)
    return sys.stdin.readline().strip().lower() in ("y", "yes")


def _others(store: Store) -> None:
    """Print what the store leaves alone."""
    found = store.strangers()
    if found:
        print(f"left alone: {len(found):,} that are no entries of a store, such as {found[0]}")


def _seconds(text: str) -> float:
    match = re.fullmatch(r"(\d+(?:\.\d+)?)([mhdw])", text)
    if match is None:
        raise ArgumentTypeError(f"expected a number and m, h, d or w, got {text!r}; try 30d")
    return float(match[1]) * UNITS[match[2]]


def _kind(text: str) -> str:
    from ..storage.entries import KINDS

    if text not in KINDS:
        raise ArgumentTypeError(unknown("", text, KINDS).removeprefix(": "))
    return text


def _table(word: str, found: Sequence[Entry]) -> None:
    from rich.console import Console
    from rich.table import Table

    from ..storage.entries import KINDS

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


def _span(ages: Sequence[float]) -> str:
    if not ages:
        return ""
    near, far = (
        f"{age / 86_400:.0f} d" if age >= 86_400 else f"{age / 3600:.1f} h" for age in (min(ages), max(ages))
    )
    return f"{near} to {far} ago"
