"""Nothing is averaged in silence: what is missing, doubled or failed is said."""

import shutil

import numpy as np
import pytest
from sweeps import changed, compared

from gmmbench.comparing.compare import compare
from gmmbench.comparing.formats import to_csv, to_html, to_markdown
from gmmbench.storage.run_files import save_reason


def row_of(table, model):
    return next(row for row in table["models"] if row["model"] == model)


def test_a_model_without_a_seed_narrows_the_comparison_and_is_named(ink):
    shutil.rmtree(ink / "histogram-1")
    found, told = compare([ink]), compared(ink)
    (table,) = told["tables"]
    assert table["seeds"] == [0, 1, 2]
    assert table["seeds_compared"] == [0, 2]
    assert table["seed_notes"] == ["histogram has no run of seed 1", "so 2 of 3 seeds are compared: 0 and 2"]
    for row in table["models"]:
        assert row["seeds_counted"] == [0, 2]
        assert {
            (score["n_runs"], score["n_seeds"])
            for score in row["scores"].values()
            if score["mean"] is not None
        } == {(2, 3)}
    assert "histogram has no run of seed 1" in to_markdown(found)
    assert "2 of 3 seeds" in to_markdown(found)
    assert "2 of 3 seeds" in to_html(found, ink)


def test_a_model_that_is_not_ranked_narrows_nothing(ink):
    shutil.rmtree(ink / "histogram-1")
    changed(ink / "histogram-0", lambda report: report.update(ranked=False, not_ranked=["it is no density"]))
    (table,) = compared(ink)["tables"]
    assert table["seeds_compared"] == [0, 1, 2]
    assert table["seed_notes"] == []
    row = row_of(table, "histogram")
    assert (row["letters"], row["gain"]) == ([], None)
    assert row["not_ranked"] == "seed 0: it is no density"
    assert (row["scores"]["gain"]["n_runs"], row["scores"]["gain"]["n_seeds"]) == (2, 3)


def test_a_score_that_one_run_lacks_says_of_how_many_its_mean_is(ink):
    changed(ink / "gmm-2", lambda report: report["psnr"].update(overall=None))
    found, told = compare([ink]), compared(ink)
    (table,) = told["tables"]
    score = row_of(table, "gmm")["scores"]["psnr"]
    assert (score["n_runs"], score["n_seeds"]) == (2, 3)
    assert row_of(table, "gmm")["scores"]["ssim"]["n_runs"] == 3
    assert "2 of 3 seeds" in to_markdown(found)
    assert "2 of 3 seeds" in to_html(found, ink)


def test_a_fit_that_was_run_twice_counts_once_and_is_said(ink):
    before = compared(ink)
    shutil.copytree(ink / "gmm-0", ink / "gmm-0-again")
    found, after = compare([ink]), compared(ink)
    assert after["tables"] == before["tables"]
    assert len(after["runs"]) == len(before["runs"]) + 1
    (row,) = [row for row in after["runs"] if row["scored"]["same_fit_as"]]
    assert row["run"] == "gmm-0-again"
    assert (row["scored"]["same_fit_as"], row["scored"]["same_numbers"]) == ("gmm-0", True)
    assert any("gmm-0-again repeats gmm-0" in note for note in after["notes"])
    assert "gmm-0-again repeats gmm-0" in to_markdown(found)


def test_the_same_choices_with_other_numbers_are_said_to_differ(ink):
    shutil.copytree(ink / "gmm-0", ink / "gmm-0-again")
    changed(
        ink / "gmm-0-again", lambda report: report["gain"].update(held_out=report["gain"]["held_out"] + 1)
    )
    notes = compared(ink)["notes"]
    assert any("gmm-0-again" in note and "other numbers" in note for note in notes)


def test_what_a_doubled_run_drew_is_shown(ink):
    shutil.copytree(ink / "gmm-0", ink / "z-again")
    (ink / "z-again/grid.png").rename(ink / "z-again/other.png")
    changed(
        ink / "z-again",
        lambda report: report.update(
            pictures=[
                {
                    "option": "other",
                    "file": "other.png",
                    "animations": [],
                    "caption": "another",
                    "figures": {},
                }
            ]
        ),
    )
    assert 'href="z-again/other.png"' in to_html(compare([ink]), ink)


def test_a_run_without_its_maps_is_not_ranked_and_says_why(ink):
    (ink / "uniform-1/scores.npz").unlink()
    (table,) = compared(ink)["tables"]
    assert row_of(table, "uniform")["not_ranked"] == "seed 1: scores.npz is missing"


@pytest.mark.parametrize("data", [b"no archive", b"", b"PK\x03\x04"])
def test_maps_that_cannot_be_read_cost_a_model_its_place_and_no_other(ink, data):
    (ink / "uniform-1/scores.npz").write_bytes(data)
    found, told = compare([ink]), compared(ink)
    (table,) = told["tables"]
    assert row_of(table, "uniform")["not_ranked"].startswith("seed 1: scores.npz cannot be read")
    assert row_of(table, "gmm")["letters"] == ["a"]
    assert "cannot be read" in to_html(found, ink)


@pytest.mark.parametrize("text", ["not json", "[]", '{"schema": "gmmbench-report", "schema_version": 1}'])
def test_a_report_that_cannot_be_read_is_a_row_with_its_reason(ink, text):
    (ink / "uniform-1/report.json").write_text(text)
    (row,) = [row for row in compared(ink)["runs"] if row["run"] == "uniform-1"]
    assert row["status"] == "unreadable"
    assert "report.json" in row["reason"]


def test_failed_jobs_stand_on_every_page_with_their_reason(ink):
    save_reason(ink / "job", "refused", ["model=x"], "expected a model, got x")
    found = compare([ink])
    assert found.notes == ("1 job left no result (1 refused)",)
    for page in (to_csv(found), to_markdown(found), to_html(found, ink)):
        assert "expected a model, got x" in page


def test_too_few_patches_give_no_ranking_and_the_reason(ink):
    for model in ("gmm", "histogram", "uniform"):
        for seed in range(3):
            file = ink / f"{model}-{seed}/scores.npz"
            maps = dict(np.load(file))
            maps["split"][maps["weight"].cumsum().reshape(maps["split"].shape) > 4] = (
                0  # four inked pixels stay
            )
            np.savez_compressed(file, **maps)
    (table,) = compared(ink)["tables"]
    assert not table["has_ranking"]
    assert "too few independent patches" in table["answer"]
    assert all(row["letters"] == [] for row in table["models"])


def test_one_model_alone_is_not_ranked(ink):
    for model in ("histogram", "uniform"):
        for seed in range(3):
            shutil.rmtree(ink / f"{model}-{seed}")
    found = compare([ink])
    assert found.answer == ("On dog (ink) there is no ranking: there is no other model to compare it with.",)
    assert to_html(found, ink)


def test_the_same_image_under_another_name_is_one_table(ink):
    for seed in range(3):
        changed(ink / f"gmm-{seed}", lambda report: report["image"].update(name="hound"))
        changed(ink / f"gmm-{seed}", lambda report: report["config"]["image"].update(path="hound.png"))
    assert len(compared(ink)["tables"]) == 1


def test_tables_of_one_image_are_told_apart_by_what_differs(ink):
    for seed in range(3):
        changed(ink / f"gmm-{seed}", lambda report: report.update(hold_out_block=4))
    titles = [table["title"] for table in compared(ink)["tables"]]
    assert titles == ["dog, hold_out_block=1", "dog, hold_out_block=4"]
