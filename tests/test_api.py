"""The nouns: lattice, split, scene, streams."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import gmmbench.api
from gmmbench import Density, Image, Lattice, Law, Predictor, Refused, Scene, Split, Study
from gmmbench.api import TEST, TRAIN, VALIDATION, Fitted, stream

SIDES = st.integers(1, 40)


def ink(height=20, width=30, seed=0):
    values = (np.random.default_rng(seed).random((height, width)) < 0.3).astype(float)
    return Image("test", "ink", values, "0" * 64)


@given(SIDES, SIDES)
def test_pixels_fill_a_box_whose_longer_side_is_one(height, width):
    lattice = Lattice(height, width)
    assert max(lattice.box) == pytest.approx(1)
    centres = lattice.centres()
    assert centres.min() == pytest.approx(lattice.cell / 2)
    np.testing.assert_allclose(centres.max(axis=0) + lattice.cell / 2, lattice.box)


def test_x_runs_right_and_y_runs_down():
    centres = Lattice(2, 4).centres().reshape(2, 4, 2)
    np.testing.assert_allclose(centres[0, :, 0], [0.125, 0.375, 0.625, 0.875])
    np.testing.assert_allclose(centres[:, 0, 1], [0.125, 0.375])


@given(SIDES, SIDES, st.integers(0, 2**31), st.sampled_from([0, 0.1, 0.2, 0.5]))
def test_a_split_is_a_partition_of_the_promised_sizes(height, width, seed, hold_out):
    split = Split.draw(Lattice(height, width), seed, hold_out)
    n = height * width
    assert split.count(TEST) == round(n * hold_out)
    assert split.count(VALIDATION) == min(round(n * 0.05), n - split.count(TEST)) * (hold_out > 0)
    assert split.count(TRAIN) + split.count(VALIDATION) + split.count(TEST) == n


def test_a_lattice_asks_in_chunks_and_keeps_the_order(monkeypatch):
    monkeypatch.setattr(gmmbench.api, "CHUNK", 7)
    lattice, sizes = Lattice(6, 5), []

    def question(coordinates):
        sizes.append(len(coordinates))
        return coordinates.sum(axis=1)

    np.testing.assert_array_equal(lattice.ask(question).ravel(), lattice.centres().sum(axis=1))
    assert sizes == [7, 7, 7, 7, 2]
    assert lattice.ask(lambda at: np.hstack((at, at[:, :1]))).shape == (6, 5, 3)


def test_a_split_says_which_pixels_are_for_training_and_for_testing():
    split = Split.draw(Lattice(9, 8), 0, 0.3)
    np.testing.assert_array_equal(split.trained, split.codes == TRAIN)
    np.testing.assert_array_equal(split.tested, split.codes == TEST)


def test_a_split_depends_on_seed_and_lattice_alone():
    one, two, other = (Split.draw(Lattice(9, 9), seed, 0.2).codes for seed in (1, 1, 2))
    np.testing.assert_array_equal(one, two)
    assert (one != other).any()


def test_streams_of_other_labels_are_other_streams():
    draws = {label: tuple(stream(0, label).random(3)) for label in ("fit", "split", "render:grid")}
    assert len(set(draws.values())) == 3
    assert tuple(stream(0, "fit").random(3)) == draws["fit"]


def test_a_scene_hides_what_is_not_for_training():
    image = ink()
    split = Split.draw(image.lattice, 0, 0.2)
    scene = Scene.of(image, split)
    flipped = Image("test", "ink", np.where(split.codes == TEST, 1 - image.values, image.values), "0" * 64)
    for ours, theirs in zip(scene.points(), Scene.of(flipped, split).points(), strict=True):
        np.testing.assert_array_equal(ours, theirs)
    assert np.isnan(scene.values[split.codes != TRAIN]).all()
    assert np.isnan(scene.held[split.codes != VALIDATION]).all()
    assert len(scene.validation()[0]) == split.count(VALIDATION)


def test_points_of_ink_are_its_pixels_and_their_weights():
    values = np.array([[0.0, 0.5], [1.0, 0.0]])
    image = Image("soft", "ink", values, "0" * 64)
    points, weights = Scene.of(image, Split.draw(image.lattice, 0, 0)).points()
    np.testing.assert_allclose(points, [[0.75, 0.25], [0.25, 0.75]])
    np.testing.assert_allclose(weights, [0.5, 1.0])


def test_points_of_colour_have_five_columns_at_the_centres_of_cells():
    image = Image("dot", "colour", np.array([[[0, 128, 255]]], dtype=np.uint8), "0" * 64)
    scene = Scene.of(image, Split.draw(image.lattice, 0, 0))
    points, _ = scene.points()
    np.testing.assert_allclose(points, [[0.5, 0.5, 0.5 / 256, 128.5 / 256, 255.5 / 256]])
    np.testing.assert_allclose(scene.cells, [1, 1, 1 / 256, 1 / 256, 1 / 256])


class Flat(Density):
    n_parameters, iterations, converged, columns = 0, 0, True, ("x", "y")

    def log_density(self, points):
        return np.zeros(len(points))

    def sample(self, n, rng):
        return rng.random((n, 2))


class Half(Predictor):
    n_parameters, iterations, converged = None, 0, True

    def predict(self, coordinates):
        return np.full(len(coordinates), 0.5)


class Nothing(Fitted):
    n_parameters, iterations, converged = None, 0, True


def test_log_ink_of_a_flat_density_is_the_rate_of_ink():
    image = ink(20, 20)
    split = Split.draw(image.lattice, 0, 0.2)
    rate = image.values[split.codes == TRAIN].mean()
    expected = Study(image, split, Flat()).log_ink(image.lattice.centres())
    np.testing.assert_allclose(expected, np.log(rate))


def test_log_ink_of_a_classifier_is_log_p():
    image = ink()
    study = Study(image, Split.draw(image.lattice, 0, 0.2), Half())
    np.testing.assert_allclose(study.log_ink(np.zeros((3, 2))), np.log(0.5))
    assert study.answers() == ("predict", "log_ink")


def test_a_fit_that_answers_nothing_is_told_so():
    image = ink()
    study = Study(image, Split.draw(image.lattice, 0, 0.2), Nothing())
    assert study.answers() == ()
    with pytest.raises(Refused, match="neither a Density nor a Predictor"):
        study.log_ink(np.zeros((1, 2)))


@pytest.mark.parametrize("block", [2, 4, 7])
def test_blocks_are_held_out_whole_and_a_block_of_one_is_a_pixel(block):
    lattice = Lattice(30, 44)
    split = Split.draw(lattice, 5, 0.2, block=block)
    assert split.block == block
    for y in range(0, 30, block):
        for x in range(0, 44, block):
            assert len(np.unique(split.codes[y : y + block, x : x + block])) == 1
    assert 0.1 < split.count(TEST) / lattice.size < 0.3
    assert (Split.draw(lattice, 5, 0.2, block=1).codes == Split.draw(lattice, 5, 0.2).codes).all()


def test_a_scene_says_where_it_is_blind():
    values = np.arange(20.0).reshape(4, 5) / 20
    split = Split.draw(Lattice(4, 5), 1, 0.3, block=2)
    scene = Scene.of(Image("ramp", "ink", values, "0" * 64), split)
    assert scene.block == 2
    assert len(scene.hidden()) == 20 - split.count(TRAIN)
    seen, _ = scene.pixels()
    assert len(np.unique(np.vstack((seen, scene.hidden())), axis=0)) == 20


def test_a_law_refuses_shapes_that_do_not_agree():
    with pytest.raises(Refused, match="Law: expected"):
        Law(np.ones((2, 3)) / 3, np.zeros((2, 3, 3)), np.zeros((2, 2, 3, 3)))
