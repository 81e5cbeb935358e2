"""A comparison ranks what may be ranked together, and leaves nothing out."""

import html
import json
import shutil

import numpy as np
import pytest
from made_tables import image_table, model_row
from sweeps import compared, run

import gmmbench
from gmmbench.comparing.compare import compare
from gmmbench.comparing.formats import files, to_html, to_markdown
from gmmbench.comparing.matrix import matrices, matrix_lines
from gmmbench.models.uniform import Flat
from gmmbench.reporting.report import Report
from gmmbench.reporting.typed_json import contents
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


FOUR = {
    "gmm": ("model=gmm", "model.components=10"),
    "histogram": ("model=histogram",),
    "lightgbm": ("model=lightgbm", "threads=1"),
    "uniform": ("model=uniform",),
}


@pytest.fixture(scope="module")
def four(tmp_path_factory):
    """Four models on a small drawing, seed 0."""
    top = tmp_path_factory.mktemp("four")
    for name, words in FOUR.items():
        run(top / name, "image=dog", "image.max_side=60", *words)
    return top


def test_four_models_on_a_small_drawing_have_their_tiers(four):
    (table,) = compare([four]).tables
    assert {row.model for row in table.ranked} == set(FOUR)
    assert not any(row.not_ranked for row in table.models)
    assert table.models[-1].model == "uniform"


def test_a_model_of_nan_costs_its_own_place_alone(four, tmp_path, monkeypatch):
    """Every report, the sentence, the page, the text and the search obey the one verdict."""
    with monkeypatch.context() as patched:
        patched.setattr(Flat, "log_density", lambda self, points: np.full(len(points), np.nan))
        report = run(tmp_path / "uniform", "image=dog", "image.max_side=60", "model=uniform")
    reason = "its cell masses are not all finite and >= 0"
    assert not report["ranked"]
    assert reason in report["not_ranked"]
    assert Report.from_json(contents(tmp_path / "uniform/report.json"), "it").aim() is None
    for name in ("gmm", "histogram", "lightgbm"):
        shutil.copytree(four / name, tmp_path / name)
    found = compare([tmp_path])
    (table,) = found.tables
    assert {row.model for row in table.ranked} == {"gmm", "histogram", "lightgbm"}
    (out,) = (row for row in table.models if not row.letters)
    assert out.model == "uniform"
    assert reason in out.not_ranked
    assert out.gain is None
    assert table.answer.endswith("Not ranked: uniform.")
    assert len([pair for pair in table.pairs if "uniform" in (pair.better, pair.worse)]) == 0
    for text in (
        to_html(found, tmp_path),
        to_markdown(found),
        "\n".join(matrix_lines(matrices(found.tables)[0], 80)),
    ):
        assert reason in html.unescape(text)


def test_a_column_of_the_matrix_has_the_short_name_of_its_image():
    """The heading of a matrix has its view; the title is needed only where tables share a name."""
    row = model_row("a", 1.0, ("a",), ceiling=4.0)
    tables = [
        image_table([row], title="coffee, view=ink", image="coffee"),
        image_table([row], title="dog, threshold=0.3", image="dog"),
        image_table([row], title="dog, threshold=0.5", image="dog"),
    ]
    (matrix,) = matrices(tables)
    assert matrix.images == ("coffee", "dog, threshold=0.3", "dog, threshold=0.5")
