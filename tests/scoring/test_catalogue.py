"""The catalogue: a score is declared once and comes out everywhere; what is not declared is an error."""

import dataclasses
import json

import numpy as np
import pytest
from known_fits import Cells, Chances, ink_image, scored
from score_table import load

import gmmbench
from gmmbench.api import COLUMNS
from gmmbench.reporting.report import Report
from gmmbench.reporting.report_markdown import to_markdown
from gmmbench.results import Score
from gmmbench.scoring import catalogue, score_lookup
from gmmbench.scoring import score as scoring
from gmmbench.scoring.catalogue import SCORES
from gmmbench.scoring.declaration import PARTS, TABLES, ScoreDeclaration, ScoreInView

VIEWS = {
    "ink": ["image=dog", "image.max_side=40"],
    "colour": ["image=coffee", "image.max_side=20"],
    "levels": ["image=dog", "image.view=levels", "image.max_side=40", "render=density1d"],
}
SURPRISE = ScoreDeclaration(
    "surprise",
    "mean surprise",
    "how much the model is surprised",
    (("generalisation", "held_out"), ("representation", "train")),
    {"ink": ScoreInView("sighs per pixel", "{held}", "surprise-1")},
    better="lower",
    digits=5,
    elsewhere="only ink surprises",
)


def run(view):
    return gmmbench.compose(*VIEWS[view], "model.components=3")


@pytest.fixture
def surprise(monkeypatch):
    """A catalogue with one score more, and the formula that goes with it."""
    formula = scoring.VIEWS["ink"]

    def with_surprise(fitted, image, split, rng):
        part = formula(fitted, image, split, rng)
        value = score_lookup.score_of("surprise", "ink", train=1.25, held_out=3.1415926)
        return dataclasses.replace(part, values={**part.values, "surprise": value})

    monkeypatch.setattr(catalogue, "SCORES", {**SCORES, "surprise": SURPRISE})
    monkeypatch.setitem(scoring.VIEWS, "ink", with_surprise)


def test_a_declared_score_comes_out_everywhere(surprise):
    report = Report.of(gmmbench.execute(run("ink")))
    told = json.loads(report.to_json())["surprise"]
    assert (told["train"], told["held_out"], told["unit"]) == (1.25, 3.1415926, "sighs per pixel")
    assert (told["of"], told["convention"]) == ("held-out pixels", "surprise-1")
    page = to_markdown(report)
    assert "| mean surprise | 3.14159 | sighs per pixel | lower |" in page
    assert "| mean surprise | 1.25000 | sighs per pixel | lower |" in page
    assert "`surprise-1`" in page
    table = load().table()
    assert "| `surprise` | mean surprise | how much the model is surprised |" in table
    assert [c.name for c in score_lookup.columns("generalisation")][-1] == "surprise"
    assert [c.name for c in score_lookup.columns("representation")][-1] == "surprise_train"


def test_a_view_without_a_declared_score_says_why(surprise):
    report = json.loads(Report.of(gmmbench.execute(run("levels"))).to_json())
    assert report["surprise"]["reason"] == "only ink surprises"
    assert report["surprise"]["held_out"] is None


@pytest.mark.parametrize("view", VIEWS)
def test_every_report_has_every_score_in_the_order_of_the_catalogue(view):
    scores = gmmbench.execute(run(view)).scores.values
    assert list(scores) == list(SCORES)
    for key, score in scores.items():
        declared = SCORES[key].views.get(view)
        if declared is None:
            assert (score.train, score.held_out, score.overall) == (None, None, None)
            assert score.reason == SCORES[key].elsewhere
        else:
            assert (score.unit, score.convention) == (declared.unit, declared.convention)


def test_a_score_that_is_not_declared_is_an_error(monkeypatch):
    image = ink_image(np.eye(20))
    without = {key: value for key, value in SCORES.items() if key != "skill"}
    monkeypatch.setattr(catalogue, "SCORES", without)
    with pytest.raises(ValueError, match=r"scores of ink: expected keys .* got skill; try to declare it"):
        scored(Chances(image.lattice, np.full((20, 20), 0.5)), image)


def test_a_declared_score_without_a_formula_is_an_error(monkeypatch):
    image = ink_image(np.eye(20))
    monkeypatch.setattr(catalogue, "SCORES", {**SCORES, "surprise": SURPRISE})
    with pytest.raises(ValueError, match=r"scores of ink: expected a value of surprise"):
        scored(Cells(image.lattice, np.full((20, 20), 1 / 400)), image)


def test_a_score_of_another_view_is_an_error():
    with pytest.raises(ValueError, match=r"scores of colour: .* got expected_ink"):
        score_lookup.complete({"expected_ink": Score()}, "colour")


def test_declarations_are_whole_and_columns_have_names_of_their_own():
    for key, score in SCORES.items():
        assert key == score.key
        assert score.name
        assert score.meaning
        assert not score.meaning.endswith(".")
        assert score.places
        assert set(score.views) <= set(COLUMNS)
        for table, part in score.places:
            assert table in TABLES
            assert part in PARTS
        for entry in score.views.values():
            assert entry.of
            assert entry.convention
    names = [column.name for column in score_lookup.columns()]
    assert len(names) == len(set(names))


def test_the_page_shows_the_table_of_the_catalogue():
    script = load()
    text = script.PAGE.read_text(encoding="utf-8")
    assert script.table() in text
    assert script.page(text) == text, "try python docs/make_score_table.py"
