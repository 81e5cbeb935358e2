"""Ink in holes is missing, not absent: what that is worth on held-out pixels, and when it is done."""

from dataclasses import replace

import numpy as np
import pytest

from gmmbench import Refused, Scene, Split, Watch, compose, registry
from gmmbench.api import TEST, TRAIN
from gmmbench.mixture.integrals.cell_masses import cell_masses


def fitted(picture, split, option="gmm", **options):
    model = replace(compose(f"model={option}").model, **({"components": 200} | options))
    return model.fit(Scene.of(picture, split), np.random.default_rng(0), Watch())


def drawing(name="dog", side=200):
    return compose(f"image={name}", f"image.max_side={side}").image.load()


def expected_ink(fit, picture, split):
    """lambda of each pixel: the training ink times its mass over that of the training pixels."""
    lattice, trained = picture.lattice, (split.codes == TRAIN).ravel()
    masses = cell_masses(fit.density, *lattice.shape, lattice.cell).ravel()
    return picture.values.ravel()[trained].sum() * masses / masses[trained].sum()


def poisson_gain(fit, picture, split):
    """J_T: the Poisson log score of held-out pixels over the uniform rate, nats per ink."""
    ink, trained, held = picture.values.ravel(), split.codes.ravel() == TRAIN, split.codes.ravel() == TEST
    rate = ink[trained].mean()
    expected = (0.999 * expected_ink(fit, picture, split) + 0.001 * rate)[held]
    return (ink[held] * np.log(expected / rate) - (expected - rate)).sum() / ink[held].sum()


OPTIONS = ("gmm", "bgmm", "infinite")


@pytest.mark.parametrize("option", OPTIONS)
@pytest.mark.parametrize("name", ["dog", "butterfly"])
def test_filling_holes_of_four_pixels_is_worth_a_lot(name, option):
    picture = drawing(name)
    split = Split.draw(picture.lattice, 0, 0.2, block=4)
    start = {} if option == "gmm" else {"components": 50}
    filled, ignored = (fitted(picture, split, option, missing=word, **start) for word in ("fill", "ignore"))
    assert poisson_gain(filled, picture, split) > poisson_gain(ignored, picture, split) + 0.1


@pytest.mark.parametrize("option", OPTIONS)
def test_as_much_ink_is_expected_in_holes_as_there_is(option):
    picture = drawing()
    split = Split.draw(picture.lattice, 0, 0.2, block=4)
    held = (split.codes == TEST).ravel()
    truth = picture.values.ravel()[held].sum()
    filled, ignored = (
        expected_ink(fitted(picture, split, option, missing=word), picture, split)[held].sum() / truth
        for word in ("fill", "ignore")
    )
    assert 0.7 < filled < 1.2
    assert ignored < 0.5


@pytest.mark.parametrize("option", OPTIONS)
@pytest.mark.parametrize(("block", "word"), [(1, "ignore"), (2, "fill"), (4, "fill")])
def test_by_default_holes_of_more_than_a_pixel_are_filled(block, word, option):
    picture = drawing(side=80)
    split = Split.draw(picture.lattice, 0, 0.2, block=block)
    auto, said = (fitted(picture, split, option, components=20, missing=choice) for choice in ("auto", word))
    np.testing.assert_array_equal(auto.mixture.means, said.mixture.means)
    assert (auto.facts()["pixels_filled_in"] > 0) == (word == "fill")


@pytest.mark.parametrize("view", ["colour", "levels"])
def test_colours_and_levels_have_no_holes_to_fill(view):
    picture = compose("image=astronaut", f"image.view={view}", "image.max_side=40").image.load()
    split = Split.draw(picture.lattice, 0, 0.2, block=4)
    one, two = (fitted(picture, split, components=4, missing=word) for word in ("fill", "ignore"))
    np.testing.assert_array_equal(one.mixture.means, two.mixture.means)


def test_with_nothing_held_out_there_is_nothing_to_fill():
    picture = drawing(side=80)
    split = Split.draw(picture.lattice, 0, 0.0, block=4)
    one, two = (fitted(picture, split, components=10, missing=word) for word in ("fill", "ignore"))
    np.testing.assert_array_equal(one.mixture.means, two.mixture.means)


@pytest.mark.parametrize("option", ["gmm", "bgmm"])
def test_the_reference_engine_cannot_fill_and_says_so_at_once(option):
    with pytest.raises(Refused, match="missing: expected auto or ignore with engine=sklearn, got fill"):
        registry.load().lookup("model", option)(engine="sklearn", missing="fill")
