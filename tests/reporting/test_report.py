"""A report is typed data: it is read as it was written, and what is wrong is said in one line."""

import dataclasses
import json
from functools import cache

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import gmmbench
from gmmbench import Refused
from gmmbench.reporting.failure import RunFailure
from gmmbench.reporting.report import SCHEMA_VERSION, Report
from gmmbench.results import Score
from gmmbench.scoring import catalogue

RUNS = {
    "ink": ("image=dog", "image.max_side=40", "model=gmm", "model.components=3"),
    "ink, a classifier": ("image=dog", "image.max_side=40", "model=lightgbm", "render=[grid,sample]"),
    "ink, uniform": ("image=dog", "image.max_side=40", "model=uniform"),
    "ink, nothing held out": ("image=dog", "image.max_side=40", "model=uniform", "hold_out=0"),
    "colour": ("image=coffee", "image.max_side=20", "model=gmm", "model.components=2"),
    "colour, cells": ("image=coffee", "image.max_side=20", "model=histogram"),
    "levels": ("image=dog", "image.view=levels", "image.max_side=40", "model=gmm", "render=density1d"),
}


@cache
def report(name="ink"):
    return Report.of(gmmbench.execute(gmmbench.compose(*RUNS[name])))


def places(value, path=()):
    """The path to every value of parsed JSON."""
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in inner:
        yield (*path, key)
        yield from places(item, (*path, key))


def told(path):
    """A path as messages have it."""
    return "".join(f"[{key}]" if isinstance(key, int) else f".{key}" for key in path).lstrip(".")


def changed(path, value):
    """The text of a report with another value at a path."""
    data = json.loads(report().to_json())
    holder = data
    for key in path[:-1]:
        holder = holder[key]
    holder[path[-1]] = value
    return json.dumps(data)


OTHER_VERSION = f"expected schema gmmbench-report, version {SCHEMA_VERSION}, got gmmbench-report, version"

FREE = ("parameters", "facts", "figures", "config", "versions", "notes", "baselines", "mean")
"""Objects and lists whose keys or values a plugin may choose; their insides are tried by name below."""


def closed_places():
    tree = json.loads(report().to_json())
    return [path for path in places(tree) if not any(key in FREE for key in path[:-1])]


@pytest.mark.parametrize("name", RUNS)
def test_a_report_is_read_as_it_was_written(name):
    text = report(name).to_json()
    again = Report.from_json(text)
    assert again == report(name)
    assert again.to_json() == text


@pytest.mark.parametrize("name", RUNS)
def test_the_scores_of_a_report_are_those_of_the_catalogue(name):
    assert list(report(name).scores) == list(catalogue.SCORES)
    assert catalogue.SCORES.keys() <= json.loads(report(name).to_json()).keys()


@settings(max_examples=200, deadline=None)
@given(st.data())
def test_a_value_of_another_type_is_refused_with_its_path(data):
    path = data.draw(st.sampled_from(closed_places()))
    if path[0] in ("schema", "schema_version"):
        said = "expected schema gmmbench-report"
    else:
        said = f"expected {told(path)} to be "
    with pytest.raises(Refused) as refused:  # no field takes a list of lists of lists
        Report.from_json(changed(path, [[[[]]]]), "some/report.json")
    line = str(refused.value)
    assert line.startswith("some/report.json: ")
    assert said in line or f"{said[:-7]}[0] to be" in line
    assert "\n" not in line


@settings(max_examples=50, deadline=None)
@given(st.data())
def test_a_key_that_is_missing_or_too_many_is_refused_with_its_path(data):
    tree = json.loads(report().to_json())
    inside = [(), *[path for path in closed_places() if path[-1] not in FREE]]
    objects = [path for path in inside if isinstance(at(tree, path), dict) and at(tree, path)]
    path = data.draw(st.sampled_from(objects))
    at(tree, path)["strange"] = 1
    with pytest.raises(Refused, match=rf"expected no key {told((*path, 'strange'))}".replace("[", r"\[")):
        Report.from_json(json.dumps(tree))


def at(tree, path):
    for key in path:
        tree = tree[key]
    return tree


@pytest.mark.parametrize(
    ("path", "value", "said"),
    [
        (("schema_version",), SCHEMA_VERSION - 1, f"{OTHER_VERSION} {SCHEMA_VERSION - 1}"),
        (("schema_version",), SCHEMA_VERSION + 1, f"{OTHER_VERSION} {SCHEMA_VERSION + 1}"),
        (("schema",), "gmmbench-comparison", "expected schema gmmbench-report"),
        (("image", "height"), "tall", 'expected image.height to be an integer, got "tall"'),
        (("image", "view"), "sound", 'expected image.view to be one of ink, colour, levels, got "sound"'),
        (("gain", "held_out"), "much", 'expected gain.held_out to be a number, got "much"'),
        (("gain", "interval"), [1], "expected gain.interval to be a list of 2, got a list of 1"),
        (("seed",), 1.5, "expected seed to be an integer, got 1.5"),
        (("ranked",), 1, "expected ranked to be true or false, got 1"),
        (("fit",), None, "expected fit to be an object, got null"),
        (("model", "parameters"), [], "expected model.parameters to be an object, got a list of 0"),
        (("pictures", 0, "file"), None, "expected pictures[0].file to be text, got null"),
        (("versions", "numpy"), 2, "expected versions.numpy to be text, got 2"),
        (("config", "render"), "grid", 'expected config.render to be an object, got "grid"'),
        (("config", "render", "grid"), 1, "expected config.render.grid to be an object, got 1"),
        (("config", "hold_out"), "half", 'expected config.hold_out to be a number, got "half"'),
        (("fit", "mean", "x"), "left", 'expected fit.mean.x to be a number, got "left"'),
        (
            ("details", "baselines", "uniform"),
            "0",
            'expected details.baselines.uniform to be a number, got "0"',
        ),
        (("image", "notes"), "grey", 'expected image.notes to be a list, got "grey"'),
        (("wit",), {}, "expected no key wit"),
        (("scores",), {}, "expected no key scores"),
        (("details", "wit"), {}, "expected no key details.wit"),
    ],
)
def test_what_is_wrong_is_said_in_one_line(path, value, said):
    with pytest.raises(Refused) as refused:
        Report.from_json(changed(path, value), "old/report.json")
    line = str(refused.value)
    assert line.startswith(f"old/report.json: {said}")
    assert line.endswith("; try the run's command again")
    assert "\n" not in line


@pytest.mark.parametrize("key", ["gain", "image", "seed", "details", "config", "failed"])
def test_a_missing_key_is_named(key):
    data = json.loads(report().to_json())
    del data[key]
    with pytest.raises(Refused, match=rf"^report.json: expected the key {key}, got none"):
        Report.from_json(json.dumps(data))


@pytest.mark.parametrize("text", ["", "[" * 100_000, "5", "[]", '{"a": NaN}', '{"a": 1e999}', b"\xff\xfe"])
def test_what_is_no_report_is_refused_in_one_line(text):
    with pytest.raises(Refused, match=r"^report.json: expected [^\n]*; try the run's command again$"):
        Report.from_json(text)


def test_a_report_from_before_a_score_was_declared_is_read(monkeypatch):
    text = report().to_json()
    later = dataclasses.replace(catalogue.SCORES["skill"], key="wit")
    monkeypatch.setattr(catalogue, "SCORES", {**catalogue.SCORES, "wit": later})
    score = Report.from_json(text).scores["wit"]
    assert (score.held_out, score.unit) == (None, "")
    assert "before this score was declared" in score.reason


def test_a_range_that_became_narrower_makes_no_report_unreadable():
    assert Report.from_json(changed(("config", "hold_out"), 0.99)).config.hold_out == 0.99


def test_numbers_that_are_not_finite_are_null():
    done = gmmbench.execute(gmmbench.compose(*RUNS["ink, uniform"]))
    scores = dict(done.scores.values)
    scores["gain"] = Score(train=np.float64(-np.inf), held_out=float("nan"), interval=(0.0, float("inf")))
    details = dataclasses.replace(done.scores.details, entropy_of_held_out_colours=np.float64("nan"))
    odd = dataclasses.replace(done.scores, values=scores, details=details)
    data = json.loads(Report.of(dataclasses.replace(done, scores=odd)).to_json())
    assert data["gain"]["train"] is data["gain"]["held_out"] is data["gain"]["interval"] is None
    assert data["details"]["entropy_of_held_out_colours"] is None


def test_facts_and_options_of_plugins_may_be_anything(tmp_path):
    done = gmmbench.execute(gmmbench.compose(*RUNS["ink, uniform"]))

    class Strange(type(done.study.fitted)):
        def facts(self):
            return {
                "where": tmp_path,
                "many": np.arange(3),
                "share": np.float32(0.5),
                "worst": np.inf,
                7: (1,),
            }

    fitted = Strange(*dataclasses.astuple(done.study.fitted))
    found = Report.of(dataclasses.replace(done, study=dataclasses.replace(done.study, fitted=fitted)))
    assert found.fit.facts == {
        "where": str(tmp_path),
        "many": [0, 1, 2],
        "share": 0.5,
        "worst": None,
        "7": [1],
    }
    assert Report.from_json(found.to_json()) == found


def test_a_detail_that_is_not_declared_is_an_error():
    done = gmmbench.execute(gmmbench.compose(*RUNS["ink, uniform"]))
    with pytest.raises(TypeError, match="unexpected keyword argument 'wit'"):
        dataclasses.replace(done.scores.details, wit=1)


@given(st.builds(RunFailure, st.text(), st.lists(st.text()).map(tuple), st.text()))
def test_a_failure_is_read_as_it_was_written(failure):
    assert RunFailure.from_json(failure.to_json()) == failure


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("5", "expected an object, got 5"),
        ('{"kind": null}', "expected kind to be text, got null"),
        ('{"overrides": ["a", 1]}', r"expected overrides\[1\] to be text, got 1"),
        ('{"overrides": "a=1"}', 'expected overrides to be a list, got "a=1"'),
        ('{"why": ""}', "expected no key why"),
    ],
)
def test_a_failure_of_another_shape_is_refused_in_one_line(text, said):
    with pytest.raises(Refused, match=rf"^failure.json: {said}; try the command again$"):
        RunFailure.from_json(text)
