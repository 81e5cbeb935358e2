from pathlib import Path

import gmmbench_kde
import numpy as np
import pytest
from gmmbench_kde import KDE
from gmmbench_kde.bandwidth import leave_one_out
from PIL import Image as Pillow

from gmmbench import Density, Image, Refused, Scene, Split, Watch

BUTTERFLY = Path("gmmbench", "images", "data", "butterfly.png")


def rng():
    return np.random.default_rng(7)


def drawing(height=60, width=90):
    """Strokes, a filled disc, a gap, soft grey at the edges, one isolated dot, and plenty of white."""
    y, x = np.mgrid[:height, :width]
    radius = np.hypot(x - 25, y - 22)
    ink = np.clip(12.5 - radius, 0, 1)
    ink[40, 5:50] = 1
    ink[38, 8:50:3] = 0.25
    ink[5, 60] = 0.5
    return ink


def scene_of(ink, hold_out=0.0, seed=3):
    image = Image("drawing", "ink", ink, "0" * 64)
    return Scene.of(image, Split.draw(image.lattice, seed, hold_out))


def fit(ink, bandwidth=None, hold_out=0.0):
    return KDE(bandwidth=bandwidth).fit(scene_of(ink, hold_out), rng(), Watch())


def brute_force(scene, bandwidth, points):
    where, weights = scene.points()
    variance = (bandwidth**2 + 1 / 12) * scene.lattice.cell**2
    logs = [
        np.logaddexp.reduce(np.log(weights) - ((where - point) ** 2).sum(axis=1) / (2 * variance))
        for point in points
    ]
    return np.array(logs) - np.log(weights.sum() * 2 * np.pi * variance)


def probes(lattice):
    """1,000 points: on the centres, between them, around the image, and very far away."""
    box, random = np.array(lattice.box), rng()
    return np.vstack(
        [
            random.choice(lattice.centres(), 250),
            random.random((350, 2)) * box,
            (random.random((250, 2)) * 3 - 1) * box,
            random.normal(0, 30, size=(150, 2)),
        ]
    )


@pytest.mark.parametrize("hold_out", [0.0, 0.2])
@pytest.mark.parametrize("bandwidth", [0.0, 0.4, 1.0, 3.0, 12.0, 80.0])
def test_it_is_the_exact_sum_of_kernels_everywhere(bandwidth, hold_out):
    scene = scene_of(drawing(), hold_out)
    points = probes(scene.lattice)
    fitted = KDE(bandwidth=bandwidth).fit(scene, rng(), Watch())
    np.testing.assert_allclose(
        fitted.log_density(points), brute_force(scene, bandwidth, points), atol=2e-3, rtol=1e-9
    )


@pytest.mark.parametrize("bandwidth", [0.0, 0.7, 4.0])
def test_the_mass_over_the_plane_is_one(bandwidth):
    fitted = fit(drawing(), bandwidth)
    step = 0.2 * fitted.cell
    reach = 8 * fitted.deviation * fitted.cell
    x, y = (np.arange(-reach, side + reach, step) for side in (1, 60 / 90))
    grid = np.stack(np.meshgrid(x, y), axis=-1).reshape(-1, 2)
    assert np.exp(fitted.log_density(grid)).sum() * step**2 == pytest.approx(1, abs=1e-3)


def test_a_point_has_the_same_density_alone_and_with_others():
    fitted = fit(drawing(), 1.3)
    points = probes(scene_of(drawing()).lattice)
    alone = np.concatenate([fitted.log_density(point[None]) for point in points[::20]])
    np.testing.assert_allclose(fitted.log_density(points)[::20], alone, rtol=1e-9, atol=1e-3)
    assert fitted.log_density(points[:0]).shape == (0,)


def test_samples_follow_the_density():
    from scipy.stats import chi2

    fitted, n, tile, nodes = fit(drawing(), 1.5), 50_000, 5, 4
    draws = fitted.sample(n, rng()) / fitted.cell
    edges = [np.arange(-10, side + 11, tile) for side in (60, 90)]
    seen = np.histogram2d(draws[:, 1], draws[:, 0], bins=edges)[0]
    y, x = (np.arange(e[0], e[-1], 1 / nodes) + 0.5 / nodes for e in edges)
    grid = np.stack(np.meshgrid(x, y), axis=-1).reshape(-1, 2)
    masses = np.exp(fitted.log_density(grid * fitted.cell)) * (fitted.cell / nodes) ** 2
    side = tile * nodes
    expected = n * masses.reshape(len(y) // side, side, len(x) // side, side).sum(axis=(1, 3))
    common = expected >= 20
    statistic = ((seen - expected)[common] ** 2 / expected[common]).sum()
    assert chi2.sf(statistic, common.sum() - 1) > 1e-4


def test_the_mean_is_the_mean_of_the_ink_and_of_the_samples():
    scene = scene_of(drawing(), 0.2)
    fitted = KDE(bandwidth=1.0).fit(scene, rng(), Watch())
    points, weights = scene.points()
    np.testing.assert_allclose(fitted.mean(), np.average(points, axis=0, weights=weights), rtol=1e-12)
    np.testing.assert_allclose(fitted.sample(100_000, rng()).mean(axis=0), fitted.mean(), atol=5e-3)


def test_soft_ink_is_a_weight():
    ink = np.zeros((20, 20))
    ink[5, 5], ink[15, 15] = 1, 0.25
    left, right = fit(ink, 0.5).log_density((np.array([[5, 5], [15, 15]]) + 0.5) / 20)
    assert left - right == pytest.approx(np.log(4))


def test_the_chosen_bandwidth_predicts_held_out_ink_better_than_half_or_double():
    image = Image("drawing", "ink", drawing(200, 300), "0" * 64)
    scene = Scene.of(image, Split.draw(image.lattice, 3, 0.2))
    where, ink = scene.validation()
    chosen = KDE().fit(scene, rng(), Watch())

    def score(bandwidth):
        return ink @ KDE(bandwidth=bandwidth).fit(scene, rng(), Watch()).log_density(where)

    assert score(chosen.bandwidth) > max(score(chosen.bandwidth / 2), score(chosen.bandwidth * 2))


@pytest.mark.parametrize("deviation", [0.3, 0.8, 5.0, 300.0])
def test_leave_one_out_equals_its_definition(deviation):
    ink = drawing()
    rows, columns = np.nonzero(ink)
    weights = ink[rows, columns]
    squared = (rows[:, None] - rows) ** 2 + (columns[:, None] - columns) ** 2
    terms = np.log(weights) - squared / (2 * deviation**2)
    np.fill_diagonal(terms, -np.inf)
    logs = np.logaddexp.reduce(terms, axis=1)
    logs -= np.log((weights.sum() - weights) * 2 * np.pi * deviation**2)
    # The isolated dot is predicted by its nearest pixel alone, which is a lower bound.
    assert leave_one_out(ink, deviation) == pytest.approx(np.average(logs, weights=weights), abs=1e-2)


def test_every_bandwidth_tried_is_watched():
    seen = []
    fitted = KDE().fit(scene_of(drawing()), rng(), Watch(listen=lambda *step: seen.append(step)))
    assert [iteration for iteration, _, _ in seen] == list(range(1, fitted.iterations + 1))
    best = max(seen, key=lambda step: step[1])
    assert best[2]().bandwidth == fitted.bandwidth == fitted.facts()["bandwidth_pixels"]


@pytest.mark.parametrize("shape", [(1, 1), (1, 7), (5, 1), (8, 8)])
def test_one_pixel_of_ink_is_its_own_square(shape):
    ink = np.zeros(shape)
    ink[-1, -1] = 0.5
    fitted = fit(ink)
    assert fitted.bandwidth == 0
    assert np.isfinite(fitted.log_density(probes(scene_of(ink).lattice))).all()
    np.testing.assert_allclose(
        np.cov(fitted.sample(20_000, rng()).T), np.eye(2) / 12 * fitted.cell**2, atol=4e-3
    )


def test_two_pixels_can_be_far_apart():
    ink = np.zeros((40, 40))
    ink[0, 0] = ink[-1, -1] = 1
    assert 10 < fit(ink).bandwidth <= 40


def test_an_empty_image_is_refused():
    with pytest.raises(Refused, match=r"no ink|got none"):
        fit(np.zeros((4, 4)))


@pytest.mark.parametrize("bandwidth", [-1.0, float("nan"), float("inf"), "wide"])
def test_a_bad_bandwidth_is_refused(bandwidth):
    with pytest.raises(Refused, match="bandwidth"):
        KDE(bandwidth=bandwidth)


def test_its_yaml_shows_every_option_with_its_default():
    text = (Path(gmmbench_kde.__file__).parent / "conf" / "model" / "kde.yaml").read_text("utf-8")
    lines = [line.split("  #")[0] for line in text.splitlines()]
    assert lines[0].startswith("#") and "python -m gmmbench model=kde" in lines[0]
    assert lines[1:] == ["name: kde", "bandwidth: null"]


def test_the_hook_offers_the_model():
    assert gmmbench_kde.gmmbench_models() == [KDE]


def test_a_real_drawing():
    path = next((root / BUTTERFLY for root in Path(__file__).parents if (root / BUTTERFLY).exists()), None)
    if path is None:
        pytest.skip("needs a checkout of gmmbench for its butterfly")
    with Pillow.open(path) as picture:
        ink = (np.asarray(picture.convert("L")) < 128).astype(float)
    scene = scene_of(ink, hold_out=0.2)
    fitted = KDE().fit(scene, rng(), Watch())
    assert isinstance(fitted, Density)
    points = probes(scene.lattice)[::5]
    np.testing.assert_allclose(
        fitted.log_density(points), brute_force(scene, fitted.bandwidth, points), atol=2e-3, rtol=1e-9
    )
    masses = np.exp(fitted.log_density(scene.lattice.centres())) * scene.lattice.cell**2
    assert masses.sum() == pytest.approx(1, abs=1e-3)
    held, amount = scene.validation()
    uniform = -np.log(np.prod(scene.lattice.box))
    assert amount @ fitted.log_density(held) / amount.sum() > uniform + 0.5
