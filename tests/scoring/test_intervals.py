"""Intervals, rankings that hold together, and tests across images."""

from itertools import product

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from scipy.ndimage import gaussian_filter
from scipy.stats import wilcoxon

from gmmbench.scoring.across_images import RESAMPLES, mean_ranks, sign_flip
from gmmbench.scoring.intervals import LEAST_PATCHES, LEAST_PIXELS, all_pairs, difference, holm, tiers

EVERY = np.ones((80, 80), dtype=bool)


def test_white_noise_has_the_error_of_independent_pixels():
    rng = np.random.default_rng(0)
    ratios = []
    for _ in range(30):
        terms, weight = rng.normal(0.1, 1, (96, 128)), rng.random((96, 128))
        scored = rng.random((96, 128)) < 0.3
        found = difference(terms, weight, scored)
        s, n = terms[scored], weight[scored]
        assert found.value == pytest.approx(s.sum() / n.sum(), abs=1e-12)
        ratios.append(found.error / (np.sqrt(((s - found.value * n) ** 2).sum()) / n.sum()))
        assert found.degrees == found.patches - 1
    assert min(ratios) >= 1 - 1e-12  # the sum over rings is never below that of the pixels themselves
    assert np.mean(ratios) < 1.1


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
        interval = difference(noise, weight, scored).interval()
        covered += interval is not None and interval[0] <= 0 <= interval[1]
        naive += abs(noise.mean()) < 1.96 * noise.std() / 256
    assert covered / 120 > 0.9
    if smooth:
        assert naive / 120 < 0.5


def test_a_smooth_difference_is_less_certain_than_its_pixels_say():
    rng = np.random.default_rng(2)
    white = rng.normal(size=(160, 160))
    scored = np.ones((160, 160), dtype=bool)
    smooth = gaussian_filter(white, 4.0, mode="wrap")
    found = difference(smooth, scored, scored)
    naive = smooth.std() / 160
    assert 10 * naive < found.error < 20 * naive  # 2 sqrt(pi) 4 = 14.2
    assert found.reach >= 8
    assert found.patches < 130  # 160^2 / (4 pi 4^2) at the most


def test_an_image_of_few_patches_has_a_wide_interval():
    rng = np.random.default_rng(3)
    broad = gaussian_filter(rng.normal(size=(80, 80)), 25.0, mode="wrap")
    found = difference(broad, EVERY, EVERY)
    assert LEAST_PATCHES <= found.patches < 5
    low, high = found.interval()
    assert high - low > 2 * broad.std()  # an image of a single patch would tell its deviation at the best


def test_weight_on_too_few_pixels_leaves_a_difference_undecided():
    rng = np.random.default_rng(4)
    weight = np.zeros((80, 80))
    weight.flat[rng.choice(6400, LEAST_PIXELS, replace=False)] = 1
    terms = rng.normal(size=(80, 80))
    assert difference(terms, weight, EVERY).patches <= LEAST_PIXELS
    assert difference(terms, weight, EVERY).error is not None
    weight.flat[weight.argmax()] = 0
    found = difference(terms, weight, EVERY)
    assert (found.interval(), found.p_value, found.error) == (None, None, None)
    (pair,) = all_pairs({"a": terms, "b": np.zeros((80, 80))}, weight, EVERY)
    assert pair.corrected is None
    assert not pair.told_apart()
    assert difference(np.ones((4, 4)), np.zeros((4, 4)), np.ones((4, 4), dtype=bool)) is None


def test_a_constant_difference_is_certain():
    found = difference(np.full((80, 80), 0.3), EVERY, EVERY)
    assert (found.error, found.p_value) == (0, 0)


def test_a_score_that_is_not_finite_leaves_its_pairs_undecided():
    rng = np.random.default_rng(5)
    scores = {"a": rng.normal(size=(80, 80)) + 1, "b": rng.normal(size=(80, 80))}
    alone = all_pairs(scores, EVERY, EVERY)
    for bad in (np.nan, -np.inf):
        broken = rng.normal(size=(80, 80))
        broken[3, 4] = bad
        pairs = all_pairs({**scores, "broken": broken}, EVERY, EVERY)
        assert [pair.corrected is None for pair in pairs] == [False, True, True]
        assert pairs[0].corrected == alone[0].corrected


noise = st.integers(0, 2**32 - 1).map(
    lambda seed: (
        gaussian_filter(np.random.default_rng(seed).normal(size=(40, 56)), seed % 3),
        np.random.default_rng(seed + 1).random((40, 56)),
        np.random.default_rng(seed + 2).random((40, 56)) < 0.5,
    )
)


@settings(deadline=None)
@given(noise, st.floats(-3, 3), st.floats(0.1, 10))
def test_a_constant_shifts_the_difference_and_a_factor_scales_it(maps, constant, factor):
    terms, weight, scored = maps
    found = difference(terms, weight, scored)
    other = difference(factor * terms + constant * weight, weight, scored)
    assert other.value == pytest.approx(factor * found.value + constant, abs=1e-9)
    assert other.patches == pytest.approx(found.patches, rel=1e-6)
    assert (other.error is None) == (found.error is None)
    if found.error is not None:
        assert other.error == pytest.approx(factor * found.error, rel=1e-6)


@settings(deadline=None)
@given(noise)
def test_a_transposed_or_mirrored_image_says_the_same(maps):
    found = difference(*maps)
    for turned in ([a.T for a in maps], [a[::-1] for a in maps], [a[:, ::-1] for a in maps]):
        other = difference(*turned)
        assert other.value == pytest.approx(found.value, abs=1e-12)
        assert other.patches == pytest.approx(found.patches, rel=1e-6)
        assert other.error == pytest.approx(found.error, rel=1e-6)


@settings(deadline=None)
@given(noise)
def test_unscored_pixels_and_the_order_of_models_change_nothing(maps):
    terms, weight, scored = maps
    found = difference(terms, weight, scored)
    assert difference(np.where(scored, terms, np.nan), weight, scored).error == found.error
    scores = {"a": terms, "b": np.zeros_like(terms), "c": terms[::-1]}
    one = all_pairs(scores, weight, scored)
    other = all_pairs(dict(reversed(scores.items())), weight, scored)
    errors = [{(pair.better, pair.worse): pair.difference.error for pair in pairs} for pairs in (one, other)]
    assert errors[0] == pytest.approx(errors[1], rel=1e-9)
    assert one[0].difference.error == pytest.approx(found.error, rel=1e-9)  # from transforms of each alone


def test_pairs_are_the_same_without_memory_for_transforms(monkeypatch):
    rng = np.random.default_rng(6)
    scores = {name: gaussian_filter(rng.normal(size=(80, 80)), 1) for name in "abc"}
    cached = all_pairs(scores, EVERY, EVERY)
    monkeypatch.setattr("gmmbench.scoring.intervals.CACHE_BYTES", 0)
    for pair, other in zip(cached, all_pairs(scores, EVERY, EVERY), strict=True):
        assert (pair.better, pair.worse) == (other.better, other.worse)
        assert pair.difference.error == pytest.approx(other.difference.error, rel=1e-9)


def test_the_spread_over_seeds_adds_to_the_variance():
    rng = np.random.default_rng(7)
    terms = rng.normal(size=(80, 80))
    one = difference(terms, EVERY, EVERY)
    assert one.seeds == 1
    assert difference(terms, EVERY, EVERY, [0.3]).error == one.error  # one seed has no spread
    by_seed = [0.2, 0.5, 0.3]
    found = difference(terms, EVERY, EVERY, by_seed)
    seeds = np.var(by_seed, ddof=1) / 3
    assert found.seeds == 3
    assert found.error**2 == pytest.approx(one.error**2 + seeds)
    # the squares of the margins add, of Student's t with two degrees of freedom over seeds
    margin = found.interval()[1] - found.value
    alone = one.interval()[1] - one.value
    assert margin**2 == pytest.approx(alone**2 + 4.3027**2 * seeds, rel=1e-4)
    assert 2 <= found.degrees < 3


def test_two_seeds_widen_the_interval_by_their_own_margin():
    """The squares of the margins add: over the image, and of Student's t with one degree over seeds."""
    terms = np.random.default_rng(7).normal(size=(80, 80))
    low, high = difference(terms, EVERY, EVERY).interval()
    seeds = abs(0.2 - 0.5) / 2 * 12.706  # half the distance is the standard error of two
    both = difference(terms, EVERY, EVERY, [0.2, 0.5])
    margin = both.interval()[1] - both.value
    assert margin**2 == pytest.approx(((high - low) / 2) ** 2 + seeds**2, rel=1e-4)
    assert 1 <= both.degrees < 2


def test_a_seed_without_held_out_ink_has_no_difference_to_vary():
    terms = np.random.default_rng(7).normal(size=(80, 80))
    found = difference(terms, EVERY, EVERY, [0.2, np.nan, 0.5, 0.4])
    assert found.seeds == 3
    assert found.error == difference(terms, EVERY, EVERY, [0.2, 0.5, 0.4]).error


def seeds_of(field, seeds, rng, fits=0.0):
    """The mean over seeds of a field seen at the fifth that each holds out, and the mean of each."""
    total, times, by_seed = np.zeros(field.size), np.zeros(field.size), []
    for shift in fits * rng.normal(size=seeds):
        held = rng.choice(field.size, field.size // 5, replace=False)
        total[held] += field.flat[held] + shift
        times[held] += 1
        by_seed.append(field.flat[held].mean() + shift)
    return (total / np.maximum(times, 1)).reshape(field.shape), (times > 0).reshape(field.shape), by_seed


def test_what_the_choice_of_pixels_adds_over_seeds_is_not_counted_twice():
    """Fits that do not vary over seeds have, on the whole, the error over the image alone."""
    rng = np.random.default_rng(9)
    every, ratios = np.ones((48, 48)), []
    for _ in range(150):
        terms, scored, by_seed = seeds_of(rng.normal(size=(48, 48)), 6, rng)
        alone = difference(terms, every, scored)
        independent = ((terms[scored] - alone.value) ** 2).sum() / scored.sum() ** 2
        ratios.append(np.var(by_seed, ddof=1) / 6 / independent)
        assert difference(terms, every, scored, by_seed).error >= alone.error
    # pixels within their image: v (1 - 1/5) / m over 6 seeds against v / M, with M = 0.74 N
    assert np.mean(ratios) == pytest.approx(0.74 * 0.8 / (6 * 0.2), rel=0.12)


@pytest.mark.parametrize(("seeds", "smooth", "fits"), [(3, 0, 0.05), (3, 2, 0.2), (5, 0, 0.1), (2, 0, 0.1)])
def test_intervals_over_seeds_cover_the_difference_of_models(seeds, smooth, fits):
    """Each seed's fit is better or worse by chance, everywhere: the pixels of one image cannot show that."""
    rng = np.random.default_rng(10)
    every = np.ones((48, 48))
    covered = blind = 0
    for _ in range(200):
        field = gaussian_filter(rng.normal(size=(64, 64)), smooth, mode="wrap")[:48, :48]
        terms, scored, by_seed = seeds_of(field, seeds, rng, fits)
        covered += difference(terms, every, scored, by_seed).p_value > 0.05
        blind += difference(terms, every, scored).p_value > 0.05
    assert covered / 200 > 0.92
    assert blind / 200 < 0.9


def test_pairs_take_the_seeds_of_their_difference():
    rng = np.random.default_rng(8)
    scores = {"a": rng.normal(size=(80, 80)) + 1, "b": rng.normal(size=(80, 80))}
    by_seed = {"a": [1.0, 1.4, 1.2], "b": [0.1, 0.5, 0.3]}
    (pair,) = all_pairs(scores, EVERY, EVERY, by_seed)
    (alone,) = all_pairs(scores, EVERY, EVERY)
    assert pair.difference.error == pytest.approx(alone.difference.error)  # seeds move both models alike
    by_seed["b"] = [0.5, 0.1, 0.3]
    (pair,) = all_pairs(scores, EVERY, EVERY, by_seed)
    assert pair.difference.error**2 == pytest.approx(
        alone.difference.error**2 + np.var([0.5, 1.3, 0.9], ddof=1) / 3
    )


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
    return np.mean(np.abs(flips @ d) >= np.abs(d.sum()) - 1e-12 * np.abs(d).sum())


@example(whole=[0, 0, -1, 3, 2, -4], unit=1e-6)
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
