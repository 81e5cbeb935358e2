"""How runs were made: the command that repeats each, its choices, versions and certificate."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from .find import Entry


def made(entries: Sequence[Entry], rows: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """How each run was made."""
    usual = versions_of(entries)
    found = []
    for entry, row in zip(entries, rows, strict=True):
        report = entry.report
        if not report:
            continue
        versions = report.get("versions", {})
        found.append(
            {
                "row": row,
                "config": json.dumps(report["config"], indent=1, ensure_ascii=False),
                "versions": "" if versions == usual else _listed(versions),
                "certificate": _certificate(report),
                "image": [*report["image"].get("notes", []), f"sha256 {report['image']['sha256']}"],
                "threads": report["cost"].get("threads"),
            }
        )
    return found


def versions_of(entries: Sequence[Entry]) -> Mapping[str, str]:
    """The versions behind the first run: where another has others, it says so."""
    return next((entry.report.get("versions", {}) for entry in entries if entry.report), {})


def _listed(versions: Mapping[str, str]) -> str:
    return ", ".join(f"{name} {version}" for name, version in versions.items())


def _certificate(report: Mapping[str, Any]) -> str:
    details = report.get("details", {})
    if (found := details.get("certificate")) is not None:
        p = "none" if found["p_value"] is None else f"{found['p_value']:.3g}"
        verdict = "It is a density"
        if not found["holds"]:
            verdict = f"Not a density ({'; '.join(found['reasons'])})"
        shares = f"{found['mass_in_box']:.6f}, {found['share_in_box']:.5f} of its draws lie there"
        tested = f"draws against masses over {found['tiles']} tiles, p = {p}; masses {found['how']}"
        return f"{verdict}: mass in the image {shares}; {tested}."
    if (law := details.get("law")) is not None:
        return f"Its law of colour was integrated: {law['integrated']}."
    return "A classifier: every probability is one, and nothing else is to be shown."
