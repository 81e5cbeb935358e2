"""The built-in models, through the same door as anybody's."""

import numpy as np
import pytest

from gmmbench import Density, Image, Predictor, Refused, Scene, Split, Watch, registry
from gmmbench.api import TEST, TRAIN, VALIDATION

MODELS = {
    "uniform": {},
    "histogram": {},
    "gmm": {"components": 8},
    "bgmm": {"components": 8},
    "lightgbm": {"trees": 40},
}
LEARNERS = [name for name in MODELS if name != "uniform"]


def image(view, side=32):
    rng = np.random.default_rng(0)
    y, x = np.mgrid[:side, :side] / side
    if view == "ink":
        return Image("disc", view, ((x - 0.3) ** 2 + (y - 0.6) ** 2 < 0.05).astype(float), "0" * 64)
    if view == "levels":
        return Image("noise", view, rng.normal(90, 20, (side, side)).clip(0, 255).astype(np.uint8), "0" * 64)
    ramp = np.stack((255 * x, 255 * y, 255 * (x + y) / 2), axis=2) + rng.normal(0, 4, (side, side, 3))
    return Image("ramp", view, ramp.clip(0, 255).astype(np.uint8), "0" * 64)


def model(name, **options):
    return registry.load().lookup("model", name)(**{**MODELS[name], **options})


def fitted(name, picture, seed=0, **options):
    split = Split.draw(picture.lattice, 0, 0.2)
    return model(name, **options).fit(Scene.of(picture, split), np.random.default_rng(seed), Watch())


CASES = [(name, view) for name in MODELS for view in ("ink", "colour", "levels")]
CASES.remove(("lightgbm", "levels"))


@pytest.mark.parametrize(("name", "view"), CASES)
def test_a_model_answers_for_every_view_it_claims(name, view):
    picture = image(view)
    assert view in model(name).views
    fit = fitted(name, picture)
    assert fit.iterations >= 1
    if isinstance(fit, Density):
        draws = fit.sample(50, np.random.default_rng(1))
        assert draws.shape == (50, len(fit.columns))
        assert np.isfinite(fit.log_density(draws)).all()
        assert fit.n_parameters is None or fit.n_parameters >= (0 if name == "uniform" else 1)
    if isinstance(fit, Predictor):
        answer = fit.predict(picture.lattice.centres())
        assert answer.shape == (picture.lattice.size, 3)[: 2 if view == "colour" else 1]
        assert ((answer >= 0) & (answer <= 1)).all()
    assert isinstance(fit, Density | Predictor)


@pytest.mark.parametrize("name", MODELS)
@pytest.mark.parametrize("view", ["ink", "colour"])
def test_the_same_stream_gives_the_same_fit(name, view):
    picture = image(view, 24)
    where = picture.lattice.centres()[::5]

    def answer(seed):
        fit = fitted(name, picture, seed)
        return fit.predict(where) if isinstance(fit, Predictor) else fit.log_density(where)

    np.testing.assert_array_equal(answer(3), answer(3))


def flipped(picture, codes):
    """The picture with another content in the pixels of these codes of the split."""
    held = np.isin(Split.draw(picture.lattice, 0, 0.2).codes, codes)
    top = 1 if picture.view == "ink" else 255
    turned = np.where(
        held if picture.values.ndim == 2 else held[..., None], top - picture.values, picture.values
    )
    return Image("flipped", picture.view, turned.astype(picture.values.dtype), "0" * 64)


def everything(fit, picture):
    """All that a fit says about a picture's pixels."""
    where, values = picture.lattice.centres(), picture.coordinates.reshape(picture.lattice.size, -1)
    if isinstance(fit, Density):
        points = {"ink": where, "levels": values, "colour": np.hstack((where, values))}[picture.view]
        yield fit.log_density(points)
    if isinstance(fit, Predictor):
        yield fit.predict(where)
        law = fit.law(where)
        if law is not None:
            yield from (law.weights, law.means, law.covariances)


@pytest.mark.parametrize(("name", "view"), CASES)
def test_held_out_pixels_are_unseen(name, view):
    picture = image(view)
    codes = [TEST] if model(name).uses_validation else [TEST, VALIDATION]
    one, two = fitted(name, picture), fitted(name, flipped(picture, codes))
    for before, after in zip(everything(one, picture), everything(two, picture), strict=True):
        np.testing.assert_array_equal(before, after)


@pytest.mark.parametrize("name", LEARNERS)
def test_a_model_knows_ink_from_paper(name):
    picture = image("ink")
    fit = fitted(name, picture)
    where, inked = picture.lattice.centres(), picture.values.ravel() > 0
    score = fit.predict(where) if isinstance(fit, Predictor) else fit.log_density(where)
    assert score[inked].mean() > score[~inked].mean()
    assert np.median(score[inked]) > np.quantile(score[~inked], 0.95)


@pytest.mark.parametrize("name", LEARNERS)
def test_a_regression_on_colour_beats_the_mean_colour(name):
    picture = image("colour")
    fit = fitted(name, picture)
    if not isinstance(fit, Predictor):
        pytest.fail(f"{name} claims colour but does not predict it")
    truth = picture.coordinates.reshape(-1, 3)
    error = ((fit.predict(picture.lattice.centres()) - truth) ** 2).mean()
    assert error < 0.2 * truth.var(axis=0).mean()


def test_colour_of_a_mixture_is_its_conditional_mean():
    picture = image("colour", 16)
    fit = fitted("gmm", picture)
    at = picture.lattice.centres()[37]
    np.testing.assert_allclose(fit.predict(at[None])[0], fit.mixture.condition([0, 1], at).mean(), atol=1e-9)


def test_no_component_is_narrower_than_a_cell():
    picture = image("ink")
    fit = fitted("gmm", picture, components=40)
    smallest = np.linalg.eigvalsh(fit.mixture.covariances).min()
    assert smallest >= picture.lattice.cell**2 / 12 * (1 - 1e-9)


def test_more_components_than_points_is_refused_naming_the_key():
    picture = image("ink", 12)
    n = int(picture.values[Split.draw(picture.lattice, 0, 0.2).codes == TRAIN].sum())
    for name in ("gmm", "bgmm"):
        with pytest.raises(Refused, match=f"model.components: expected at most {n} components"):
            fitted(name, picture, components=n + 1)


def test_boosting_stops_early_on_validation_pixels():
    fit = fitted("lightgbm", image("ink"), trees=2000, patience=5)
    assert fit.converged
    assert fit.iterations < 2000


def test_progress_is_told():
    told = []
    picture = image("ink", 16)
    scene = Scene.of(picture, Split.draw(picture.lattice, 0, 0.2))
    for name in MODELS:
        model(name).fit(scene, np.random.default_rng(0), Watch(1, lambda i, bound, snapshot: told.append(i)))
        assert told
        told.clear()


def test_the_built_in_models_come_from_the_plainest_on():
    offered = [name for name in registry.load().classes["model"] if name in MODELS]
    assert offered == list(MODELS)
