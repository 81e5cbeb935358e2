"""Average precision, Bernoulli bits, calibration, and the baselines."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from known_fits import Cells, Chances, ink_image, scored
from scipy.special import expit, logit
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import average_precision_score, log_loss

from gmmbench import Split
from gmmbench.api import TEST, TRAIN
from gmmbench.scoring.baselines import ratio_kde
from gmmbench.scoring.classifier import average_precision, bernoulli_bits, calibrated, probability


@given(st.integers(0, 10**6), st.integers(2, 300), st.integers(2, 20))
@settings(max_examples=50, deadline=None)
def test_average_precision_is_scikit_learns(seed, n, distinct):
    rng = np.random.default_rng(seed)
    ink = (rng.random(n) < 0.4).astype(float)
    ink[0] = 1
    rate = rng.integers(distinct, size=n) / distinct
    assert average_precision(rate, ink) == pytest.approx(average_precision_score(ink, rate), abs=1e-12)


def test_soft_ink_counts_as_much_as_it_is():
    rng = np.random.default_rng(0)
    ink, rate = rng.random(200), rng.random(200)
    twice, labels = np.tile(rate, 2), np.repeat([1, 0], 200)
    weight = np.concatenate((ink, 1 - ink))
    expected = average_precision_score(labels, twice, sample_weight=weight)
    assert average_precision(rate, ink) == pytest.approx(expected, abs=1e-12)
    assert average_precision(rate, np.zeros(200)) is None


def by_hand(rate, ink):
    """The sum over thresholds, written out; pixels of equal rate are taken together."""
    order = np.argsort(-rate, kind="stable")
    sorted_rate, y = rate[order], ink[order]
    ends = np.flatnonzero(np.append(np.diff(sorted_rate) != 0, True))
    positive, count = np.cumsum(y)[ends], ends + 1.0
    return (np.diff(positive, prepend=0.0) * (positive / count)).sum() / positive[-1]


@given(st.integers(0, 10**6), st.integers(2, 300), st.integers(1, 20), st.booleans())
@settings(max_examples=50, deadline=None)
def test_average_precision_is_the_sum_over_thresholds_with_ties_and_soft_ink(seed, n, distinct, soft):
    rng = np.random.default_rng(seed)
    ink = rng.random(n) if soft else (rng.random(n) < 0.4).astype(float)
    ink[0] = 1
    rate = rng.integers(distinct, size=n) * rng.choice([1e-12, 0.1, 1e3])
    assert average_precision(rate, ink) == pytest.approx(by_hand(rate, ink), abs=1e-12)


def test_bernoulli_bits_are_the_log_loss_in_bits():
    rng = np.random.default_rng(1)
    ink, chance = (rng.random(500) < 0.2).astype(float), rng.random(500)
    assert bernoulli_bits(chance, ink) * np.log(2) == pytest.approx(log_loss(ink, chance), abs=1e-12)
    assert np.isfinite(bernoulli_bits(probability(np.array([0.0, 2.0])), np.array([1.0, 0.0])))


@pytest.mark.parametrize("of_density", [True, False])
def test_calibration_is_a_logistic_regression(of_density):
    rng = np.random.default_rng(2)
    rate = rng.uniform(0.01, 0.99, 4000)
    f = np.log(rate) if of_density else logit(rate)
    ink = (rng.random(4000) < expit(0.3 + 1.7 * f)).astype(float)
    found = calibrated(rate, ink, of_density)
    reference = LogisticRegression(C=np.inf, tol=1e-10).fit(f[:, None], ink)
    assert found.b == pytest.approx(reference.coef_[0, 0], rel=1e-3)
    assert found.a == pytest.approx(reference.intercept_[0], abs=1e-3)


def test_calibration_survives_data_that_one_step_separates():
    rate = np.linspace(0.01, 0.99, 50)
    found = calibrated(rate, (rate > 0.5).astype(float), True)
    assert np.isfinite(found(rate)).all()
    assert calibrated(rate, np.zeros(50), True) is None


def test_calibration_mends_a_classifier_that_is_too_sure():
    rng = np.random.default_rng(3)
    chance = expit(rng.normal(-1, 1.5, (60, 60)))
    image = ink_image(rng.random((60, 60)) < chance)
    found, split = scored(Chances(image.lattice, expit(4 * logit(chance))), image)
    details = found.details.classifier
    assert details.bits_per_pixel_calibrated < details.bits_per_pixel_raw - 0.1
    test = split.codes == TEST
    truth = bernoulli_bits(chance[test], image.values[test])
    assert details.bits_per_pixel_calibrated == pytest.approx(truth, abs=0.02)
    assert details.prevalence == image.values[test].mean()


def test_a_known_classifier_scores_what_the_formula_says():
    rng = np.random.default_rng(4)
    chance = rng.uniform(0.05, 0.95, (20, 30))
    image = ink_image(rng.random((20, 30)) < chance)
    found, split = scored(Chances(image.lattice, chance), image)
    test, rho = split.codes == TEST, image.values[split.codes == TRAIN].mean()
    total = 0.0
    for y, p in zip(image.values[test], chance[test], strict=True):
        rate = 0.999 * p + 0.001 * rho
        total += y * np.log2(rate / rho) - (rate - rho) / np.log(2)
    assert found.values["gain"].held_out == pytest.approx(total / image.values[test].sum(), abs=1e-9)
    assert found.values["mass_in_box"].overall is None
    assert found.details.normalisation_check is None


def test_the_ratio_baseline_is_nadaraya_watson():
    rng = np.random.default_rng(5)
    ink = (rng.random((14, 11)) < 0.3).astype(float)
    split = Split.draw(ink_image(ink).lattice, 0, 0.3)
    seen = np.argwhere(split.codes == TRAIN)
    found = ratio_kde(ink, split, 0.8)
    for at in [(0, 0), (7, 5), (13, 10)]:
        weight = np.exp(-0.5 * ((seen - at) ** 2).sum(axis=1) / 0.8**2)
        expected = weight @ ink[tuple(seen.T)] / weight.sum()
        assert found[at] == pytest.approx(expected, abs=1e-6)


def test_where_no_training_pixel_is_near_the_baseline_is_the_mean():
    ink = np.ones((40, 40))
    codes = np.full((40, 40), TEST, dtype=np.uint8)
    codes[0, 0] = TRAIN
    assert ratio_kde(ink, Split(codes), 0.5)[-1, -1] == 1.0


def test_baselines_stand_beside_the_score():
    image = ink_image(np.random.default_rng(6).random((30, 30)) < 0.3)
    found, _ = scored(Cells(image.lattice, np.full((30, 30), 1 / 900)), image)
    baselines = found.details.baselines
    assert baselines["uniform"] == 0.0
    assert baselines["ratio_kde_half_pixel"] < 0 < found.values["ceiling"].held_out  # noise has no neighbours
