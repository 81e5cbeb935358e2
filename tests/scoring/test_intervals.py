"""Intervals, rankings that hold together, and tests across images."""

from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.ndimage import gaussian_filter
from scipy.stats import wilcoxon

from gmmbench.scoring.across_images import RESAMPLES, mean_ranks, sign_flip
from gmmbench.scoring.intervals import all_pairs, correlation_length, difference, holm, tiers, tile_side


def test_the_difference_and_its_error_are_the_formula():
    rng = np.random.default_rng(0)
    terms, weight = rng.normal(0.1, 1, (48, 64)), rng.random((48, 64))
    scored = rng.random((48, 64)) < 0.3
    found = difference(terms, weight, scored, side=8)
    sums, sizes = [], []
    for y in range(0, 48, 8):
        for x in range(0, 64, 8):
            here = scored[y : y + 8, x : x + 8]
            sums.append(terms[y : y + 8, x : x + 8][here].sum())
            sizes.append(weight[y : y + 8, x : x + 8][here].sum())
    s, n = np.array(sums), np.array(sizes)
    mean = s.sum() / n.sum()
    g = len(s)
    assert found.tiles == g == 48
    assert found.value == pytest.approx(mean, abs=1e-12)
    assert found.error**2 == pytest.approx(g / (g - 1) * ((s - mean * n) ** 2).sum() / n.sum() ** 2)


@pytest.mark.parametrize("smooth", [0.0, 2.0])
def test_intervals_cover_the_truth_under_correlation(smooth):
    """95 % of intervals hold the true mean; naive pixel intervals would hold it in half of them."""
    rng = np.random.default_rng(1)
    scored = np.ones((256, 256), dtype=bool)
    weight = np.ones((256, 256))
    covered = naive = 0
    for _ in range(120):
        noise = rng.normal(size=(256, 256))
        if smooth:
            noise = gaussian_filter(noise, smooth, mode="wrap")
            noise /= noise.std()
        low, high = difference(noise, weight, scored).interval()
        covered += low <= 0 <= high
        naive += abs(noise.mean()) < 1.96 * noise.std() / 256
    assert covered / 120 > 0.9
    if smooth:
        assert naive / 120 < 0.5


def test_tiles_grow_with_the_correlation():
    rng = np.random.default_rng(2)
    noise = rng.normal(size=(96, 96))
    every = np.ones((96, 96), dtype=bool)
    assert correlation_length(noise, every) < 1
    assert tile_side(noise, every) == 8
    smooth = gaussian_filter(noise, 4.0, mode="wrap")
    assert 6 <= correlation_length(smooth, every) <= 10  # exp(-h^2 / (4 s^2)) = 1 / e at h = 2 s
    assert tile_side(smooth, every) >= 20


def test_too_few_tiles_give_no_interval():
    found = difference(np.ones((16, 16)), np.ones((16, 16)), np.ones((16, 16), dtype=bool), side=8)
    assert found.tiles == 4
    assert found.interval() is None
    assert found.p_value is None
    assert difference(np.ones((4, 4)), np.zeros((4, 4)), np.ones((4, 4), dtype=bool)) is None


@given(st.lists(st.floats(0, 1), min_size=1, max_size=12))
def test_holm_never_lowers_and_keeps_the_order(p_values):
    corrected = holm(p_values)
    assert all(c >= p - 1e-15 for c, p in zip(corrected, p_values, strict=True))
    order = np.argsort(p_values, kind="stable")
    assert (np.diff(np.array(corrected)[order]) >= -1e-15).all()
    assert max(corrected) <= 1


def test_holm_by_hand():
    assert holm([0.01, 0.04, 0.03]) == pytest.approx([0.03, 0.06, 0.06])


def test_equal_models_are_rarely_told_apart():
    """12 equal models: uncorrected, most tables would hold a false ranking; corrected, few do."""
    rng = np.random.default_rng(3)
    every, weight = np.ones((80, 80), dtype=bool), np.ones((80, 80))
    false = uncorrected = 0
    for _ in range(20):
        scores = {f"m{i}": rng.normal(size=(80, 80)) for i in range(12)}
        pairs = all_pairs(scores, weight, every)
        assert len(pairs) == 66
        false += any(pair.told_apart() for pair in pairs)
        uncorrected += any(pair.difference.p_value < 0.05 for pair in pairs)
        if not any(pair.told_apart() for pair in pairs):
            assert set(tiers({k: v.mean() for k, v in scores.items()}, pairs).values()) == {1}
    assert false <= 4
    assert uncorrected >= 10


def test_a_better_model_opens_the_first_tier():
    rng = np.random.default_rng(4)
    noise = rng.normal(size=(80, 80))
    scores = {"good": noise + 0.5, "also": noise + 0.5 + 0.01 * rng.normal(size=(80, 80)), "bad": noise}
    every = np.ones((80, 80), dtype=bool)
    pairs = all_pairs(scores, np.ones((80, 80)), every)
    found = tiers({name: float(values.mean()) for name, values in scores.items()}, pairs)
    assert found["good"] == found["also"] == 1
    assert found["bad"] == 2
    assert {(pair.better, pair.worse) for pair in pairs if pair.told_apart()} >= {
        ("good", "bad"),
        ("also", "bad"),
    }


def test_across_images_signs_are_flipped():
    assert sign_flip([1.0] * 5) is None
    assert sign_flip([1.0] * 6) == pytest.approx(2 / 2**6)
    assert sign_flip([1.0, -1.0] * 3) == 1.0
    d = np.array([0.3, 0.1, 0.5, -0.05, 0.2, 0.4, 0.25, 0.15])
    assert sign_flip(d) == pytest.approx(wilcoxon(d).pvalue, abs=0.02)
    assert sign_flip(np.tile(d, 3)) < 0.01


def flipped_by_hand(d):
    """The share of all 2^n sign flips whose sum is as far from 0 as the observed one, ties included."""
    flips = np.array(list(product((1.0, -1.0), repeat=len(d))))
    return np.mean(np.abs(flips @ d) >= np.abs(d.sum()) * (1 - 1e-12))


@given(st.lists(st.integers(-4, 4), min_size=6, max_size=10), st.sampled_from([1.0, 0.25, 1e-6, 1e6]))
def test_the_sign_flip_test_is_exact_with_ties_and_zeros(whole, unit):
    d = np.array(whole) * unit
    assert sign_flip(d) == flipped_by_hand(d)


@pytest.mark.parametrize("images", [7, 12, 16])
def test_the_sign_flip_test_is_exact_for_up_to_16_images(images):
    d = np.random.default_rng(images).normal(0.4, 1, images)
    assert sign_flip(d) == flipped_by_hand(d)


def test_with_more_images_random_flips_agree_with_all_of_them():
    d = np.random.default_rng(17).normal(0.4, 1, 17)
    exact = flipped_by_hand(d)
    assert sign_flip(d) == pytest.approx(exact, abs=5 * np.sqrt(exact / RESAMPLES))
    assert sign_flip(np.ones(60)) == 1 / (RESAMPLES + 1), "the observed signs are one of the flips"


def test_mean_ranks_give_the_best_the_first():
    assert mean_ranks([[3, 2, 1], [9, 9, 1]]) == [1.25, 1.75, 3.0]
