"""What mixtures refuse to be made of and to be asked, and what they answer very far away."""

from decimal import MAX_EMAX, MIN_EMIN, Decimal, localcontext

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import multivariate_normal

from gmmbench.mixture import Mixture, StudentMixture

MEANS = [[0.0, 0.0], [3.0, 1.0]]
SPREAD = np.array([[[1.0, 0.5], [0.5, 2.0]], [[2.0, -0.3], [-0.3, 0.4]]])
GAUSSIANS = Mixture([0.3, 0.7], MEANS, SPREAD)
STUDENTS = StudentMixture(np.array([0.3, 0.7]), np.array(MEANS), SPREAD, np.array([3.0, 9.0]))


def make(kind, matrices):
    k, d = np.shape(matrices)[:2]
    if kind == "gaussian":
        return Mixture(np.ones(k), np.zeros((k, d)), matrices)
    return StudentMixture(np.ones(k) / k, np.zeros((k, d)), matrices, np.full(k, 4.0))


KINDS = pytest.mark.parametrize("kind", ["gaussian", "student"])


@KINDS
@pytest.mark.parametrize("apart", [0.9, 1e-3, 1e-6])
def test_an_asymmetric_covariance_is_refused(kind, apart):
    with pytest.raises(
        ValueError, match=r"expected symmetric covariances, got .* at \[0, 1\] and .* at \[1, 0\]"
    ):
        make(kind, [np.eye(2), [[1, apart], [0, 1]]])


@KINDS
def test_what_rounding_makes_asymmetric_is_made_symmetric(kind):
    matrix = np.array([[2e8, 0.3 * np.sqrt(2)], [0.3 * np.sqrt(2) * (1 + 1e-13), 1e-8]])
    found = make(kind, matrix[None])
    made = found.covariances if kind == "gaussian" else found.scales
    assert (made == np.swapaxes(made, 1, 2)).all()
    single = (matrix * np.array([[1, 1 + 2e-7], [1, 1]])).astype(np.float32)
    make(kind, single[None])


def test_weights_of_any_size_are_normalised():
    for size in (1e-300, 1.0, 1e300, 1e308):
        m = Mixture(np.array([0.25, 1.0]) * size, MEANS, SPREAD)
        np.testing.assert_allclose(m.weights, [0.2, 0.8], rtol=1e-12)


@pytest.mark.parametrize("m", [GAUSSIANS, STUDENTS], ids=["gaussian", "student"])
def test_a_mask_of_columns_is_understood(m):
    for mask in ([False, True], np.array([False, True]), (np.False_, np.True_)):
        np.testing.assert_array_equal(m.marginal(mask).means, m.marginal([1]).means)
    np.testing.assert_array_equal(
        m.conditional_mean([True, False], [[0.5]]), m.conditional_mean([0], [[0.5]])
    )
    np.testing.assert_array_equal(m.marginal([True, True]).means, m.means)


@pytest.mark.parametrize("m", [GAUSSIANS, STUDENTS], ids=["gaussian", "student"])
@pytest.mark.parametrize(
    "columns",
    [
        [0.7], [1.0], np.array([0.0]), [True], [True, False, True], [False, False], [True, 1], ["x"],
        [0, 0], [2], [-1], [], [None], np.array([[0]]),
    ],
    ids=str,
)  # fmt: skip
def test_other_columns_are_refused(m, columns):
    for ask in (m.marginal, lambda columns: m.conditional_mean(columns, [[0.0]])):
        with pytest.raises(
            ValueError, match=r"expected different columns of 0\.\.1, or a mask of 2 booleans"
        ):
            ask(columns)


@pytest.mark.parametrize("m", [GAUSSIANS, STUDENTS], ids=["gaussian", "student"])
def test_values_that_are_no_numbers_or_of_another_shape_are_refused(m):
    for bad in (np.nan, np.inf, -np.inf):
        with pytest.raises(ValueError, match=r"expected finite values, got \[.*\] in row 1"):
            m.conditional_mean([0], [[0.0], [bad]])
    three = make("gaussian", np.eye(3)[None]) if m is GAUSSIANS else make("student", np.eye(3)[None])
    with pytest.raises(ValueError, match=r"expected values \(n, 2\) of the 2 known columns, got \(2, 5\)"):
        three.conditional_mean([0, 1], np.zeros((2, 5)))
    assert three.conditional_mean([0, 1], [0.0, 0.0]).shape == (1, 1)
    assert three.conditional_mean([0], np.zeros(7)).shape == (7, 2)


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_gaussians_refuse_questions_about_no_place(bad):
    with pytest.raises(ValueError, match="expected finite points"):
        GAUSSIANS.responsibilities([[0.0, bad]])
    with pytest.raises(ValueError, match="expected finite values"):
        GAUSSIANS.condition([0], [bad])


@pytest.mark.parametrize("x", [1e6, 1e20, 1e100, 1e155, 1e200, 1e300, -1e155, -1e300])
@pytest.mark.parametrize("shared", [False, True], ids=["own covariances", "one covariance"])
def test_the_conditional_mean_very_far_away_is_that_of_many_digits(x, shared):
    """Oracle: the same formula in 700 digits."""
    spread = np.repeat(SPREAD[:1], 2, axis=0) if shared else SPREAD
    m = Mixture([0.3, 0.7], MEANS, spread)
    with localcontext(prec=700, Emax=MAX_EMAX, Emin=MIN_EMIN):
        joint, lines = [], []
        for weight, mean, matrix in zip(m.weights, MEANS, spread, strict=True):
            apart, variance = Decimal(x) - Decimal(mean[0]), Decimal(matrix[0, 0])
            joint.append(Decimal(weight).ln() - variance.ln() / 2 - apart**2 / variance / 2)
            lines.append(Decimal(mean[1]) + Decimal(matrix[1, 0]) / variance * apart)
        shares = [max(j - max(joint), Decimal(-10_000)).exp() for j in joint]
        shares = [share / sum(shares) for share in shares]
        expected = float(sum(share * line for share, line in zip(shares, lines, strict=True)))
        shares = [float(share) for share in shares]
    np.testing.assert_allclose(m.conditional_mean([0], [[x]])[0, 0], expected, rtol=1e-12)
    given = m.condition([0], [[x]])
    np.testing.assert_allclose(given.weights[0], shares, atol=1e-9)
    np.testing.assert_allclose(given.mean()[0, 0], expected, rtol=1e-12)
    np.testing.assert_allclose(m.marginal([0]).responsibilities([[x]])[0], shares, atol=1e-9)


def test_one_covariance_far_away_leaves_all_to_the_component_on_that_side():
    m = Mixture([0.5, 0.5], [[0.0, -1.0], [4.0, 1.0]], [np.eye(2)] * 2)
    for x in (1e9, 1e20, 1e155, 1e300):
        np.testing.assert_array_equal(m.conditional_mean([0], [[x], [-x]])[:, 0], [1.0, -1.0])
    origin = Mixture(m.weights, m.means + 1e9, m.covariances)
    np.testing.assert_array_equal(origin.conditional_mean([0], [[1e20]])[:, 0], [1e9 + 1])


def test_a_component_of_weight_zero_is_responsible_for_nothing_however_near():
    m = Mixture([0.0, 1.0], [[1e30], [0.0]], [[[1.0]], [[1.0]]])
    np.testing.assert_array_equal(m.responsibilities([[1e30], [1e155]]), [[0, 1], [0, 1]])


@settings(deadline=None, max_examples=60)
@given(st.integers(0, 2**32 - 1), st.integers(1, 4), st.integers(2, 4), st.floats(0, 300))
def test_far_away_shares_sum_to_one_and_conditional_means_are_numbers(seed, k, d, exponent):
    rng = np.random.default_rng(seed)
    shape = rng.normal(size=(k, d, d))
    m = Mixture(rng.random(k) + 0.1, rng.normal(size=(k, d)), shape @ np.swapaxes(shape, 1, 2) + np.eye(d))
    x = rng.normal(size=(3, d)) * 10**exponent
    np.testing.assert_allclose(m.responsibilities(x).sum(axis=1), 1, rtol=1e-12)
    assert np.isfinite(m.conditional_mean([0], x[:, :1])).all()
    assert (m.log_density(x) <= 10).all()


@pytest.mark.parametrize("independent", [False, True])
@pytest.mark.parametrize("x", [1e99, 1e101, 1e155, 1e300])
def test_students_far_away_have_the_shares_of_their_tails(x, independent):
    """Oracle: the density falls as |x|^-(df + 1), and the heaviest tail takes all."""
    spread = SPREAD * np.eye(2) if independent else SPREAD
    m = StudentMixture(STUDENTS.weights, STUDENTS.means, spread, STUDENTS.degrees, independent)
    line = m.means[0, 1] + spread[0, 1, 0] / spread[0, 0, 0] * (x - m.means[0, 0])
    np.testing.assert_allclose(m.conditional_mean([0], [[x]])[0, 0], line, rtol=1e-12)
    slope = m.log_density([[10 * x, 0.0]]) - m.log_density([[x, 0.0]]) if x < 1e300 else None
    if slope is not None:
        degrees = 3 + (1 if independent else 2)
        np.testing.assert_allclose(slope, -degrees * np.log(10), rtol=1e-9)


@pytest.mark.parametrize("m", [GAUSSIANS, STUDENTS], ids=["gaussian", "student"])
def test_there_is_no_density_at_infinity(m, monkeypatch):
    import gmmbench.mixture.distributions.gaussian as module

    for large in (module.LARGE, 0):  # as it is, and asking the engine
        monkeypatch.setattr(module, "LARGE", large)
        found = m.log_density([[0.0, 0.0], [np.inf, 0.0], [-np.inf, np.inf], [1e300, 0.0], [np.nan, 0.0]])
        assert np.isfinite(found[0])
        assert (found[1:3] == -np.inf).all()
        assert found[3] < -1000
        assert np.isnan(found[4])
        if m is GAUSSIANS:
            means = m.conditional_mean([0], [[0.5], [1e155]])
            np.testing.assert_allclose(
                means[:, 0], [m.condition([0], [x]).mean()[0] for x in (0.5, 1e155)], rtol=1e-5
            )


@settings(deadline=None, max_examples=40)
@given(st.integers(0, 2**32 - 1), st.integers(1, 5), st.integers(2, 4))
def test_many_conditionals_at_once_are_those_one_by_one(seed, k, d):
    rng = np.random.default_rng(seed)
    shape = rng.normal(size=(k, d, d))
    m = Mixture(
        rng.random(k) + 0.1, rng.normal(size=(k, d)), shape @ np.swapaxes(shape, 1, 2) + 0.1 * np.eye(d)
    )
    known = list(rng.permutation(d)[: rng.integers(1, d)])
    values = rng.normal(0, 2, (6, len(known)))
    many = m.condition(known, values)
    assert len(many) == 6
    assert many.weights.shape == (6, k)
    assert many.means.shape == (6, k, d - len(known))
    assert many.covariances.shape == (k, d - len(known), d - len(known))
    others = rng.normal(size=(6, d - len(known)))
    for i, value in enumerate(values):
        one = m.condition(known, value)
        np.testing.assert_allclose(many.weights[i], one.weights, atol=1e-12)
        np.testing.assert_allclose(many.means[i], one.means, atol=1e-12)
        np.testing.assert_allclose(many.covariances, one.covariances, atol=1e-12)
        np.testing.assert_allclose(many.mean()[i], one.mean(), atol=1e-12)
        np.testing.assert_allclose(many.covariance()[i], one.covariance(), atol=1e-12)
        np.testing.assert_allclose(
            many.log_density(others)[i], one.log_density(others[i : i + 1])[0], atol=1e-9
        )


def test_conditional_weights_are_those_of_the_densities_of_what_is_known():
    values = np.array([[0.5], [2.0]])
    known = [
        multivariate_normal(mean[0], matrix[0, 0]).pdf(values[:, 0])
        for mean, matrix in zip(MEANS, SPREAD, strict=True)
    ]
    expected = np.array([0.3, 0.7]) * np.stack(known, axis=1)
    found = GAUSSIANS.condition([0], values)
    np.testing.assert_allclose(found.weights, expected / expected.sum(axis=1, keepdims=True), rtol=1e-10)


def test_samples_of_many_conditionals_follow_each_of_them():
    many = GAUSSIANS.condition([0], np.repeat([[0.5], [3.0]], 40_000, axis=0))
    drawn = many.sample(np.random.default_rng(0)).reshape(2, 40_000)
    np.testing.assert_allclose(drawn.mean(axis=1), many.mean()[[0, -1], 0], atol=0.03)
    np.testing.assert_allclose(drawn.var(axis=1), many.covariance()[[0, -1], 0, 0], rtol=0.03)


def test_conditionals_refuse_points_that_are_not_one_for_each():
    with pytest.raises(ValueError, match=r"expected points \(2, 1\), one for each mixture, got \(3, 1\)"):
        GAUSSIANS.condition([0], [[0.0], [1.0]]).log_density(np.zeros((3, 1)))


def test_conditioning_on_every_column_leaves_nothing_to_say():
    with pytest.raises(ValueError, match="expected at least one column left unknown"):
        GAUSSIANS.condition([True, True], [[0.0, 0.0]])


@pytest.mark.parametrize(
    ("change", "line"),
    [
        ({"degrees": np.array([3.0, 0.0])}, "expected degrees of freedom"),
        ({"degrees": np.array([3.0])}, "expected degrees of freedom"),
        ({"weights": np.array([-1.0, 2.0])}, "expected weights >= 0"),
        ({"scales": SPREAD, "independent": True}, "expected diagonal scales"),
        ({"means": np.zeros((3, 2))}, r"expected weights \(K,\)"),
    ],
)
def test_students_that_cannot_be_are_refused(change, line):
    given = {
        "weights": STUDENTS.weights,
        "means": STUDENTS.means,
        "scales": SPREAD,
        "degrees": STUDENTS.degrees,
    }
    with pytest.raises(ValueError, match=line):
        StudentMixture(**{**given, **change})
