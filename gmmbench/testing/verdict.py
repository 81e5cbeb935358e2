"""What a contract check found: each check by name, and what was wrong."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field


class ContractBroken(AssertionError):  # noqa: N818 - pytest shows it as the failed assertion that it is
    """A plugin does not keep its contract; the message lists every check that failed."""


class Broken(Exception):  # noqa: N818 - a verdict of one check, never seen outside
    """One check failed; the message says how."""


@dataclass(frozen=True)
class Finding:
    """One check: its name, on which view, and what was wrong (None: nothing)."""

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
        """Run one check: a `Broken` or any other exception inside is its fault."""
        try:
            yield
        except Broken as error:
            self.findings.append(Finding(name, view, str(error)))
        except Exception as error:
            said = " ".join(str(error).split())
            self.findings.append(Finding(name, view, f"it raised {type(error).__name__}: {said}"))
        else:
            self.findings.append(Finding(name, view, None))

    def failed(self, name: str, view: str = "") -> bool:
        """Whether a check has failed on a view."""
        return any(f.fault for f in self.findings if f.check == name and f.view == view)

    def settle(self, raises: bool) -> Verdict:
        """Return it, or raise ContractBroken where something is wrong and `raises`."""
        if raises and self.broken:
            faults = "\n".join(f"  {finding}" for finding in self.findings if finding.fault)
            raise ContractBroken(f"{self.subject} does not keep its contract:\n{faults}")
        return self


def expect(holds: object, fault: str | Callable[[], str]) -> None:
    """Raise Broken with the fault unless it holds."""
    if not holds:
        raise Broken(fault if isinstance(fault, str) else fault())
