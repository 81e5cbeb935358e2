"""Boosted trees: what they may see, the law they foretell, and the text they can be kept as."""

import threading
from dataclasses import replace

import lightgbm
import numpy as np
import pytest
from scipy.stats import multivariate_normal

from gmmbench import Image, Scene, Split, Watch, compose, registry
from gmmbench.api import TEST, TRAIN, VALIDATION
from gmmbench.models.residual_law import _log_normal, _shares

SMALL = {"trees": 40, "leaves": 15}


def scene_of(picture, hold_out=0.2, block=1):
    return Scene.of(picture, Split.draw(picture.lattice, 0, hold_out, block=block))


def fitted(scene, **options):
    model = registry.load().lookup("model", "lightgbm")(**{**SMALL, **options})
    return model.fit(scene, np.random.default_rng(0), Watch())


def photo(side=32):
    return compose("image=astronaut", "image.view=colour", f"image.max_side={side}").image.load()


def log_law(law, colours):
    """log p of one colour (n, 3) for each pixel of a law, by scipy."""
    covariances = np.broadcast_to(law.covariances, (*law.weights.shape, 3, 3))
    return np.log(
        [
            sum(
                weight * multivariate_normal(mean, covariance).pdf(colour)
                for weight, mean, covariance in zip(*parts, strict=True)
            )
            for *parts, colour in zip(law.weights, law.means, covariances, colours, strict=True)
        ]
    )


@pytest.mark.parametrize("kind", ["local", "residuals"])
def test_the_law_is_a_density_no_narrower_than_a_cell(kind):
    picture = photo()
    law = fitted(scene_of(picture), law=kind).law(picture.lattice.centres())
    np.testing.assert_allclose(law.weights.sum(axis=1), 1)
    assert (law.weights >= 0).all()
    assert np.linalg.eigvalsh(law.covariances).min() >= (1 / 256) ** 2 / 12 * (1 - 1e-9)
    assert (len(law.covariances) == 1) == (kind == "residuals")


@pytest.mark.parametrize("kind", ["local", "residuals"])
def test_the_mean_of_the_law_is_what_is_predicted(kind):
    picture = photo()
    fit = fitted(scene_of(picture), law=kind)
    where = picture.lattice.centres()
    law = fit.law(where)
    np.testing.assert_allclose(np.einsum("nm,nmi->ni", law.weights, law.means), fit.predict(where), atol=1e-9)


@pytest.mark.parametrize("kind", ["local", "residuals"])
def test_the_law_integrates_to_one(kind):
    """E[1 / p] over draws from p, of those in a ball where p is positive, is the ball's volume."""
    picture = photo()
    law = fitted(scene_of(picture), law=kind).law(picture.lattice.centres()[[500]])
    rng = np.random.default_rng(0)
    chosen = rng.choice(law.weights.shape[1], size=4000, p=law.weights[0])
    factors = np.linalg.cholesky(law.covariances[0])
    draws = law.means[0, chosen] + np.einsum("nij,nj->ni", factors[chosen], rng.standard_normal((4000, 3)))
    centre = law.weights[0] @ law.means[0]
    radius = np.quantile(np.linalg.norm(draws - centre, axis=1), 0.5)
    inside = draws[np.linalg.norm(draws - centre, axis=1) < radius]
    many = replace(
        law, weights=np.repeat(law.weights, len(inside), 0), means=np.repeat(law.means, len(inside), 0)
    )
    ratio = np.exp(-log_law(replace(many, covariances=law.covariances), inside)) / (4 / 3 * np.pi * radius**3)
    estimate, error = ratio.sum() / 4000, ratio.std() / np.sqrt(len(ratio))
    assert abs(estimate - 1) < 5 * error + 0.05


def test_a_local_law_knows_where_it_is_sure():
    """Left half calm, right half wild: the law is narrow on the left, and beats one mixture for all."""
    rng = np.random.default_rng(0)
    values = 90 + rng.normal(0, 3, (32, 32, 3))
    values[:, 16:] += rng.normal(0, 30, (32, 16, 3))
    picture = Image("halves", "colour", values.clip(0, 255).astype(np.uint8), "0" * 64)
    split = Split.draw(picture.lattice, 0, 0.2)
    test = split.indices(TEST)
    where, colours = picture.lattice.coordinates(test), picture.coordinates.reshape(-1, 3)[test]
    local, everywhere = (fitted(scene_of(picture), law=kind).law(where) for kind in ("local", "residuals"))
    assert log_law(local, colours).mean() > log_law(everywhere, colours).mean() + 0.2
    size = np.einsum("nm,nmii->n", local.weights, local.covariances)
    left = where[:, 0] < 0.4
    assert np.median(size[left]) < 0.2 * np.median(size[where[:, 0] > 0.6])


def test_one_gaussian_of_its_own_training_residuals_would_be_surer_than_is_honest():
    picture = photo(48)
    split = Split.draw(picture.lattice, 0, 0.2)
    fit = fitted(scene_of(picture), trees=200, leaves=63)
    seen, hidden = split.indices(TRAIN), split.indices(TEST)
    truth = picture.coordinates.reshape(-1, 3)
    errors = {name: truth[at] - fit.predict(picture.lattice.coordinates(at)) for name, at in
              (("seen", seen), ("hidden", hidden))}  # fmt: skip
    assert errors["seen"].std() < 0.5 * errors["hidden"].std()
    assert 0.8 < fit.residuals.residuals.std() / errors["hidden"].std() < 1.5


def test_folds_are_squares_as_large_as_the_holes():
    """What lies in the middle of a large hole is harder to foretell, and the residuals say so."""
    picture = photo(48)
    near, far = (fitted(scene_of(picture, block=block)).residuals.residuals for block in (1, 8))
    assert far.std() > 1.3 * near.std()


@pytest.mark.parametrize("view", ["ink", "colour"])
def test_validation_pixels_stop_the_trees_and_are_not_learnt(view):
    """With as many rounds, whatever the validation pixels show, the trees are the same."""
    picture = photo() if view == "colour" else compose("image=dog", "image.max_side=40").image.load()
    split = Split.draw(picture.lattice, 0, 0.2)
    held = split.codes == VALIDATION
    top = 255 if view == "colour" else 1
    other = np.where(held if view == "ink" else held[..., None], top - picture.values, picture.values)
    changed = Image("changed", view, other.astype(picture.values.dtype), "0" * 64)
    one, two = (fitted(Scene.of(p, split), trees=3, patience=50) for p in (picture, changed))
    rounds = min(one.boosters[0].num_trees(), two.boosters[0].num_trees())
    axes = np.random.default_rng(0).random((200, 8))
    np.testing.assert_array_equal(
        one.boosters[0].predict(axes, num_iteration=rounds),
        two.boosters[0].predict(axes, num_iteration=rounds),
    )


@pytest.mark.parametrize("view", ["ink", "colour"])
def test_text_is_enough_to_predict_the_same(view):
    picture = photo() if view == "colour" else compose("image=dog", "image.max_side=40").image.load()
    fit = fitted(scene_of(picture))
    again = replace(fit, boosters=tuple(lightgbm.Booster(model_str=text) for text in fit.texts()))
    where = picture.lattice.centres()
    np.testing.assert_array_equal(again.predict(where), fit.predict(where))
    assert len(fit.texts()) == (3 if view == "colour" else 1)


@pytest.mark.parametrize("kind", ["local", "residuals"])
@pytest.mark.parametrize("side", [1, 2, 12])
@pytest.mark.parametrize("hold_out", [0, 0.2])
def test_small_and_flat_images_have_a_law_too(kind, side, hold_out):
    flat = Image("flat", "colour", np.full((side, side, 3), 77, np.uint8), "0" * 64)
    law = fitted(scene_of(flat, hold_out), law=kind).law(flat.lattice.centres())
    assert np.isfinite(law.weights).all()
    assert np.isfinite(law.means).all()
    assert np.linalg.eigvalsh(law.covariances).min() > 0


def test_normal_density_and_shares_agree_with_brute_force():
    rng = np.random.default_rng(0)
    a = rng.normal(size=(3, 3))
    covariance, points = a @ a.T + np.eye(3), rng.normal(size=(300, 3))
    ours = _log_normal(points, np.repeat(covariance[None], 300, axis=0))
    np.testing.assert_allclose(ours, multivariate_normal(np.zeros(3), covariance).logpdf(points))
    wide = multivariate_normal(np.zeros(3), 9 * np.eye(3)).logpdf(points)
    joint = np.column_stack((ours, wide))
    best = max(np.linspace(0.01, 0.99, 99), key=lambda s: np.log(np.exp(joint) @ [s, 1 - s]).sum())
    assert abs(_shares(joint)[0] - best) < 0.03


def rounds_of(scene, threads, **options):
    """A fit with so many threads, and the round numbers that its watch was told, each by which thread."""
    told = []
    watch = Watch(threads, lambda number, bound, snapshot: told.append((number, threading.get_ident())))
    model = registry.load().lookup("model", "lightgbm")(**{**SMALL, **options})
    return model.fit(scene, np.random.default_rng(0), watch), told


@pytest.mark.parametrize("view", ["ink", "colour"])
def test_the_fit_is_the_same_for_any_number_of_threads(view):
    picture = photo() if view == "colour" else compose("image=dog", "image.max_side=40").image.load()
    scene, where = scene_of(picture), picture.lattice.centres()
    alone, told = rounds_of(scene, 1)
    for threads in (2, 5):
        beside, told_again = rounds_of(scene, threads)
        assert beside.texts() == alone.texts()
        np.testing.assert_array_equal(beside.predict(where), alone.predict(where))
        assert told_again == told
        if view == "colour":
            for array in ("weights", "means", "covariances"):
                np.testing.assert_array_equal(
                    getattr(beside.law(where), array), getattr(alone.law(where), array)
                )


def test_every_round_is_told_in_order_by_the_thread_that_asked():
    fit, told = rounds_of(scene_of(photo()), 2, trees=7)
    assert [number for number, _ in told] == list(range(1, 1 + 7 * (3 + 3 * 3)))  # channels, and their folds
    assert {thread for _, thread in told} == {threading.get_ident()}
    assert fit.iterations == 21


def test_a_booster_has_one_thread_whatever_the_fit_has(monkeypatch):
    seen = []
    train = lightgbm.train

    def spy(parameters, *arguments, **options):
        seen.append((parameters["num_threads"], threading.get_ident()))
        return train(parameters, *arguments, **options)

    monkeypatch.setattr(lightgbm, "train", spy)
    rounds_of(scene_of(photo()), 2)
    assert {threads for threads, _ in seen} == {1}
    assert 1 < len({thread for _, thread in seen}) <= 2


def test_an_interrupted_fit_stops_all_boosters_at_once():
    def interrupt(number, bound, snapshot):
        if number == 5:
            raise KeyboardInterrupt

    model = registry.load().lookup("model", "lightgbm")(trees=100_000, patience=100_000)
    before = threading.active_count()
    with pytest.raises(KeyboardInterrupt):
        model.fit(scene_of(photo()), np.random.default_rng(0), Watch(2, interrupt))
    assert threading.active_count() == before


def test_a_booster_that_fails_stops_the_others_and_is_what_is_raised(monkeypatch):
    train, calls = lightgbm.train, []

    def faulty(*arguments, **options):
        calls.append(arguments)
        if len(calls) == 2:
            raise lightgbm.basic.LightGBMError("out of memory")
        return train(*arguments, **options)

    monkeypatch.setattr(lightgbm, "train", faulty)
    model = registry.load().lookup("model", "lightgbm")(trees=100_000, patience=100_000)
    with pytest.raises(lightgbm.basic.LightGBMError, match="out of memory"):
        model.fit(scene_of(photo()), np.random.default_rng(0), Watch(2))
