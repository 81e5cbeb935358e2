"""The result of a contract check: every single check by name, and what was wrong."""

from __future__ import annotations

import contextlib
import dataclasses
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any


class ContractBroken(AssertionError):  # noqa: N818 - pytest shows it as a failed assertion
    """A plugin does not keep its contract; the message lists every check that failed."""


class Broken(Exception):  # noqa: N818 - the result of one check, never seen outside
    """One check failed; the message says what was wrong."""


@dataclass(frozen=True)
class Finding:
    """One check: its name, its view, and what was wrong (None: nothing)."""

    check: str
    view: str
    fault: str | None

    def __str__(self) -> str:
        return f"{self.check} ({self.view}): {self.fault or 'fine'}"


@dataclass
class Verdict:
    """All findings about one plugin."""

    subject: str
    findings: list[Finding] = field(default_factory=list)

    @property
    def broken(self) -> list[str]:
        """The names of the checks that failed, in order, each once."""
        return list(dict.fromkeys(finding.check for finding in self.findings if finding.fault))

    @contextlib.contextmanager
    def check(self, name: str, view: str = "") -> Iterator[None]:
        """Run one check; a `Broken` or any other exception in the block is recorded as its fault."""
        try:
            yield
        except Broken as error:
            self.findings.append(Finding(name, view, str(error)))
        except Exception as error:
            message = " ".join(str(error).split())
            self.findings.append(Finding(name, view, f"it raised {type(error).__name__}: {message}"))
        else:
            self.findings.append(Finding(name, view, None))

    def check_choice(self, plugin: Any) -> bool:
        """Check that a plugin or its class is a frozen dataclass with a name; return whether it is."""
        cls = plugin if isinstance(plugin, type) else type(plugin)
        with self.check("dataclass"):
            expect(dataclasses.is_dataclass(cls), "it is not a dataclass whose fields are its options")
            expect(cls.__dataclass_params__.frozen, "it is not frozen: try @dataclass(frozen=True)")  # type: ignore[attr-defined]  # dataclasses have it
            expect(isinstance(getattr(cls, "name", None), str), "it has no `name` for users to type")
        return not self.failed("dataclass")

    def failed(self, name: str, view: str = "") -> bool:
        """Whether a check has failed on a view."""
        return any(f.fault for f in self.findings if f.check == name and f.view == view)

    def settle(self, raises: bool) -> Verdict:
        """Return the verdict itself, or raise ContractBroken if a check failed and `raises` is true."""
        if raises and self.broken:
            faults = "\n".join(f"  {finding}" for finding in self.findings if finding.fault)
            raise ContractBroken(f"{self.subject} does not keep its contract:\n{faults}")
        return self


def expect(holds: object, fault: str | Callable[[], str]) -> None:
    """Raise Broken with the fault unless it holds."""
    if not holds:
        raise Broken(fault if isinstance(fault, str) else fault())
