"""Writes the table of scores in report.md from the catalogue: `python docs/make_score_table.py`."""

from pathlib import Path

from gmmbench.scoring import catalogue
from gmmbench.scoring.declaration import better_words

PAGE = Path(__file__).parent / "report.md"
BEGIN, END = "<!-- scores: written by make_score_table.py -->", "<!-- end of scores -->"
VIEWS = ("ink", "colour", "levels")


def table():
    """The table as Markdown."""
    rows = [("key", "name", "meaning", "shown in", "better", *VIEWS), ("---",) * (5 + len(VIEWS))]
    rows += [
        (
            f"`{score.key}`",
            score.name,
            score.meaning,
            places(score),
            better_words(score.better),
            *(cell(score, view) for view in VIEWS),
        )
        for score in catalogue.SCORES.values()
    ]
    return "\n".join(f"| {' | '.join(text.replace('||', '‖') for text in row)} |" for row in rows)


def places(score):
    """Where a score is shown, and which part of it."""
    parts = {}
    for table, part in score.places:
        parts.setdefault(table, []).append(f"`{part}`")
    return ", ".join(f"{table} ({', '.join(shown)})" for table, shown in parts.items())


def cell(score, view):
    """A score in one view: its unit, and what it is of."""
    if view not in score.views:
        return "null"
    entry = score.views[view]
    return ": ".join(filter(None, (entry.unit, entry.of.replace("{held}", "held-out pixels"))))


def page(text):
    """The page with its table renewed."""
    before, _, rest = text.partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}\n{table()}\n{END}{after}"


if __name__ == "__main__":
    PAGE.write_text(page(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
