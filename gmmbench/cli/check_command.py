"""`gmmbench check`: whether a model, a renderer or an image source keeps its contract."""

from __future__ import annotations

import sys
from argparse import ArgumentParser, Namespace
from typing import TYPE_CHECKING

from ..errors import Refused

if TYPE_CHECKING:
    from ..testing import Verdict

SUMMARY = "check whether a model, a renderer or an image source keeps its contract"

GROUPS = ("model", "render", "image")


def add_arguments(parser: ArgumentParser) -> None:
    """The choices to check."""
    parser.add_argument(
        "overrides",
        nargs="*",
        metavar="KEY=VALUE",
        help="what to check: model=NAME, render=NAME, image=NAME, and options of them",
    )
    parser.epilog = (
        "The exit code is 1 if a check fails. Authors of plugins run the same checks in their tests\n"
        "(gmmbench.testing).\n\n"
        "Example: gmmbench check model=gmm model.components=5"
    )


def run(arguments: Namespace) -> int:
    """Check what is chosen and print a table for each. Returns 1 if a check fails. Raises Refused."""
    overrides = arguments.overrides
    named = [group for group in GROUPS if any(word.partition("=")[0] == group for word in overrides)]
    if not named:
        raise Refused(
            "gmmbench check: expected model=NAME, render=NAME or image=NAME, got "
            f"{' '.join(overrides) or 'nothing'}; try gmmbench check model=gmm"
        )
    from ..hydra_config.compose import compose
    from ..testing import check_image, check_model, check_render

    run = compose(*overrides)
    verdicts = []
    if "model" in named:
        verdicts.append(check_model(run.model, raises=False))
    if "render" in named:
        verdicts += [check_render(renderer, raises=False) for renderer in run.renders.values()]
    if "image" in named:
        verdicts.append(check_image(run.image, raises=False))
    for verdict in verdicts:
        _table(verdict)
    return int(any(verdict.broken for verdict in verdicts))


def _table(verdict: Verdict) -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False)
    for head in ("check", "view", "", "fault"):
        table.add_column(head, overflow="fold")
    for finding in verdict.findings:
        style = "red" if finding.fault else "green"
        word = "broken" if finding.fault else "ok"
        table.add_row(finding.check, finding.view, Text(word, style), Text(finding.fault or ""))
    console = Console(width=None if sys.stdout.isatty() else 300)
    console.print(table)
    said = f"broken: {', '.join(verdict.broken)}" if verdict.broken else "keeps its contract"
    console.print(Text(f"{verdict.subject}: {said}", "red" if verdict.broken else "green"))
