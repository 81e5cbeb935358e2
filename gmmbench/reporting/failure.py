"""Why a job of a sweep left no report: what failure.json holds (docs/report.md)."""

from __future__ import annotations

from dataclasses import dataclass

from ..errors import Refused
from .typed_json import build, dump, parse


@dataclass(frozen=True)
class RunFailure:
    """Why a job left no report.

    Attributes:
        kind: refused, crashed, memory, timeout, died or unreadable.
        overrides: what the job was asked for with, as `key=value`.
        reason: one line.
    """

    kind: str = "failed"
    overrides: tuple[str, ...] = ()
    reason: str = ""

    def to_json(self) -> str:
        """The failure as failure.json holds it."""
        return dump(self)

    @staticmethod
    def from_json(text: str | bytes, name: str = "failure.json") -> RunFailure:
        """The failure in the text of a failure.json; `name` is that of the file, for the error.

        Raises Refused: it is no such file.
        """
        try:
            return build(RunFailure, parse(text))
        except ValueError as error:
            raise Refused(f"{name}: {error}; try the command again") from error
