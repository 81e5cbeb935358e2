"""A comparison ranks what may be ranked together, and leaves nothing out."""

import json

import pytest
from sweeps import compared

import gmmbench
from gmmbench.comparing.compare import compare
from gmmbench.comparing.formats import files
from gmmbench.storage.run_files import save_comparison, save_reason


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    top = tmp_path_factory.mktemp("sweep")
    for model in ("uniform", "histogram"):
        run = gmmbench.compose("image=dog", f"model={model}", "render=grid")
        gmmbench.save(gmmbench.execute(run), top / model)
    save_reason(top / "bad", "refused", ["model=x"], "no such model")
    return top


def test_every_run_has_a_row_and_a_failed_one_its_reason(runs):
    rows = {row["run"]: row for row in compared(runs)["runs"]}
    assert set(rows) == {"uniform", "histogram", "bad"}
    assert (rows["bad"]["status"], rows["bad"]["reason"]) == ("refused", "no such model")


def test_with_one_seed_the_gain_is_the_reports(runs):
    (table,) = compared(runs)["tables"]
    for row in table["models"]:
        report = json.loads((runs / row["model"] / "report.json").read_text())
        assert row["gain"] == pytest.approx(report["gain"]["held_out"], abs=1e-5)
    assert [(row["model"], row["letters"]) for row in table["models"]] == [
        ("histogram", ["a"]),
        ("uniform", ["b"]),
    ]


def test_comparing_again_gives_the_same_bytes(runs):
    once = [file.read_bytes() for file in save_comparison(files(compare([runs]), runs), runs)]
    assert once == [file.read_bytes() for file in save_comparison(files(compare([runs]), runs), runs)]
