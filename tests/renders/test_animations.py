"""Pictures that move: their frames, what they mean, and the files they become."""

import io
import json

import numpy as np
import pytest
from PIL import Image as Pillow
from scipy.stats import chisquare
from studies import blob, colour_mixture, darkness, draw, fitted, grey_mixture, study

import gmmbench
from gmmbench import Picture, Refused
from gmmbench.mixture import Mixture
from gmmbench.renders._layout import with_text_below
from gmmbench.renders._theme import theme
from gmmbench.reporting.animation import animation
from gmmbench.running.history import LIMIT, History

RED = np.full((8, 9, 3), (200, 30, 20), np.uint8)


def moving(count=5, shape=(30, 40, 3)):
    frames = []
    for index in range(count):
        frame = np.full(shape, 255, np.uint8)
        frame[5:15, 5 * index : 5 * index + 8] = (200, 30, 20)
        frames.append(frame)
    seconds = (*([0.1] * (count - 1)), 1.0)
    return Picture(frames[-1], "It moves.", {}, tuple(frames), seconds)


@pytest.mark.parametrize("height", [40, 400])
def test_the_words_below_a_frame_do_not_change_its_size(height):
    """On a tall picture long words are written smaller; the frames of an animation are of one size."""
    picture = np.zeros((height, 120, 3), np.uint8)
    sizes = {
        with_text_below(picture, words, theme(False)).shape for words in ("1 sample", "a component " * 12)
    }
    assert len(sizes) == 1


@pytest.mark.parametrize("kind", ["gif", "webp"])
def test_an_animation_opens_with_its_frames_their_size_and_their_time(kind):
    picture = moving()
    file = Pillow.open(io.BytesIO(animation(picture, kind, {"Software": "gmmbench"})))
    assert file.n_frames == 5
    assert file.info["loop"] == 0
    for index, frame in enumerate(picture.frames):
        file.seek(index)
        file.load()
        assert file.size == (40, 30)
        assert round(file.info["duration"]) == (1000 if index == 4 else 100)
        shown = np.asarray(file.convert("RGB")).astype(int)
        assert np.abs(shown - frame).mean() < 6


def test_the_paper_of_a_gif_stays_as_white_as_it_was():
    """A palette holds averages: with shades close to white about, white paper was 252 of 255."""
    rng = np.random.default_rng(0)
    frames = [np.full((200, 200, 3), 255, np.uint8) for _ in range(2)]
    for frame in frames:
        frame[:60] = rng.integers(0, 256, (60, 200, 3))
        frame[60:120] = rng.integers(235, 256, (60, 200, 1))
    gif = Pillow.open(io.BytesIO(animation(Picture(frames[0], "", {}, tuple(frames), (0.1, 0.1)), "gif", {})))
    for index in range(2):
        gif.seek(index)
        assert (np.asarray(gif.convert("RGB"))[120:] == 255).all()


def test_the_files_tell_what_made_them():
    about = {"Software": "gmmbench 1", "Description": "It moves."}
    gif = Pillow.open(io.BytesIO(animation(moving(), "gif", about)))
    assert json.loads(gif.info["comment"]) == about
    webp = Pillow.open(io.BytesIO(animation(moving(), "webp", about)))
    assert json.loads(webp.getexif()[0x010E]) == about


def test_a_run_writes_the_still_and_both_animations(tmp_path):
    words = ("image.max_side=40", "model.components=3", "render=[grid,sampling]")
    small = ("render.sampling.size=64", "render.sampling.slow=1", "render.sampling.fast=3")
    done = gmmbench.execute(gmmbench.compose(*words, *small))
    report = gmmbench.save(done, tmp_path / "out")
    told = {picture.option: picture for picture in report.pictures}
    assert told["grid"].animations == ()
    assert told["sampling"].animations == ("sampling.gif", "sampling.webp")
    for name in (told["sampling"].file, *told["sampling"].animations):
        with Pillow.open(tmp_path / "out" / name) as file:
            assert file.size == done.pictures["sampling"].pixels.shape[1::-1]
            assert getattr(file, "n_frames", 1) == (1 if name.endswith("png") else 5)
    assert "(sampling.gif)" in (tmp_path / "out" / "report.md").read_text()


@pytest.mark.parametrize(
    ("frames", "seconds", "words"),
    [
        ((RED,), (), "expected seconds > 0 for each of 1 frames"),
        ((RED,), (0.0,), "expected seconds > 0"),
        ((RED, RED[:-1]), (0.1, 0.1), "frames of one size"),
        ((RED.astype(float),), (0.1,), r"expected frames \(h, w, 3\) of uint8, got float64"),
        ((), (0.1,), "expected seconds > 0 for each of 0 frames"),
    ],
)
def test_a_picture_with_odd_frames_is_refused(frames, seconds, words):
    with pytest.raises(Refused, match=words):
        Picture(RED, "Red.", {}, frames, seconds)


@pytest.mark.parametrize("iterations", [1, 7, 39, 40, 100, 5000])
def test_a_history_keeps_the_first_the_last_and_geometrically_between(iterations):
    history = History()
    for iteration in range(1, iterations + 1):
        history.hear(iteration, -1.0 / iteration, lambda iteration=iteration: iteration)
    kept = history.until("fitted")
    assert kept[-1] == (iterations, -1.0 / iterations, "fitted")
    assert len(kept) <= LIMIT
    numbers = [number for number, _, _ in kept]
    assert numbers[0] == 1
    assert numbers == sorted(set(numbers))
    assert all(number == snapshot for number, _, snapshot in kept[:-1])
    if iterations <= 10:
        assert numbers == list(range(1, iterations + 1))
    if iterations >= 100:
        assert len(kept) >= LIMIT // 2
        ratios = np.array(numbers[-10:-1]) / numbers[-11:-2]
        assert ratios.max() < 1.5
    assert History().until("fitted") == ()


@pytest.mark.parametrize(("image", "reach"), [("dog", 0.5), ("china", 0.8)])
def test_evolution_goes_towards_the_picture(image, reach):
    words = ("image.max_side=80", "model.components=25", "model.init=random", "model.iterations=12")
    done = gmmbench.execute(
        gmmbench.compose(f"image={image}", *words, "render=evolution", "render.evolution.size=80")
    )
    picture, truth = done.pictures["evolution"], done.study.image.pixels()
    height, width = truth.shape[:2]

    def alike(frame):
        return np.corrcoef(frame[:height, :width].ravel(), truth.ravel())[0, 1]

    first, last = alike(picture.frames[0]), alike(picture.frames[-1])
    assert last > first + 0.01
    assert last > reach
    reached = picture.figures["log_likelihood"]
    assert reached[-1] > reached[0] + 0.05
    assert sum(b > a - 1e-3 for a, b in zip(reached, reached[1:], strict=False)) >= len(reached) - 3
    np.testing.assert_array_equal(picture.pixels, picture.frames[-1])
    assert picture.figures["iterations"][0] == 1
    assert len({frame.shape for frame in picture.frames}) == 1


def test_the_log_likelihood_on_a_frame_is_the_held_out_one_of_that_fit():
    done = gmmbench.execute(
        gmmbench.compose(
            "image.max_side=60", "model.components=4", "render=evolution", "render.evolution.size=60"
        )
    )
    reached = done.pictures["evolution"].figures["log_likelihood"][-1]
    image, test = done.study.image, done.study.split.codes == 2
    inked = test & (image.values > 0)
    where = image.lattice.coordinates(np.flatnonzero(inked))
    slow = done.study.fitted.log_density(where).mean() + 2 * np.log(image.lattice.cell)
    assert reached == pytest.approx(slow, abs=1e-9)


def test_each_slow_draw_is_first_chosen_then_drawn():
    what = blob((0.5, 0.5), (0.02, 0.02))
    picture = draw("sampling", what, slow=2, fast=3, samples=1000, size=120)
    assert len(picture.frames) == 2 * 2 + 3
    assert picture.seconds[0] > 3 * picture.seconds[-2]

    def blue(frame):
        return ((frame[..., 2].astype(int) - frame[..., 0]) > 120).sum()

    assert blue(picture.frames[0]) == 0
    assert blue(picture.frames[1]) > 5
    dark = [(frame[:120].max(axis=2) < 120).sum() for frame in picture.frames]
    assert dark[0] == 0
    assert dark[-1] > 200 > 20 > dark[3], "draws stay"


@pytest.mark.parametrize("view", ["ink", "colour", "levels"])
def test_what_is_sampled_is_the_mixture(view):
    """Components by their weights, draws by their Gaussians: the sampler is the renderer's own."""
    mixture = {
        "ink": Mixture([0.2, 0.8], [[0.25, 0.5], [0.75, 0.5]], [np.eye(2) * 1e-3] * 2),
        "colour": colour_mixture(3),
        "levels": grey_mixture(),
    }[view]
    what = study(fitted(mixture, view), view)
    figures = draw("sampling", what, slow=0, fast=2, samples=5000, size=96).figures
    assert figures["most_chosen"] == mixture.weights.argmax()
    if view == "ink":
        frame = draw("sampling", what, slow=0, fast=2, samples=4000, size=200).frames[-1][:200]
        left, right = (darkness(part) > 0.5 for part in (frame[:, :100], frame[:, 100:]))
        assert 1.2 < right.sum() / left.sum() < 5, "four times as many dots, which overlap more"


def test_the_histogram_of_many_draws_has_the_shape_of_the_density():
    from gmmbench.renders import sampling

    m = grey_mixture()
    what = study(fitted(m, "levels"), "levels")
    seen = {}
    true = sampling._histogram_frames

    def spy(options, study, chosen, values, steps):
        seen.update(values=values)
        return true(options, study, chosen, values, steps)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sampling, "_histogram_frames", spy)
        draw("sampling", what, slow=0, fast=1, samples=4000, size=96)
    counts, edges = np.histogram(seen["values"][:, 0], 20, (0.1, 0.95))
    fine = np.linspace(edges[0], edges[-1], 2001)
    mass = np.exp(m.log_density(fine[:-1, None] + np.diff(fine)[0] / 2)).reshape(20, 100).sum(axis=1)
    kept = mass / mass.sum() * counts.sum() > 8
    expected = mass[kept] / mass[kept].sum() * counts[kept].sum()
    assert chisquare(counts[kept], expected).pvalue > 1e-3


def test_a_sweep_moves_its_line_to_the_right():
    picture = draw("slices", blob(), frames=5, size=400)
    assert len(picture.frames) == 5

    def line(frame):
        red = (frame[..., 0].astype(int) - frame[..., 2] > 120) & (frame[..., 1] < 90)
        return red[:, :240].sum(axis=0).argmax()

    places = [line(frame) for frame in picture.frames]
    assert places == sorted(set(places))
