"""Draws the stations and their imports as they are in the code: `python docs/make_stations.py`.

Arrows that follow from others (a -> b -> c implies a -> c) are left out.
"""

import ast
import tomllib
from pathlib import Path

HERE = Path(__file__).parent
ROOT = HERE.parent
WIDTH, ROW, BOX, HIGH = 900, 84, 190, 46
STYLE = """text { font-family: sans-serif; fill: #1b1f24 } .n { font-size: 15px; font-weight: 600 }
.l { font-size: 12px; fill: #57606a } rect { fill: #f6f8fa; stroke: #57606a }
path { fill: none; stroke: #8c959f }
@media (prefers-color-scheme: dark) { text { fill: #e6edf3 } .l { fill: #9da7b1 } rect { fill: #161b22 } }"""


def layers():
    """The rows of the picture: the layers of import-linter's contract, the highest first."""
    told = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    contracts = told["tool"]["importlinter"]["contracts"]
    (rows,) = [contract["layers"] for contract in contracts if contract["type"] == "layers"]
    return [[name.removeprefix("gmmbench.") for name in row.split(" | ")] for row in rows]


def sources(station):
    """The Python files of a station."""
    folder = ROOT / "gmmbench" / station
    return sorted(folder.rglob("*.py")) if folder.is_dir() else [folder.with_suffix(".py")]


def uses(station, stations):
    """The stations that a station imports, lazily and for types too; plugins' public names count as api."""
    found = set()
    for path in sources(station):
        package = path.relative_to(ROOT).parts[:-1]
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not isinstance(node, ast.ImportFrom):
                continue
            base = package[: len(package) - node.level + 1] if node.level else ()
            parts = [*base, *(node.module or "").split(".")]
            if parts[:1] == ["gmmbench"]:
                names = [part for part in parts[1:] if part] or [alias.name for alias in node.names]
                first = names[:1] if [part for part in parts[1:] if part] else names
                found |= {name if name in stations else "api" for name in first}
    return found - {station}


def reduced(arrows):
    """The arrows that do not follow from others."""

    def reach(start, seen=()):
        for after in arrows[start]:
            yield after
            yield from reach(after, (*seen, start))

    return {
        name: {to for to in targets if not any(to in set(reach(other)) for other in targets - {to})}
        for name, targets in arrows.items()
    }


def svg():
    """The picture."""
    rows = layers()
    stations = [name for row in rows for name in row]
    place = {}
    for down, row in enumerate(rows):
        for across, name in enumerate(row):
            place[name] = (WIDTH * (across + 1) / (len(row) + 1), down * ROW + 8)
    arrows = reduced({name: uses(name, stations) for name in stations})
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {len(rows) * ROW}" role="img" '
        f'aria-label="The stations of gmmbench and their imports"><style>{STYLE}</style>',
        '<marker id="a" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" orient="auto">'
        '<path d="M0 0L8 4L0 8z" style="fill:#8c959f;stroke:none"/></marker>',
    ]
    side = 0
    for name, targets in arrows.items():
        for to in sorted(targets):
            (x, y), (u, v) = place[name], place[to]
            y += HIGH
            far = v - y > ROW
            side += far
            bend = (BOX / 2 + 30 + 14 * (side % 9)) * (-1 if side % 2 else 1) if far else 0
            lines.append(
                f'<path d="M{x:.0f} {y}C{x + bend:.0f} {y + 30} {u + bend:.0f} {v - 30} {u:.0f} {v}" '
                'marker-end="url(#a)"/>'
            )
    for name, (x, y) in place.items():
        count = sum(len(path.read_text(encoding="utf-8").splitlines()) for path in sources(name))
        lines.append(
            f'<rect x="{x - BOX / 2:.0f}" y="{y}" width="{BOX}" height="{HIGH}" rx="8"/>'
            f'<text class="n" x="{x:.0f}" y="{y + 20}" text-anchor="middle">{name}</text>'
            f'<text class="l" x="{x:.0f}" y="{y + 37}" text-anchor="middle">'
            f"{round(count, -2) or count:,} lines</text>"
        )
    return "\n".join([*lines, "</svg>", ""])


if __name__ == "__main__":
    (HERE / "stations.svg").write_text(svg(), encoding="utf-8")
