"""The model of experts: sharper than a joint mixture, ranked, and honest about what it is not."""

import numpy as np
import pytest

import gmmbench
from gmmbench import Refused

SMALL = ("image=china", "image.max_side=40", "model.components=20", "seed=1", "threads=1")


def run(*overrides):
    return gmmbench.execute(gmmbench.compose(*SMALL, *overrides))


@pytest.fixture(scope="module")
def experts():
    return run("model=experts", "model.steps=200", "render=[grid,components,sampling]")


def test_it_paints_more_sharply_than_a_joint_mixture(experts):
    joint = run("model=gmm", "render=grid")
    assert experts.scores.values["psnr"].held_out > joint.scores.values["psnr"].held_out + 1


@pytest.mark.parametrize("objective", ["squared_error", "likelihood"])
def test_it_is_ranked(objective):
    found = run("model=experts", f"model.objective={objective}", "model.steps=100", "render=grid")
    assert found.scores.not_ranked == ()


def test_likelihood_gains_more_than_the_joint_mixture():
    experts = run("model=experts", "model.objective=likelihood", "render=grid")
    joint = run("model=gmm", "render=grid")
    assert experts.scores.values["gain"].held_out > joint.scores.values["gain"].held_out


def test_a_law_does_not_depend_on_what_else_is_asked(experts):
    fitted, where = experts.study.fitted, experts.study.image.lattice.centres()
    whole = fitted.law(where)
    for at in (0, 17, 500):
        alone = fitted.law(where[at : at + 1])
        count = alone.weights.shape[1]
        np.testing.assert_allclose(alone.weights[0], whole.weights[at, :count], rtol=1e-5, atol=1e-12)
        assert whole.weights[at, count:].sum() < 1e-5
        mean = np.einsum("nm,nmi->ni", alone.weights, alone.means)
        np.testing.assert_allclose(np.clip(mean, 0, 1), fitted.predict(where[at : at + 1]), atol=1e-4)


def test_positions_are_not_sampled_for_it_has_no_density_of_them(experts):
    assert set(experts.pictures) == {"grid", "components"}
    assert experts.skipped["sampling"] == "sampling needs samples, which this model does not offer"


def test_more_experts_than_pixels_are_refused():
    with pytest.raises(Refused, match=r"model\.components"):
        run("model=experts", "model.components=100000", "render=grid")


def test_its_residuals_are_those_of_pixels_it_has_not_seen():
    found = run("model=experts", "model.components=300", "model.steps=200", "render=grid")
    assert found.scores.values["gain"].held_out > 0.9 * found.scores.values["gain"].train
