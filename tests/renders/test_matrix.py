"""Every renderer on every view and model: it draws, or says in the report why not; it never crashes."""

import dataclasses

import numpy as np
import pytest

import gmmbench
from gmmbench import registry

SMALL = {
    "contour": {"size": 100, "resolution": 40},
    "sample": {"sizes": [200, 400], "size": 40},
    "points": {"size": 60},
    "channels": {"size": 40},
    "slices": {"frames": 3, "size": 300},
    "sampling": {"slow": 1, "fast": 2, "samples": 200, "size": 80},
    "components": {"size": 60},
    "residual": {"size": 60},
    "evolution": {"frames": 3, "size": 40},
    "collage": {"size": 300},
}
IMAGES = {
    "ink": ("image=dog", "image.max_side=40"),
    "colour": ("image=china", "image.max_side=30"),
    "levels": ("image=mixture_1d", "image.side=24"),
}
MIXTURES = {
    "ink": {
        "components",
        "contour",
        "evolution",
        "grid",
        "points",
        "residual",
        "sample",
        "sampling",
        "slices",
    },
    "colour": {"channels", "components", "evolution", "grid", "points", "residual", "sample", "sampling"},
    "levels": {"density1d", "sampling"},
}
PREDICTORS = {
    "ink": {"contour", "grid", "points", "residual"},
    "colour": {"channels", "grid", "points", "residual"},
}
ASK_FOR_THE_MIXTURE = {"components", "sampling"}


def everything(view, *words):
    """A run of every class of renderer, small."""
    run = gmmbench.compose(*IMAGES[view], *words)
    known = registry.load().classes["render"]
    renders = {name: cls(**SMALL.get(name, {})) for name, cls in known.items() if name != "collage"}
    return dataclasses.replace(run, renders={**renders, "collage": known["collage"](**SMALL["collage"])})


@pytest.mark.parametrize("view", list(IMAGES))
@pytest.mark.parametrize(
    "words",
    [("model=gmm", "model.covariance=full"), ("model=gmm", "model.covariance=tied"), ("model=bgmm",),
     ("model=infinite",), ("model=lightgbm", "model.trees=5")],
    ids=" ".join,
)  # fmt: skip
def test_each_draws_what_it_can_and_says_what_it_cannot(view, words):
    model = words[0].partition("=")[2]
    if model == "lightgbm" and view == "levels":
        pytest.skip("trees on x and y know nothing of a histogram: the model refuses the view")
    if model != "lightgbm":
        words = (*words, "model.components=3", "model.iterations=4", "model.tolerance=0")
    run = everything(view, *words)
    done = gmmbench.execute(run)
    assert done.failed == {}
    expected = (PREDICTORS if model == "lightgbm" else MIXTURES)[view] | {"collage"}
    if "mixture" not in done.study.answers():
        expected = expected - ASK_FOR_THE_MIXTURE
    if not done.study.history:
        expected = expected - {"evolution"}
    assert set(done.pictures) == expected
    assert set(done.skipped) == set(run.renders) - expected
    for option, reason in done.skipped.items():
        assert option in reason, "the reason names who cannot"
        assert " needs " in reason or " draws " in reason
    for picture in done.pictures.values():
        assert picture.caption.endswith(".")
        assert np.ptp(picture.pixels) > 0, "something is drawn"
    # Our own engines can tell how a fit came to be.
    assert ("evolution" in done.pictures) == (model != "lightgbm" and view != "levels")


def test_a_fit_is_remembered_only_if_a_renderer_asks():
    words = ("image.max_side=40", "model.components=3")
    assert gmmbench.execute(gmmbench.compose(*words)).study.history == ()
    asked = gmmbench.execute(gmmbench.compose(*words, "render=evolution", "render.evolution.size=40"))
    assert len(asked.study.history) > 1
    assert asked.study.history[-1][2] is asked.study.fitted


def test_an_engine_without_snapshots_has_no_evolution():
    done = gmmbench.execute(
        gmmbench.compose(
            "image.max_side=40", "model.components=3", "model.engine=sklearn", "render=evolution"
        )
    )
    assert done.skipped == {
        "evolution": "evolution needs the iterations of the fit, which this model does not offer"
    }


@pytest.mark.parametrize(
    "name", sorted({name for names in MIXTURES.values() for name in names} | {"collage"})
)
def test_the_same_stream_draws_the_same_bytes_on_any_ground(name):
    view = next(view for view, names in MIXTURES.items() if name in names or name == "collage")
    words = ("model.components=3", "model.iterations=3", "model.tolerance=0")
    run = everything(view, *words)
    need = {"evolution", name}
    study = gmmbench.execute(
        dataclasses.replace(run, renders={k: v for k, v in run.renders.items() if k in need})
    ).study
    study = dataclasses.replace(study, pictures={})
    light = run.renders[name]
    dark = dataclasses.replace(light, dark=True)
    one, two, night = (made.render(study, np.random.default_rng(1)) for made in (light, light, dark))
    np.testing.assert_array_equal(one.pixels, two.pixels)
    assert one.frames == () or all((a == b).all() for a, b in zip(one.frames, two.frames, strict=True))
    assert one.caption == two.caption
    assert night.pixels.shape == one.pixels.shape
    if not (view == "colour" and name in ("channels",)):
        assert (night.pixels != one.pixels).any()
