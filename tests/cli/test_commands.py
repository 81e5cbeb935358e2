"""Subcommands: each is one file, is in the list, has its own help, and answers a slip with one line."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from gmmbench.cli import commands
from gmmbench.cli.main import main

ROOT = Path(__file__).parents[2]
FILES = sorted((ROOT / "gmmbench" / "cli").glob("*_command.py"))
NAMES = [file.stem.removesuffix("_command").replace("_", "-") for file in FILES]
OPTIONS = {
    "check": ["KEY=VALUE"],
    "compare": ["FOLDER"],
    "plugins": ["--json"],
    "store": ["store.dir=FOLDER", "clean", "--older", "--kind", "--damaged", "--all", "--dry-run", "--yes"],
}
"""Some options by the command that has them, as its help shows them."""


def declared(name):
    """Every argument that a command declares, as its help shows it."""
    actions = commands.parser_of(name, commands._command(name))._actions
    return [text for action in actions for text in action.option_strings or [action.metavar or action.dest]]


def test_every_command_is_listed_before_how_a_run_is_composed_and_the_choices(capsys):
    assert main(["--help"]) == 0
    page = capsys.readouterr().out
    commands_, run, choices = (page.index(part) for part in ("\nCommands\n", "\nA run is ", "\nChoices\n"))
    assert commands_ < run < choices < page.index("\nOptions of every run\n")
    listed = [line.split()[3] for line in page[commands_:run].splitlines() if "python -m gmmbench" in line]
    assert listed == [*NAMES, "...", "COMMAND"]
    assert commands.names() == NAMES
    assert OPTIONS.keys() <= set(NAMES)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("first", [True, False])
def test_a_command_has_a_help_of_its_own_that_lists_its_options(name, first, capsys):
    assert main(["--help", name] if first else [name, "--help"]) == 0
    page = capsys.readouterr().out
    assert page.startswith(f"usage: gmmbench {name}")
    assert commands.summaries()[name][1:] in page
    for option in [*OPTIONS.get(name, []), *declared(name)]:
        assert option in page


def test_the_help_of_commands_loads_nothing_heavy(tmp_path):
    heavy = "{'sklearn', 'lightgbm', 'matplotlib', 'numba', 'skimage', 'hydra', 'rich'}"
    code = (
        "import sys\nfrom gmmbench.cli.main import main\n"
        f"for name in {NAMES}: main([name, '--help'])\n"
        f"print(sorted({heavy} & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    assert done.stdout.splitlines()[-1] == "[]"


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (["plugins", "--jsn"], "gmmbench plugins: expected one of --help, --json, got '--jsn'; try --json"),
        (["plugins", "--jso"], "gmmbench plugins: expected one of --help, --json, got '--jso'; try --json"),
        (["compare"], "gmmbench compare: expected a folder of runs, got none; try gmmbench compare multirun"),
        (
            ["store", "clean", "--older"],
            "gmmbench store --older: expected one argument, got none; try gmmbench store --help",
        ),
        (
            ["store", "clean", "--older", "3"],
            "gmmbench store --older: expected a number and m, h, d or w, got '3'; try 30d",
        ),
        (
            ["store", "clean", "--kind", "fit"],
            "gmmbench store --kind: expected one of fits, images, runs, got 'fit'; try fits",
        ),
        (["store", "cleen"], "gmmbench store: expected one of clean, got 'cleen'; try clean"),
        (
            ["store", "--all"],
            "gmmbench store --all: expected clean before it, got none; try gmmbench store clean --all",
        ),
        (
            ["store", "clean"],
            "gmmbench store clean: expected --older AGE, --kind KIND, --damaged or --all, got none of them; "
            "try --older 30d --dry-run",
        ),
    ],
)  # fmt: skip
def test_a_slip_is_answered_with_one_line(words, line, capsys):
    assert main(words) == 1
    said = capsys.readouterr()
    assert said.err == f"gmmbench: {line}\n"
    assert said.out == ""


NEW = '''
"""`gmmbench say-hello`: greets."""

SUMMARY = "greet somebody"


def add_arguments(parser):
    parser.add_argument("name", help="whom to greet")
    parser.add_argument("--loud", action="store_true", help="with an exclamation mark")


def run(arguments):
    print("hello", arguments.name + ("!" if arguments.loud else ""))
    return 7
'''


def test_one_file_adds_a_command(tmp_path):
    for part in ("gmmbench", "conf"):
        shutil.copytree(ROOT / part, tmp_path / part, ignore=shutil.ignore_patterns("__pycache__", "data"))
    (tmp_path / "gmmbench" / "cli" / "say_hello_command.py").write_text(NEW)

    def gmmbench(*words):
        return subprocess.run(
            [sys.executable, "-m", "gmmbench", *words],
            cwd=tmp_path,
            env={**os.environ, "PYTHONPATH": str(tmp_path)},
            capture_output=True,
            text=True,
            check=False,
        )

    assert "  python -m gmmbench say-hello  greet somebody\n" in gmmbench("--help").stdout
    done = gmmbench("say-hello", "you", "--loud")
    assert (done.returncode, done.stdout) == (7, "hello you!\n")
    assert "--loud      with an exclamation mark" in gmmbench("say-hello", "--help").stdout
    said = gmmbench("say-hello")
    assert said.returncode == 1
    assert said.stderr == (
        "gmmbench: gmmbench say-hello: expected name, got nothing; try gmmbench say-hello --help\n"
    )
    assert "say-hello" in gmmbench("say-helo").stderr
