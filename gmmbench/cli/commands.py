"""The subcommands of `gmmbench`: every module `NAME_command.py` in this folder is one.

Such a module has a `SUMMARY`, `add_arguments(parser)` and `run(arguments)`, see `Command`. Its file is all
that a subcommand needs: it is found by its name.
"""

from __future__ import annotations

import argparse
import pkgutil
import re
from collections.abc import Mapping, Sequence
from importlib import import_module
from typing import NoReturn, Protocol, cast

from ..errors import Refused, unknown

ENDING = "_command"
MISSING = "the following arguments are required: "
"""The beginning of argparse's message for a missing argument."""


class Command(Protocol):
    """The contents of a subcommand's module. It imports heavy libraries inside `run` only."""

    SUMMARY: str
    """One line for the list of commands."""

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        """Declare the arguments; `parser.epilog` may show examples."""

    def run(self, arguments: argparse.Namespace) -> int:
        """Do what was asked; return the exit code. Raises Refused."""


class OneLineParser(argparse.ArgumentParser):
    """A parser whose errors are one line: expected, got, try."""

    def error(self, message: str) -> NoReturn:
        """Raise Refused with argparse's message in the form of our errors."""
        flags = [flag for action in self._actions for flag in action.option_strings if flag.startswith("--")]
        if message.startswith("unrecognized arguments: "):
            raise Refused(unknown(self.prog, message.split()[2], flags))
        if message.startswith(MISSING):
            message = f"expected {message.removeprefix(MISSING)}, got nothing"
        if message.endswith("argument"):  # "argument --older: expected one argument"
            message += ", got none"
        named = re.fullmatch(r"argument ([^:]+): (.*)", message, re.DOTALL)
        line = (
            f"{self.prog} {named[1].rpartition('/')[2]}: {named[2]}" if named else f"{self.prog}: {message}"
        )
        raise Refused(line if "; try " in line else f"{line}; try {self.prog} --help")


def names() -> list[str]:
    """The names of the subcommands, sorted."""
    package = import_module(__package__)
    modules = (module.name for module in pkgutil.iter_modules(package.__path__))
    return sorted(name.removesuffix(ENDING).replace("_", "-") for name in modules if name.endswith(ENDING))


def summaries() -> Mapping[str, str]:
    """What each subcommand does, in a line, by its name."""
    return {name: _command(name).SUMMARY for name in names()}


def run(name: str, arguments: Sequence[str]) -> int:
    """Run a subcommand with its arguments, or show its help; return the exit code. Raises Refused."""
    command = _command(name)
    parser = parser_of(name, command)
    if {"-h", "--help"} & set(arguments):
        parser.print_help()
        return 0
    return command.run(parser.parse_intermixed_args(list(arguments)))


def parser_of(name: str, command: Command) -> OneLineParser:
    """The parser of a subcommand's arguments."""
    parser = OneLineParser(
        prog=f"gmmbench {name}",
        description=command.SUMMARY[0].upper() + command.SUMMARY[1:] + ".",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    command.add_arguments(parser)
    return parser


def _command(name: str) -> Command:
    return cast(Command, import_module(f"{__package__}.{name.replace('-', '_')}{ENDING}"))
