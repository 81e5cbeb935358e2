"""One odd file in a folder of runs ends no comparison: it is a row with its reason."""

import json
import os

import pytest
from sweeps import changed

from gmmbench.comparing.compare import compare
from gmmbench.comparing.formats import files


def row_of(found, name):
    (row,) = [row for row in found.runs if row.run == name]
    return row


@pytest.mark.parametrize(
    "text",
    [
        "5",
        "null",
        "[]",
        '"text"',
        '{"reason": 5}',
        '{"overrides": "model=x"}',
        '{"kind": null}',
        "[" * 100_000,
        "",
    ],
)
def test_an_odd_failure_is_unreadable(ink, text):
    (ink / "job").mkdir()
    (ink / "job/failure.json").write_text(text)
    found = compare([ink])
    row = row_of(found, "job")
    assert row.status == "unreadable"
    assert "failure.json" in row.reason
    assert all(len(text) > 100 for text in files(found, ink).values())
    assert {row.letters for row in found.tables[0].models} != {()}


@pytest.mark.parametrize(
    "change",
    [
        lambda report: report.update(image=None),
        lambda report: report.update(model=[]),
        lambda report: report.update(gain=3),
        lambda report: report.update(fit="text"),
        lambda report: report.pop("cost"),
        lambda report: report["gain"].update(held_out=float("nan")),
        lambda report: report["model"]["parameters"].update(width=float("inf")),
    ],
)
def test_a_report_with_an_odd_part_is_unreadable(ink, change):
    changed(ink / "uniform-1", change)
    found = compare([ink])
    row = row_of(found, "uniform-1")
    assert row.status == "unreadable"
    assert row.reason.startswith("report.json: expected ")
    assert files(found, ink)


def test_a_report_nested_too_deep_is_unreadable(ink):
    (ink / "uniform-1/report.json").write_text("[" * 100_000)
    assert "levels of nesting" in row_of(compare([ink]), "uniform-1").reason


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no named pipes")
def test_named_pipes_are_not_opened(ink):
    (ink / "uniform-1/report.json").unlink()
    os.mkfifo(ink / "uniform-1/report.json")
    (ink / "gmm-0/grid.png").unlink()
    os.mkfifo(ink / "gmm-0/grid.png")
    found = compare([ink])
    assert row_of(found, "uniform-1").reason == "report.json: expected a regular file"
    assert "gmm: left out, or unreadable." in files(found, ink)["comparison.html"]


@pytest.mark.parametrize("told", [{}, 5, {"pid": 1}, {"pid": None, "host": None}])
def test_a_temporary_folder_that_says_nothing_is_ignored(ink, told):
    folder = ink / ".job.tmp-host-1-abcdef"
    folder.mkdir()
    (folder / "running.json").write_text(json.dumps(told))
    assert len(compare([ink]).runs) == 9
