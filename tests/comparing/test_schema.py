"""A comparison is typed data: it is read as it was written, and what is wrong is said in one line."""

import json
import subprocess
import sys

import pytest

from gmmbench import Refused
from gmmbench.comparing.compare import compare
from gmmbench.comparing.schema import SCHEMA_VERSION, Comparison


def test_a_comparison_is_read_as_it_was_written(ink_runs, colour_runs):
    found = compare([ink_runs, colour_runs])
    text = found.to_json()
    again = Comparison.from_json(text)
    assert again == found
    assert again.to_json() == text


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda data: data.update(schema_version=3), f"version {SCHEMA_VERSION}"),
        (lambda data: data.update(schema="other"), "gmmbench-comparison"),
        (lambda data: data["tables"][0].pop("unit"), "tables[0].unit"),
        (lambda data: data["tables"][0].update(height="tall"), "tables[0].height"),
        (lambda data: data["runs"][0].update(extra=1), "runs[0].extra"),
        (lambda data: data.update(answer=5), "answer"),
    ],
)
def test_a_file_of_another_version_or_shape_is_refused_in_one_line(ink_runs, change, said):
    data = json.loads(compare([ink_runs]).to_json())
    change(data)
    with pytest.raises(Refused) as refused:
        Comparison.from_json(json.dumps(data), "other/comparison.json")
    line = str(refused.value)
    assert line.startswith("other/comparison.json: expected ")
    assert said in line
    assert "\n" not in line


@pytest.mark.parametrize("text", ["", "[" * 100_000, "5", '{"a": NaN}', b"\xff\xfe"])
def test_what_is_no_comparison_is_refused_in_one_line(text):
    with pytest.raises(Refused, match=r"^comparison.json: expected .*; try gmmbench compare again"):
        Comparison.from_json(text)


def test_a_declared_score_appears_everywhere_without_another_edit(tmp_path, ink):
    """Declare a score in the catalogue of another process, give it a value, and compare."""
    program = f"""
import json, pathlib
from gmmbench.scoring import catalogue, declaration
catalogue.SCORES["wit"] = declaration.ScoreDeclaration(
    "wit", "share of wit", "how funny it is", (("generalisation", "held_out"),),
    {{"ink": declaration.ScoreInView("laughs", "{{held}}", "wit-1")}}, better="higher")
top = pathlib.Path({str(ink)!r})
for file in top.glob("*/report.json"):
    report = json.loads(file.read_text())
    report["wit"] = dict(report["skill"], held_out=0.4375, unit="laughs")
    file.write_text(json.dumps(report))
from gmmbench.comparing.compare import compare
from gmmbench.comparing.formats import files
for name, text in files(compare([top]), top).items():
    print(name, "0.438" in text or "0.4375" in text, "wit" in text)
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    names = ("comparison.html", "comparison.md", "comparison.json", "comparison.csv")
    assert done.stdout.splitlines() == [f"{name} True True" for name in names]
