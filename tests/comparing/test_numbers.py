"""The numbers of a comparison are those that anyone finds in the runs' own files."""

import json
import math
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from sweeps import compared

from gmmbench.comparing.compare import compare
from gmmbench.comparing.formats import to_html, to_markdown
from gmmbench.comparing.verdicts import corrected_interval, pareto_front
from gmmbench.scoring.intervals import all_pairs, difference

ROOT = Path(__file__).parents[2]


def reports(top, model, seeds):
    return [json.loads((top / f"{model}-{seed}/report.json").read_text()) for seed in seeds]


def row_of(table, model):
    return next(row for row in table["models"] if row["model"] == model)


@pytest.mark.parametrize(
    ("name", "key", "part"),
    [
        ("gain", "gain", "held_out"),
        ("skill", "skill", "held_out"),
        ("log_likelihood", "log_likelihood", "held_out"),
        ("gain_train", "gain", "train"),
        ("kl", "kl", "train"),
        ("psnr", "psnr", "overall"),
        ("ssim_held_out", "ssim", "held_out"),
        ("wall_seconds", "cost", "wall_seconds"),
        ("n_parameters", "fit", "n_parameters"),
        ("peak_bytes", "cost", "peak_bytes"),
    ],
)
def test_a_mean_and_its_interval_are_students_over_seeds(ink_runs, name, key, part):
    (table,) = compared(ink_runs)["tables"]
    got = np.array([report[key][part] for report in reports(ink_runs, "gmm", range(3))], dtype=float)
    score = row_of(table, "gmm")["scores"][name]
    assert (score["n_runs"], score["n_seeds"]) == (3, 3)
    assert score["mean"] == pytest.approx(got.mean())
    assert score["sd"] == pytest.approx(got.std(ddof=1))
    if got.std() > 0:
        low, high = stats.t.interval(0.95, 2, got.mean(), stats.sem(got))
        assert score["interval"] == pytest.approx((max(0, low) if key in ("cost", "fit") else low, high))


@pytest.mark.parametrize(("runs", "per"), [("ink_runs", 1), ("colour_runs", 3), ("levels_runs", 1)])
def test_a_paired_difference_is_that_of_the_maps(runs, per, request):
    top = request.getfixturevalue(runs)
    (table,) = compared(top)["tables"]
    seeds = table["seeds_compared"]
    assert len(seeds) == len(list(top.glob("gmm-*")))
    for pair in table["pairs"]:
        gains, weights, counts = {}, 0.0, 0
        for model in (pair["better"], pair["worse"]):
            maps = [dict(np.load(top / f"{model}-{seed}/scores.npz")) for seed in seeds]
            held = [m["split"] == 2 for m in maps]
            counts = np.maximum(np.sum(held, axis=0), 1)
            gains[model] = (
                np.sum([np.where(h, m["gain"], 0) for h, m in zip(held, maps, strict=True)], axis=0) / counts
            )
            weights = np.sum([h * m["weight"] for h, m in zip(held, maps, strict=True)], axis=0) / counts
        value = (gains[pair["better"]] - gains[pair["worse"]]).sum() / weights.sum() / math.log(2) / per
        assert pair["difference"] == pytest.approx(value, rel=1e-5)
        assert pair["difference"] == pytest.approx(
            row_of(table, pair["better"])["gain"] - row_of(table, pair["worse"])["gain"], rel=1e-5
        )


def test_letters_follow_what_is_told_apart(ink_runs):
    (table,) = compared(ink_runs)["tables"]
    letters = {row["model"]: set(row["letters"]) for row in table["models"]}
    assert letters[table["models"][0]["model"]] >= {"a"}
    assert len(table["pairs"]) == 3
    for pair in table["pairs"]:
        assert pair["significant"] != bool(letters[pair["better"]] & letters[pair["worse"]])
        assert pair["significant"] == (pair["p_corrected"] < 0.05)


def test_of_two_seeds_the_values_are_told_and_no_interval(colour_runs):
    (table,) = compared(colour_runs)["tables"]
    got = [report["ssim"]["overall"] for report in reports(colour_runs, "gmm", range(2))]
    score = row_of(table, "gmm")["scores"]["ssim"]
    assert score["interval"] is None
    assert score["values"] == pytest.approx(got)
    shown = " and ".join(f"{value:.3f}" for value in got)
    assert shown in to_markdown(compare([colour_runs]))
    assert shown in to_html(compare([colour_runs]), colour_runs)


@settings(deadline=None)
@given(st.lists(st.floats(-0.2, 0.2), min_size=3, max_size=6), st.integers(0, 2**32 - 1))
def test_a_corrected_interval_leaves_out_0_just_where_the_pair_is_told_apart(shifts, seed):
    noise = np.random.default_rng(seed).normal(size=(len(shifts), 40, 40))
    gains = {str(place): noise[place] + shift for place, shift in enumerate(shifts)}
    pairs = all_pairs(gains, np.ones((40, 40)), np.ones((40, 40), dtype=bool))
    for pair in pairs:
        low, high = corrected_interval(pair, len(pairs))
        assert (low > 0) == pair.told_apart()
        plain = pair.difference.interval()
        assert low <= plain[0] + 1e-12 and high >= plain[1] - 1e-12


def test_a_difference_of_rounding_is_none():
    noise = np.random.default_rng(0).normal(size=(40, 40)) * 1e-16
    found = difference(noise, np.ones((40, 40)), np.ones((40, 40), dtype=bool))
    assert found.value == 0.0
    assert found.p_value == 1.0


@settings(deadline=None)
@given(
    st.dictionaries(
        st.text("abcdef", min_size=1, max_size=3),
        st.tuples(st.integers(0, 5), st.one_of(st.none(), st.integers(0, 5))),
        max_size=8,
    )
)
def test_the_frontier_is_who_is_beaten_by_none(models):
    gains = {name: float(gain) for name, (gain, _) in models.items()}
    costs = {name: cost for name, (_, cost) in models.items()}
    beaten = {
        a
        for a in models
        for b in models
        if costs[a] is not None
        and costs[b] is not None
        and costs[b] <= costs[a]
        and gains[b] >= gains[a]
        and (costs[b] < costs[a] or gains[b] > gains[a])
    }
    assert set(pareto_front(gains, costs)) == {name for name in models if costs[name] is not None} - beaten


def keys(value):
    """Every key in a tree but names that users give: of parameters, of costs and of scores."""
    if isinstance(value, dict):
        for key, item in value.items():
            yield key
            if key != "parameters":
                yield from keys(item)
    elif isinstance(value, list):
        for item in value:
            yield from keys(item)


def test_every_key_of_a_comparison_is_documented(ink_runs, colour_runs):
    page = (ROOT / "docs/comparison.md").read_text(encoding="utf-8")
    found = set(keys(compared(ink_runs, colour_runs)))
    assert len(found) > 60
    assert {key for key in found if f"`{key}`" not in page} == set()
