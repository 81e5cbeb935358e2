"""`gmmbench plugins`: every plugin, what it offers, and whether it works."""

from __future__ import annotations

import json
import sys
from argparse import ArgumentParser, Namespace
from typing import Any

from .. import registry

SUMMARY = "list the plugins, what they offer, and whether they work"


def add_arguments(parser: ArgumentParser) -> None:
    """The format."""
    parser.add_argument("--json", action="store_true", help="print JSON instead of a table")
    parser.epilog = (
        "The exit code is 1 if a plugin is broken or two plugins offer one name.\n"
        "GMMBENCH_BLOCK=NAME,... leaves plugins out."
    )


def run(arguments: Namespace) -> int:
    """Print the table, or JSON. Returns 1 if a plugin is broken or two plugins offer one name."""
    known = registry.load()
    rows = [_row(known, plugin) for plugin in known.plugins]
    if arguments.json:
        print(json.dumps({"plugins": rows, "conflicts": known.conflicts}, indent=2, ensure_ascii=False))
    else:
        _table(rows, known.conflicts)
    return int(bool(known.conflicts) or any(row["status"] == "broken" for row in rows))


def _row(known: registry.Registry, plugin: registry.Plugin) -> dict[str, Any]:
    return {
        "name": plugin.name,
        "distribution": plugin.distribution,
        "version": plugin.version,
        "status": plugin.status,
        "offers": {group: names for group, names in known.offers(plugin).items() if names},
        "error": plugin.error or None,
    }


def _table(rows: list[dict[str, Any]], conflicts: list[str]) -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False)
    for head in ("plugin", "distribution", "version", "offers", "status", "error"):
        table.add_column(head, overflow="fold")
    for row in rows:
        offers = "; ".join(f"{group} {', '.join(names)}" for group, names in row["offers"].items())
        style = {"ok": "green", "broken": "red", "blocked": "yellow"}[row["status"]]
        cells = (row["name"], row["distribution"], row["version"], offers)
        table.add_row(*map(Text, cells), Text(row["status"], style), Text(row["error"] or ""))
    # A pipe has no width: nothing is cut or folded there.
    console = Console(width=None if sys.stdout.isatty() else 300)
    console.print(table)
    for conflict in conflicts:
        console.print(Text(f"refused: {conflict}", "red"))
