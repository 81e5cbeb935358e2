"""The report as a page of Markdown for a person."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any


def page(data: Mapping[str, Any], headline: str) -> str:
    """The whole page from what report.json holds."""
    image, model, score = data["image"], data["model"], data["log_likelihood"]
    fit, cost = data["fit"], data["cost"]
    peak = cost["peak_bytes"]
    lines = [f"# {model['option']} on {image['name']}", "", headline, ""]
    for picture in data["pictures"]:
        shown = next(iter(picture["animations"]), picture["file"])
        lines += [f"![{picture['option']}]({shown})", "", f"*{picture['caption']}*", ""]
    lines += [f"- `{option}` was not drawn: {reason}." for option, reason in data["skipped"].items()]
    lines += [f"- `{option}` failed: {reason}." for option, reason in data["failed"].items()]
    lines += ["## Log-likelihood", ""]
    if score["reason"] is None:
        lines += _table(
            ("data", score["unit"], "points"),
            [
                ("train", score["train"], data["points"]["train"]),
                ("held out", score["held_out"], data["points"]["held_out"]),
            ],
        )
        lines += ["", f"Of: {score['of']}. Natural logarithms. Convention `{score['convention']}`."]
    else:
        lines += [f"None: {score['reason']}."]
    lines += ["", "## Data", ""]
    lines += _table(
        ("", "value"),
        [
            ("image", f"{image['name']}, {image['width']} x {image['height']}, view {image['view']}"),
            ("sha256", f"`{image['sha256']}`"),
            *[(f"pixels, {part.replace('_', ' ')}", count) for part, count in data["pixels"].items()],
            ("seed", data["seed"]),
        ],
    )
    lines += ["", *[f"- {note}" for note in image["notes"]]]
    lines += ["", "## Fit", ""]
    lines += _table(
        ("", "value"),
        [
            ("parameters", fit["n_parameters"]),
            ("iterations", fit["iterations"]),
            ("converged", fit["converged"]),
            *[(f"E[{column}]", value) for column, value in (fit["mean"] or {}).items()],
            *[(name.replace("_", " "), value) for name, value in fit["facts"].items()],
            ("seconds", cost["wall_seconds"]),
            ("CPU seconds", cost["cpu_seconds"]),
            ("seconds of compiling, apart", cost["compile_seconds"]),
            ("peak memory", None if peak is None else f"{peak / 2**20:.0f} MiB"),
            ("threads", cost["threads"]),
        ],
    )
    if fit["mean"]:
        lines += ["", "x and y are in pixels from the top left corner, colours and levels in 0..255."]
    lines += ["", "## Choices", ""]
    lines += _table(("option", "value"), list(_flat(data["config"])))
    lines += ["", "## Versions", "", ", ".join(f"{k} {v}" for k, v in data["versions"].items()), ""]
    return "\n".join(lines)


def _table(head: tuple[str, ...], rows: Iterable[tuple[Any, ...]]) -> list[str]:
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    return lines + ["| " + " | ".join(_cell(item) for item in row) + " |" for row in rows]


def _cell(value: Any) -> str:
    if value is None:
        return "none"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return f"{value:,}"
    return f"{value:.4f}" if isinstance(value, float) else str(value).replace("|", "\\|")


def _flat(tree: Mapping[str, Any], prefix: str = "") -> Iterable[tuple[str, Any]]:
    for key, value in tree.items():
        if isinstance(value, Mapping):
            yield from _flat(value, f"{prefix}{key}.")
        else:
            yield f"`{prefix}{key}`", str(value) if value is not None else "null"
