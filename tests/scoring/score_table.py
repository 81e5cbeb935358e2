"""Loads the script that writes the table of scores in docs/report.md."""

import importlib.util
from pathlib import Path

SCRIPT = Path(__file__).parents[2] / "docs/make_score_table.py"


def load():
    """The script as a module."""
    spec = importlib.util.spec_from_file_location("make_score_table", SCRIPT)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
