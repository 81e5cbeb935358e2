"""`gmmbench compare`: the runs in some folders as tables and a page."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace

SUMMARY = "compare the runs in folders: tables, a page, significance"


def add_arguments(parser: ArgumentParser) -> None:
    """The folders."""
    parser.add_argument(
        "folders",
        nargs="*",
        metavar="FOLDER",
        help="a folder with runs in it or below it; the comparison is written into the first one",
    )
    parser.epilog = (
        "It writes comparison.html, comparison.md, comparison.json and comparison.csv. A sweep is compared\n"
        "at its end; this command compares several sweeps, or single runs.\n\n"
        "Example: gmmbench compare multirun outputs"
    )


def run(arguments: Namespace) -> int:
    """Write the comparison into the first folder. Raises Refused: there is no folder, or no run in it."""
    from ..jobs.comparison import write_comparison

    return write_comparison(arguments.folders)
