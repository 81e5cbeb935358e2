"""The pictures of the post, by what they must mean."""

import dataclasses
import warnings

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter
from scipy.stats import norm
from studies import SIDE, Ramp, blob, colour_mixture, darkness, draw, fitted, grey_mixture, renderer, study

from gmmbench import Picture
from gmmbench.mixture import Mixture
from gmmbench.renders import _layout
from gmmbench.renders._shapes import ellipses
from gmmbench.renders.residual import log_scores
from gmmbench.renders.slices import FINE, _conditionals, _slice_text

CENTRE = (0.25, 0.15)
FLIPPED = [
    ("points", {"size": 96}, 96),
    ("components", {"size": 96}, 96),
    ("residual", {"size": 96}, 96),
    ("sample", {"sizes": [2000], "size": 96}, 96),
    ("sampling", {"size": 96, "slow": 0, "fast": 2, "samples": 2000}, 96),
    ("grid", {"size": 96}, 96),
]


@pytest.mark.parametrize(
    ("name", "options", "side"), FLIPPED, ids=lambda value: value if isinstance(value, str) else ""
)
def test_no_axis_is_flipped(name, options, side):
    picture = draw(name, blob(CENTRE), **options).pixels[:side, :side].astype(float)
    marks = np.abs(picture - np.median(picture, axis=(0, 1))).sum(axis=2)
    marks = marks * (marks > 0.3 * marks.max())
    rows, columns = np.mgrid[:side, :side] + 0.5
    assert (marks * columns).sum() / marks.sum() / side == pytest.approx(CENTRE[0], abs=0.06)
    assert (marks * rows).sum() / marks.sum() / side == pytest.approx(CENTRE[1], abs=0.06)


def test_the_lines_of_slices_stand_at_their_x_and_the_curves_peak_at_their_y():
    picture = draw("slices", blob(CENTRE), at=[0.25], frames=0, size=900).pixels.astype(int)
    blue = (picture[..., 2] - picture[..., 0] > 150) & (picture[..., 1] > 90)  # the first mark, in full
    left = np.flatnonzero(blue.sum(axis=0) > 0.8 * blue.sum(axis=0).max())
    panel = picture.shape[0] - 66
    assert (left.mean() - 16) / panel == pytest.approx((12 + 0.5) / SIDE, abs=0.02)
    right = blue[:, int(left.max()) + panel :]
    rows, columns = np.nonzero(right)
    assert (rows[columns.argmax()] - 16) / panel == pytest.approx(CENTRE[1], abs=0.03)


def test_a_slice_tells_its_weights_where_they_are_few():
    m = Mixture([0.4, 0.6], [[0.3, 0.3], [0.6, 0.7]], [np.diag([0.02, 0.01]), np.diag([0.01, 0.02])])
    x = 20.5 / SIDE
    parts = [0.4 * norm.pdf(x, 0.3, 0.02**0.5), 0.6 * norm.pdf(x, 0.6, 0.1)]
    told = ", ".join(f"{part / sum(parts):.2f}" for part in parts)
    assert _slice_text(study(fitted(m, "ink")), 20) == f"x = 20, w = ({told})"
    many = Mixture(np.full(9, 1 / 9), np.tile([[0.5, 0.5]], (9, 1)), np.tile(np.eye(2), (9, 1, 1)))
    assert _slice_text(study(fitted(many, "ink")), 20) == "x = 20"


def test_a_slice_is_the_conditional_of_the_mixture():
    m = Mixture(
        [0.4, 0.6], [[0.3, 0.3], [0.6, 0.7]], [[[0.02, 0.008], [0.008, 0.01]], [[0.01, 0], [0, 0.02]]]
    )
    what = study(fitted(m, "ink"))
    curve = _conditionals(what, np.array([20]))[20]
    ys = (np.arange(SIDE * FINE) + 0.5) / FINE / SIDE
    slow = np.exp(m.condition((0,), [20.5 / SIDE]).log_density(ys[:, None])) / SIDE
    np.testing.assert_allclose(curve, slow, rtol=1e-2, atol=1e-6)


def test_points_are_the_training_pixels_and_no_others():
    values = np.zeros((SIDE, SIDE))
    values[10:20, 5:40] = 1
    what = study(fitted(grey_mixture(), "levels"), values=values)
    dark = (
        darkness(draw("points", what, size=SIDE * 8, held_out=0.0))
        .reshape(SIDE, 8, SIDE, 8)
        .mean(axis=(1, 3))
    )
    expected = (values == 1) & (what.split.codes == 0)
    np.testing.assert_array_equal(dark > 0.3, expected)
    lightly = darkness(draw("points", what, size=SIDE * 8)).reshape(SIDE, 8, SIDE, 8).mean(axis=(1, 3))
    assert ((lightly > 0.02) == (values == 1)).all()
    assert lightly[(values == 1) & ~expected].max() < 0.4 * lightly[expected].min()


@pytest.mark.parametrize("size", [61, 75, 100])
def test_regular_points_do_not_beat_against_the_pixels_of_the_picture(size):
    what = study(fitted(Mixture([1.0], [[0.5, 0.5]], [np.eye(2)]), "ink"), values=np.ones((SIDE, SIDE)))
    picture = darkness(draw("points", what, size=size, held_out=1.0, point_size=1.0))
    from_afar = gaussian_filter(picture, 1.5)[6:-6, 6:-6]
    assert from_afar.mean() > 0.7
    assert from_afar.std() < 0.01


def test_points_over_contours_lie_where_the_ink_is():
    what = blob(CENTRE)
    plain, dotted = (draw("contour", what, points=n, size=300, filled=False).pixels for n in (0, 300))
    rows, columns = np.nonzero((plain != dotted).any(axis=2))
    assert len(rows) > 100
    edge = 12 * 0.6
    assert (columns.mean() - edge) / 300 == pytest.approx(CENTRE[0], abs=0.03)
    assert (rows.mean() - edge) / 300 == pytest.approx(CENTRE[1], abs=0.03)


def test_points_of_colour_have_their_colours():
    what = study(Ramp(True), "colour", hold_out=0)
    pixels = draw("points", what, size=SIDE * 9, point_size=1.5).pixels
    np.testing.assert_allclose(pixels[4::9, 4::9].astype(int), what.image.values, atol=1)


def test_channels_are_those_of_the_image_and_of_the_fit():
    what = study(Ramp(True), "colour")
    gap = 8
    pixels = draw("channels", what, size=SIDE).pixels
    line = (pixels.shape[0] - gap) // 2 - SIDE
    for column, index in enumerate((None, 0, 1, 2)):
        left = gap + column * (SIDE + gap)
        panel = pixels[gap : gap + SIDE, left : left + SIDE]
        below = pixels[gap + SIDE + line : gap + 2 * SIDE + line, left : left + SIDE]
        if index is None:
            np.testing.assert_array_equal(panel, what.image.values)
            continue
        np.testing.assert_array_equal(panel[..., index], what.image.values[..., index])
        assert (np.delete(panel, index, axis=2) == 0).all()
        ramp = np.rint(256 * (np.arange(SIDE) + 0.5) / SIDE - 0.5)
        if index == 0:
            np.testing.assert_array_equal(below[5, :, 0], ramp)
    grey = draw("channels", what, size=SIDE, tint=False, fit=False).pixels
    assert (np.ptp(grey[gap : gap + SIDE, 2 * gap + SIDE : 2 * gap + 2 * SIDE], axis=2) == 0).all()


def test_the_residual_is_zero_for_the_uniform_rate_and_the_formula_elsewhere():
    values = (np.random.default_rng(0).random((SIDE, SIDE)) < 0.3).astype(float)

    @dataclasses.dataclass(frozen=True, eq=False)
    class Flat(Ramp):
        def predict(self, coordinates):
            return np.full(len(coordinates), self.rate)

    what = study(Flat(False), values=values)
    rate = values[what.split.codes == 0].mean()
    Flat.rate = rate
    np.testing.assert_allclose(log_scores(what), 0, atol=1e-12)
    Flat.rate = 2 * rate
    rough = np.where(values > 0, np.log(2) - rate, -rate)
    np.testing.assert_allclose(log_scores(what), rough, atol=2e-3)  # but for the floor
    figures = draw("residual", what).figures
    assert figures["mean"] == pytest.approx(log_scores(what).mean())


def test_a_good_fit_scores_where_the_ink_is():
    what = blob()
    values = log_scores(what)
    assert values[what.image.values > 0.5].mean() > 1
    assert np.corrcoef(values.ravel(), what.image.values.ravel())[0, 1] > 0.8


def test_the_error_of_colour_is_the_distance_in_levels():
    expected = np.rint(256 * study(None).image.lattice.centres() - 0.5).reshape(SIDE, SIDE, 2)
    values = np.concatenate((expected, np.full((SIDE, SIDE, 1), 128)), axis=2)
    values[:, SIDE // 2 :, 1] = np.clip(values[:, SIDE // 2 :, 1] - 30, 0, 255)
    pixels = draw("residual", study(Ramp(True), "colour", values=values), colours="Greys", size=None).pixels
    light = 255 - pixels[:SIDE, :SIDE].mean(axis=2)
    assert light[:, : SIDE // 2].max() < 20
    assert light[10:, SIDE // 2 :].min() > 200


def test_an_ellipse_covers_what_lies_within_its_deviations():
    covariance = np.array([[90.0, 40.0], [40.0, 60.0]])
    painted = ellipses(
        np.zeros((80, 80, 3)), np.array([[30.0, 45.0]]), covariance[None], 2.0, np.full((1, 3), 255.0), 1.0
    )
    y, x = np.mgrid[:80, :80] + 0.5
    apart = np.stack((x - 30, y - 45), axis=-1)
    inside = np.einsum("hwi,ij,hwj->hw", apart, np.linalg.inv(covariance + 0.25 * np.eye(2)), apart) <= 4
    assert (painted[..., 0] > 127).sum() == pytest.approx(inside.sum(), rel=0.01)
    assert ((painted[..., 0] > 127) != inside).mean() < 0.005
    ring = ellipses(
        np.zeros((80, 80, 3)),
        np.array([[30.0, 45.0]]),
        covariance[None],
        2.0,
        np.zeros((1, 3)),
        0.0,
        np.full((1, 3), 255.0),
        2.0,
    )
    assert ring[45, 30, 0] == 0
    circumference = np.pi * 2 * np.sqrt(np.linalg.eigvalsh(4 * covariance).mean())
    assert ring[..., 0].sum() / 255 == pytest.approx(2 * circumference, rel=0.1)


def test_an_ellipse_outside_is_not_painted():
    ground = np.full((20, 30, 3), 7.0)
    away = ellipses(ground, np.array([[90.0, -60.0]]), np.eye(2)[None], 2.0, np.zeros((1, 3)), 1.0)
    np.testing.assert_array_equal(away, ground)


def test_heavier_components_are_darker_and_coloured_ones_have_their_colour():
    m = Mixture([0.2, 0.8], [[0.25, 0.5], [0.75, 0.5]], [np.eye(2) * 0.004] * 2)
    dark = darkness(draw("components", study(fitted(m, "ink")), size=96, alpha=1.0))
    assert dark[48, 72] > dark[48, 24] + 0.2
    m = Mixture([1.0], [[0.25, 0.5, 200.5 / 256, 100.5 / 256, 20.5 / 256]], [np.eye(5) * 0.004])
    picture = draw("components", study(fitted(m, "colour"), "colour"), size=96)
    assert picture.pixels[48, 24].tolist() == [200, 100, 20]


def test_the_curve_of_grey_levels_is_the_density():
    m = grey_mixture()
    what = study(fitted(m, "levels"), "levels")
    figures = draw("density1d", what).figures
    at = np.arange(0, 256, 0.25)
    slow = sum(
        w * norm.pdf(at, mu * 256 - 0.5, sd * 256)
        for w, mu, sd in ((0.3, 0.3, 0.002**0.5), (0.7, 0.7, 0.006**0.5))
    )
    assert figures["highest"] == pytest.approx(slow.max(), rel=1e-3)
    assert figures["mass_within"] == pytest.approx(1, abs=1e-3)


def test_other_weights_are_panels_and_must_be_as_many_as_components():
    what = study(fitted(grey_mixture(), "levels"), "levels")
    picture = draw("density1d", what, weights=[[1, 3], [0.9, 0.1]])
    assert picture.figures["weights"] == [[0.25, 0.75], [0.9, 0.1]]
    assert "expected 2 in each row" in renderer("density1d", weights=[[1, 1, 1]]).cannot(what)
    assert "expected 2 in each row" in renderer("density1d", weights=[[0, 0]]).cannot(what)


@pytest.mark.parametrize(
    ("columns", "staggered", "rows"),
    [(2, False, [2, 2, 1]), (2, True, [2, 1, 2]), (3, True, [3, 2]), (1, True, [1] * 5)],
)
def test_panels_stand_in_rows(columns, staggered, rows):
    assert _layout._row_lengths(5, columns, staggered) == rows


def test_staggered_rows_are_moved_by_half_a_panel():
    picture = draw("sample", blob((0.5, 0.5)), sizes=[500, 1000, 2000], layout="staggered", size=SIDE)
    dark = darkness(picture)
    middle = dark[SIDE + 30 : -20].sum(axis=0)
    assert (middle * np.arange(len(middle))).sum() / middle.sum() == pytest.approx(len(middle) / 2, abs=3)


def test_dots_by_density_are_darkest_in_the_middle():
    what = blob((0.5, 0.5), (0.02, 0.02))
    dark = darkness(draw("sample", what, sizes=[4000], colours="magma_r", size=96, point_size=1.0, alpha=1.0))
    y, x = np.mgrid[:96, :96]
    r = np.hypot(x - 48, y - 48) / 96
    assert dark[r < 0.08].mean() > 2 * dark[(r > 0.25) & (r < 0.3) & (dark > 0.05)].mean()


@pytest.mark.parametrize(("low", "high", "step"), [(-9.3, -2.1, 1.0), (0, 0.031, 0.005), (-100, 55, 20)])
def test_a_bar_reads_in_round_numbers(low, high, step):
    ticks = _layout.round_ticks(low, high, 7)
    np.testing.assert_allclose(np.diff(ticks), step)
    assert ticks[0] - step < low <= ticks[0]
    assert ticks[-1] <= high < ticks[-1] + step
    assert len(set(_layout.tick_labels(ticks))) == len(ticks)
    np.testing.assert_allclose([float(word) for word in _layout.tick_labels(ticks)], ticks)


def test_contours_go_no_deeper_than_what_occurs():
    smooth = Mixture([1.0], [[0.5, 0.5]], [np.eye(2) * 0.09])
    what = study(fitted(smooth, "ink"))
    levels = draw("contour", what).figures["levels"]
    lattice = what.image.lattice.resized(500)
    log_p = smooth.log_density(lattice.centres()) + 2 * np.log(what.image.lattice.cell)
    step = levels[1] - levels[0]
    assert log_p.min() - step < levels[0] <= log_p.min()
    assert log_p.max() <= levels[-1] < log_p.max() + step
    assert 8 <= len(levels) <= 22
    sharp = draw("contour", blob()).figures
    assert sharp["maximum"] - sharp["levels"][0] <= 7
    assert sharp["share_below"] > 0.3


def test_the_map_drawn_beside_leaves_the_picture_as_it_is():
    plain = draw("grid", blob(), mapping="log", size=300).pixels
    beside = draw("grid", blob(), mapping="log", size=300, show_map=True).pixels
    top = (beside.shape[0] - 300) // 2
    np.testing.assert_array_equal(beside[top : top + 300, :300], plain)
    assert np.ptp(beside[:, 300:]) > 100


def test_a_dark_ground_changes_ink_and_paper():
    light, dark = (draw("grid", blob(), dark=dark).pixels for dark in (False, True))
    np.testing.assert_array_equal(light, 255 - dark)


def test_a_collage_shows_what_was_drawn_before_it():
    what = blob()
    red = np.zeros((20, 30, 3), np.uint8)
    red[..., 0] = 255
    alone = draw("collage", what, size=400)
    assert alone.figures["pictures"] == ["original", "grid"]
    picture = draw("collage", dataclasses.replace(what, pictures={"red": Picture(red, "Red.")}), size=400)
    assert picture.figures["pictures"] == ["original", "red"]
    assert ((picture.pixels == [255, 0, 0]).all(axis=2)).sum() > 400 * 400 * 0.05
    assert picture.pixels.shape[1] == 400
    levels = study(fitted(grey_mixture(), "levels"), "levels")
    assert draw("collage", levels).figures["pictures"] == ["original"]


def test_a_grid_of_a_good_fit_is_the_picture():
    what = blob()
    assert np.corrcoef(darkness(draw("grid", what)).ravel(), what.image.values.ravel())[0, 1] > 0.95


def test_nothing_warns_on_tiny_images():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        round_one = Mixture([1.0], [[0.5, 0.5]], [np.eye(2) * 0.1])
        mixtures = {"ink": round_one, "colour": colour_mixture(2), "levels": grey_mixture()}
        for view, mixture in mixtures.items():
            values = np.ones((2, 3, 3) if view == "colour" else (2, 3))
            what = study(fitted(mixture, view), view, values=values, hold_out=0)
            for name in (
                "grid",
                "contour",
                "points",
                "channels",
                "residual",
                "slices",
                "components",
                "density1d",
                "collage",
            ):
                made = renderer(name)
                if made.cannot(what) is None:
                    assert made.render(what, np.random.default_rng(0)).pixels.size
