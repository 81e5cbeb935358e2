"""Pictures, by what they must mean."""

import tracemalloc

import numpy as np
import pytest
from scipy.stats import chisquare, spearmanr
from studies import SIDE, Ramp, darkness, draw, renderer, study

from gmmbench import Density, Image, Refused, Split, Study, mixture_fitted
from gmmbench.mixture import Mixture
from gmmbench.renders._dots import dots


def corner():
    """All its mass in the top left, at x = 0.25 and y = 0.15."""
    m = Mixture([1.0], [[0.25, 0.15]], [np.diag([0.004, 0.002])])
    return mixture_fitted(m, ("x", "y"), n_parameters=5, iterations=1, converged=True)


def two_blobs():
    m = Mixture([0.7, 0.3], [[0.3, 0.3], [0.7, 0.6]], [np.diag([0.02, 0.01]), np.diag([0.01, 0.03])])
    return mixture_fitted(m, ("x", "y"), n_parameters=11, iterations=1, converged=True)


def test_denser_is_darker_by_every_mapping():
    what = two_blobs()
    density = what.log_density(study(what).image.lattice.centres())
    for mapping in ("linear", "piecewise", "gamma", "log", "quantile"):
        dark = darkness(draw("grid", study(what), mapping=mapping, scale="peak", peak=100.0)).ravel()
        assert spearmanr(dark, density).statistic > 0.8, mapping
        order = np.argsort(density)
        assert (np.diff(dark[order]) >= -1e-9).all(), mapping
        assert dark.max() == pytest.approx(1)


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"mapping": "linear"}, [0, 0.1, 0.5, 1]),
        ({"mapping": "gamma", "gamma": 2.0}, [0, 0.01, 0.25, 1]),
        ({"mapping": "log", "decades": 2.0}, [0, 0.5, 1 + np.log10(0.5) / 2, 1]),
        ({"mapping": "piecewise", "knots": [[0, 0.2], [0.1, 0.6], [1, 1]]}, [0.2, 0.6, 0.6 + 0.4 * 4 / 9, 1]),
        ({"mapping": "quantile"}, [0, 0.1 / 1.6, 0.6 / 1.6, 1]),
    ],
)
def test_a_mapping_is_what_its_formula_says(options, expected):
    scaled = np.array([[0, 0.1], [0.5, 1.0]])
    np.testing.assert_allclose(renderer("grid", **options).tone_curve()(scaled).ravel(), expected, atol=1e-12)


def test_linear_darkness_is_the_density_over_its_maximum():
    what = two_blobs()
    density = np.exp(what.log_density(study(what).image.lattice.centres())).reshape(SIDE, SIDE)
    dark = darkness(draw("grid", study(what), scale="peak", peak=100.0))
    np.testing.assert_allclose(dark, density / density.max(), atol=0.5 / 255 + 1e-9)


@pytest.mark.parametrize("name", ["grid", "sample", "contour"])
def test_no_axis_is_flipped(name):
    options = {"sizes": [3000]} if name == "sample" else {}
    dark = darkness(draw(name, study(corner()), **options))
    if name == "contour":
        dark = dark[:, : int(dark.shape[1] * 0.8)]  # without the colour bar
    marks = np.argwhere(dark > 0.2) / dark.shape
    y, x = marks.mean(axis=0)
    assert x == pytest.approx(0.25, abs=0.06)
    assert y == pytest.approx(0.15, abs=0.06)


def test_a_grid_has_the_size_that_was_asked_for():
    assert draw("grid", study(two_blobs(), height=30, width=60), size=200).pixels.shape == (100, 200, 3)
    assert draw("grid", study(two_blobs(), height=30, width=60)).pixels.shape == (30, 60, 3)


def test_a_larger_grid_is_the_same_picture():
    small = darkness(draw("grid", study(corner()), scale="peak", peak=100.0))
    large = darkness(draw("grid", study(corner()), scale="peak", peak=100.0, size=4 * SIDE))
    np.testing.assert_allclose(large.reshape(SIDE, 4, SIDE, 4).mean(axis=(1, 3)), small, atol=0.05)


def test_expected_colours_are_exact_to_a_level():
    pixels = draw("grid", study(Ramp(True), "colour")).pixels
    centre = (np.arange(SIDE) + 0.5) / SIDE
    np.testing.assert_array_equal(pixels[0, :, 0], np.rint(256 * centre - 0.5))
    np.testing.assert_array_equal(pixels[:, 0, 1], np.rint(256 * centre - 0.5))
    assert (pixels[..., 2] == np.rint(127.5)).all()


def test_a_classifier_is_drawn_by_its_probability():
    dark = darkness(draw("grid", study(Ramp(False))))
    np.testing.assert_allclose(dark[3], (np.arange(SIDE) + 0.5) / SIDE, atol=1 / 255)
    assert "P(ink)" in draw("contour", study(Ramp(False))).caption


def test_samples_follow_the_density():
    what = two_blobs()
    options = {"sizes": [60_000], "point_size": 0.01, "alpha": 0.004, "size": SIDE * 3}
    picture = draw("sample", study(what), **options)
    tiles = darkness(picture).reshape(12, -1, 12, SIDE * 3 // 12).sum(axis=(1, 3))
    lattice = study(what).image.lattice.resized(480)
    mass = np.exp(what.log_density(lattice.centres())).reshape(480, 480) * lattice.cell**2
    mass = mass.reshape(12, 40, 12, 40).sum(axis=(1, 3))
    np.testing.assert_allclose(tiles / tiles.sum(), mass / mass.sum(), atol=0.01)
    draws = what.sample(60_000, np.random.default_rng(0))
    seen = np.histogram2d(draws[:, 1], draws[:, 0], bins=12, range=[[0, 1], [0, 1]])[0]
    kept = mass * len(draws) > 20
    assert chisquare(seen[kept], mass[kept] / mass[kept].sum() * seen[kept].sum()).pvalue > 1e-3


def test_larger_panels_hold_the_draws_of_the_smaller():
    one = draw("sample", study(two_blobs()), sizes=[300], alpha=1.0).pixels
    more = draw("sample", study(two_blobs()), sizes=[300], alpha=1.0, seed=0).pixels
    np.testing.assert_array_equal(one, more)
    both = draw("sample", study(two_blobs()), sizes=[300, 3000], alpha=1.0, size=SIDE)
    gap = 8
    panels = both.pixels[gap : gap + SIDE, gap : gap + SIDE], both.pixels[gap : gap + SIDE, 2 * gap + SIDE :]
    assert (panels[1][:, :SIDE] <= panels[0].astype(int) + 1).all(), "ink is only added"


def test_draws_outside_the_image_are_counted_not_drawn():
    m = Mixture([0.5, 0.5], [[0.5, 0.5], [5, 5]], [np.eye(2) * 1e-3] * 2)
    what = mixture_fitted(m, ("x", "y"), n_parameters=1, iterations=1, converged=True)
    picture = draw("sample", study(what), sizes=[100, 1000])
    inside = (what.sample(1000, np.random.default_rng(0)) < 1).all(axis=1).sum()
    few, all_of_them = picture.figures["outside"]
    assert all_of_them == 1000 - inside
    assert 0 < few < 100


def test_the_first_draws_are_a_fair_sample_of_a_sampler_that_sorts_them():
    class Sorted(type(two_blobs())):
        def sample(self, n, rng):
            draws = super().sample(n, rng)
            return draws[np.argsort(draws[:, 0])]

    made = two_blobs()
    what = Sorted(made.mixture, made.columns, 11, 1, True)
    dark = darkness(
        draw("sample", study(what), sizes=[200, 20_000], columns=1, size=SIDE * 4, point_size=0.5)
    )
    first = dark[8 : SIDE * 4, 8 : 8 + SIDE * 4]
    assert first[:, SIDE * 2 :].sum() / first.sum() == pytest.approx(0.3, abs=0.1)


def test_colour_samples_bring_their_colours_clipped():
    mean = [[0.5, 0.5, 2.0, -1.0, 128.5 / 256]]
    m = Mixture([1.0], mean, [np.diag([0.02, 0.02, 1e-9, 1e-9, 1e-9])])
    what = mixture_fitted(m, ("x", "y", "r", "g", "b"), n_parameters=1, iterations=1, converged=True)
    picture = draw("sample", study(what, "colour"), sizes=[20_000], alpha=1.0, point_size=3.0, size=None)
    np.testing.assert_allclose(picture.pixels[SIDE // 2, SIDE // 2], [255, 0, 128], atol=1)
    assert picture.figures["colour_clipped"] == [20_000 - picture.figures["outside"][0]]


@pytest.mark.parametrize(("alpha", "block"), [(0.6, 1 << 21), (0.6, 100), (1.0, 1 << 21), (1.0, 1)])
@pytest.mark.parametrize("kinds", [1, 60])
def test_dots_are_composited_in_order(alpha, block, kinds):
    rng = np.random.default_rng(3)
    points, colours = rng.random((60, 2)) * 13 - 2, rng.random((kinds, 3)) * 255
    paper = np.array([250.0, 240.0, 230.0])
    slow = np.tile(paper, (9, 9, 1))
    for i, point in enumerate(points):
        for row in range(9):
            for column in range(9):
                near = np.hypot(column + 0.5 - point[0], row + 0.5 - point[1]) <= 1.25
                if near or tuple(np.floor(point)) == (column, row):
                    slow[row, column] = alpha * colours[i % kinds] + (1 - alpha) * slow[row, column]
    below = np.tile(paper, (9, 9, 1))
    np.testing.assert_allclose(dots(points, colours, 2.5, alpha, below, block), slow, atol=1e-9)
    assert (below == paper).all(), "what was there before is not written over"


def test_no_dots_leave_the_paper():
    below = np.full((4, 5, 3), 200.0)
    np.testing.assert_array_equal(dots(np.empty((0, 2)), np.zeros((1, 3)), 2.0, 0.5, below), below)


def test_many_large_dots_need_little_memory():
    rng = np.random.default_rng(0)
    points, colours = rng.random((2000, 2)) * 100, rng.random((2000, 3)) * 255
    tracemalloc.start()
    dots(points, colours, 75.0, 0.5, np.full((100, 100, 3), 255.0))
    assert tracemalloc.get_traced_memory()[1] < 150e6  # its 9 million covered cells in one piece take 260e6
    tracemalloc.stop()


def test_dots_left_to_themselves_cover_the_image_as_much_at_any_count():
    shares = []
    for n in (2000, 8000):
        m = Mixture([1.0], [[0.5, 0.5]], [np.eye(2) * 0.02])
        what = mixture_fitted(m, ("x", "y"), n_parameters=5, iterations=1, converged=True)
        shares.append(darkness(draw("sample", study(what), sizes=[n])).mean())
    assert shares[1] == pytest.approx(shares[0], rel=0.1)


def test_black_is_a_pixel_full_of_ink():
    """The default scale: a pixel in which half a pixel's ink is expected is half dark."""
    what = study(two_blobs())
    expected = np.exp(what.log_ink(what.image.lattice.centres())).reshape(SIDE, SIDE)
    np.testing.assert_allclose(darkness(draw("grid", what)), np.minimum(expected, 1), atol=0.5 / 255 + 1e-9)


@pytest.mark.parametrize("scale", ["ink", "peak"])
def test_a_thin_line_stays_thin(scale):
    """2 % of ink: scaled by a percentile of the positions, its faint surroundings would be black."""
    values = np.zeros((100, 100))
    values[49:51, 10:90] = 1
    m = Mixture([1.0], [[0.5, 0.5]], [np.diag([0.05, 1e-4])])
    fitted = mixture_fitted(m, ("x", "y"), n_parameters=5, iterations=1, converged=True)
    image = Image("line", "ink", values, "0" * 64)
    dark = darkness(draw("grid", Study(image, Split.draw(image.lattice, 0, 0.2), fitted), scale=scale))
    assert 0.005 < (dark > 0.3).mean() < 0.05
    assert (dark > 0.95).mean() < 0.01


def test_the_peak_is_a_percentile_of_the_ink():
    what = study(corner())
    ink = np.sort(np.exp(what.log_ink(what.image.lattice.centres())))
    top = draw("grid", what, scale="peak", peak=80.0).figures["black_at_ink_per_pixel"]
    # mirrored pixels hold the same ink up to rounding, and one at the peak holds 3 %: the share jumps
    below, up_to = ink[ink < top * (1 - 1e-9)].sum(), ink[ink <= top * (1 + 1e-9)].sum()
    assert below / ink.sum() < 0.8 <= up_to / ink.sum()


def test_contours_are_at_log_densities():
    what = study(corner())
    figures = draw("contour", what, levels=10, depth=5.0).figures
    lattice = what.image.lattice
    log_p = what.fitted.log_density(lattice.resized(500).centres()) + 2 * np.log(lattice.cell)
    assert figures["maximum"] == pytest.approx(log_p.max())
    assert np.diff(figures["levels"]) == pytest.approx(0.5)
    # Bands reach up to the maximum, and lines below it: a line at the maximum would be a point.
    assert len(figures["levels"]) == 11
    assert log_p.max() <= figures["levels"][-1] < log_p.max() + 0.5
    lines = draw("contour", what, levels=10, depth=5.0, filled=False).figures["levels"]
    assert lines == figures["levels"][:-1]


@pytest.mark.parametrize("filled", [True, False])
def test_a_contour_runs_where_the_density_has_its_level(filled):
    """A ring of one level around a round blob has the radius that the formula gives."""
    variance = 0.01
    m = Mixture([1.0], [[0.5, 0.5]], [np.eye(2) * variance])
    what = study(mixture_fitted(m, ("x", "y"), n_parameters=5, iterations=1, converged=True))
    options = {"filled": filled, "levels": 2, "depth": 3.0, "colours": "viridis", "size": 800}
    picture = draw("contour", what, **options)
    radius = np.sqrt(2 * variance * (picture.figures["maximum"] - picture.figures["levels"][0]))
    plot = darkness(picture)[12:812, 12:812][4:-4, 4:-4]
    marks = np.argwhere(plot > 0.1)
    assert np.ptp(marks, axis=0) / 800 == pytest.approx(2 * radius, abs=0.006)
    assert marks.mean(axis=0) == pytest.approx(396, abs=2)


@pytest.mark.parametrize("filled", [True, False])
def test_a_flat_density_has_no_contours_and_no_warning(filled):
    class Flat(Ramp):
        def predict(self, coordinates):
            return np.full(len(coordinates), 0.5)

    assert draw("contour", study(Flat(False)), filled=filled).figures["maximum"] == pytest.approx(np.log(0.5))


@pytest.mark.parametrize("name", ["grid", "sample", "contour"])
def test_the_same_stream_draws_the_same_bytes(name):
    options = {"sizes": [500, 2000]} if name == "sample" else {}
    one, two = (draw(name, study(two_blobs()), seed=5, **options) for _ in range(2))
    np.testing.assert_array_equal(one.pixels, two.pixels)
    assert one.pixels.dtype == np.uint8
    assert one.caption == two.caption
    assert one.caption.endswith(".")


@pytest.mark.parametrize(
    ("name", "options", "words"),
    [
        ("grid", {"ink": "black"}, "ink: expected a colour"),
        ("grid", {"knots": [[0, 0], [0, 1]]}, "knots: expected two or more pairs"),
        ("grid", {"knots": [[0, 0, 1]]}, "knots: expected two or more pairs"),
        ("grid", {"knots": [[0.5, 0.5]]}, "knots: expected two or more pairs"),
        ("grid", {"knots": [[0, 1], [1, 0]]}, "knots: expected two or more pairs"),
        ("grid", {"knots": [[0, 0], [1, 1.5]]}, "knots: expected a list"),
        ("grid", {"scale": "maximum"}, "scale: expected one of"),
        ("grid", {"mapping": "cubic"}, "mapping: expected one of"),
        ("sample", {"sizes": []}, "sizes: expected a list"),
        ("sample", {"alpha": 0.0}, "alpha: expected a number > 0"),
        ("contour", {"colours": "jet"}, "colours: expected one of"),
    ],
)
def test_bad_knobs_are_refused(name, options, words):
    with pytest.raises(Refused, match=words):
        renderer(name, **options)


def test_what_cannot_be_drawn_is_said():
    assert renderer("sample").cannot(study(Ramp(False))) == (
        "sample needs samples, which this model does not offer"
    )
    assert "draws the view ink" in renderer("contour").cannot(study(Ramp(True), "colour"))
    for name in ("grid", "contour"):
        assert renderer(name).cannot(study(Ramp(False))) is None
    assert isinstance(two_blobs(), Density)
    assert all(renderer(name).cannot(study(two_blobs())) is None for name in ("grid", "sample", "contour"))
