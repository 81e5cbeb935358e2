"""The model `bgmm`: it finds its size in any covariance, and refuses what scikit-learn's engine has not."""

import numpy as np
import pytest

from gmmbench import Image, Refused, Scene, Split, Watch, registry


def model(**options):
    return registry.load().lookup("model", "bgmm")(**options)


@pytest.mark.parametrize("covariance", ["full", "diag", "spherical", "tied"])
def test_an_infinite_mixture_finds_its_size_in_any_covariance(covariance):
    y, x = np.mgrid[:32, :32] / 32
    picture = Image("disc", "ink", ((x - 0.3) ** 2 + (y - 0.6) ** 2 < 0.05).astype(float), "0" * 64)
    scene = Scene.of(picture, Split.draw(picture.lattice, 0, 0.2))
    infinite = model(components=1, covariance=covariance, process=True, prior="evidence", births=4)
    facts = infinite.fit(scene, np.random.default_rng(0), Watch()).facts()
    assert facts["components_in_use"] == facts["components"]
    assert 0 < facts["leftover_mass"] < 0.1
    assert np.isfinite(facts["evidence_bound"])


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"births": 3}, "births: expected 0"),
        ({"prior": "evidence"}, "prior: expected points"),
        ({"init": "stratified"}, "init: expected an initialization that scikit-learn has"),
    ],
)
def test_scikit_learns_engine_is_refused_what_it_has_not(options, words):
    with pytest.raises(Refused, match=words):
        model(engine="sklearn", **options)
