"""Lies: each model of the gallery is caught by its net, and none is ranked above honest code."""

import re
import sys
import tempfile
from functools import cache
from pathlib import Path

import numpy as np
import PIL.Image
import pytest
from liars import answers, thieves
from liars.gallery import LIES, NOTHING, PAGE, page
from liars.kit import Given, Honest, image

from gmmbench import Refused, Run, Scene, Split, execute
from gmmbench.running.confine import can_confine
from gmmbench.scoring import ink_scores
from gmmbench.scoring.lattice_masses import ink_masses
from gmmbench.scoring.normalisation_check import check_density
from gmmbench.testing import check_model

pytestmark = pytest.mark.filterwarnings("ignore::RuntimeWarning")  # they are no errors to a user either

MUCH = 0.05
"""Bits that a theft which works gains at the least."""

NOISE = 0.02
"""Bits by which a lottery may beat honest code."""


def by_net(net):
    lies = [lie for lie in LIES if lie.net == net]
    return pytest.mark.parametrize(
        "lie",
        [pytest.param(lie, id=lie.name, marks=[pytest.mark.slow] if lie.slow else []) for lie in lies],
    )


def run_of(model, **options):
    return Run(Given(model.views[0]), model, {}, **options)


def gain(outcome):
    return outcome.scores.values["gain"].held_out


@cache
def honest_gain(model):
    return gain(execute(run_of(model())))


@pytest.fixture
def surroundings(tmp_path, monkeypatch):
    """A user who has the image in a folder, stands in it and names it on the command line."""
    folder, temporary = tmp_path / "pictures", tmp_path / "temporary"
    folder.mkdir()
    temporary.mkdir()
    np.save(folder / "picture.npy", image("ink").values)
    (folder / "uniform-0").mkdir()
    PIL.Image.fromarray(image("ink").pixels()).save(folder / "uniform-0" / "original.png")
    monkeypatch.chdir(folder)
    monkeypatch.setattr(sys, "argv", ["gmmbench", f"image.path={folder / 'picture.npy'}"])
    monkeypatch.setattr(tempfile, "tempdir", str(temporary))
    monkeypatch.setenv("TMPDIR", str(temporary))
    monkeypatch.setattr(thieves.Recording, "asked", [])
    return folder


def told(lie, folder):
    """The lie with its options: where the pictures are, or an empty folder for a stash."""
    places = {thieves.KnownFolder: folder, thieves.Stash: Path(tempfile.gettempdir())}
    place = places.get(lie.model)
    return lie.model() if place is None else lie.model(folder=str(place))


@pytest.fixture(autouse=True)
def scorer(monkeypatch):
    """Whatever a lie puts in its place, the scorer comes back."""
    monkeypatch.setattr(ink_scores, "poisson_gain", ink_scores.poisson_gain)


@by_net("run")
def test_a_run_catches_it_or_it_gains_nothing(lie):
    if lie.fails:  # the job is a row with its reason
        with pytest.raises((Refused, ValueError, RuntimeError), match=re.escape(lie.how)):
            execute(run_of(lie.model()))
        return
    if lie.model is thieves.RemembersRuns:  # it needs an earlier run
        thieves.Recording.asked.clear()
        execute(run_of(lie.model()))
    outcome = execute(run_of(lie.model()))
    if lie.how == NOTHING:
        assert gain(outcome) <= honest_gain(lie.honest) + 1e-6
    else:
        assert any(lie.how in reason for reason in outcome.scores.not_ranked)


def test_no_run_is_ranked_in_a_process_whose_scorer_was_replaced():
    execute(run_of(thieves.Referee()))
    assert any("was replaced by liars" in reason for reason in execute(run_of(Honest())).scores.not_ranked)


def test_no_model_gets_hold_of_the_random_stream_of_scoring():
    scene = Scene.of(image(), Split.draw(image().lattice, 0, 0.2))
    after, seeds = [], []
    for density in (answers.Cells, answers.Grasping):
        rng, fitted = np.random.default_rng(3), Honest().fit(scene, None, None)
        fitted = density(fitted.lattice, fitted.values)
        check_density(fitted, ink_masses(fitted, scene.lattice, image().values), scene.lattice, rng)
        fitted.log_density(scene.lattice.centres())
        after.append(rng.random())
        seeds.append(getattr(fitted, "stream", rng).bit_generator.seed_seq.entropy)
    assert after[0] == after[1]
    assert seeds[0] != seeds[1]


@by_net("check")
def test_the_contract_suite_catches_it(lie):
    assert lie.how in check_model(lie.model, raises=False).broken


@by_net("verified")
def test_an_ordinary_run_believes_it_and_a_verified_one_does_not(lie, surroundings):
    if lie.closed and not can_confine():
        pytest.skip("files can be closed to a process on Linux with Landlock")
    model = told(lie, surroundings)
    for _ in range(2):  # the second time it may know the first
        ordinary = execute(run_of(model))
    assert not ordinary.scores.not_ranked
    assert gain(ordinary) > honest_gain(lie.honest) + MUCH
    checked = execute(run_of(model, verify=True))
    assert lie.how in checked.verification.why
    if checked.verification.verified:
        assert gain(checked) <= honest_gain(lie.honest) + NOISE
    else:
        assert any(reason.startswith("not verified: ") for reason in checked.scores.not_ranked)


@by_net("none")
def test_what_no_net_catches_is_said(lie):
    outcome = execute(run_of(lie.model()))
    assert not outcome.scores.not_ranked
    if lie.model is thieves.BroughtAlong:
        assert gain(outcome) > honest_gain(lie.honest) + MUCH
        assert execute(run_of(lie.model(), verify=True)).verification.verified
    else:
        assert gain(outcome) <= honest_gain(lie.honest) + 1e-6


@pytest.mark.parametrize("honest", sorted({lie.honest for lie in LIES}, key=lambda model: model.__name__))
def test_honest_code_is_ranked(honest):
    assert not execute(run_of(honest())).scores.not_ranked


def test_honest_code_is_verified():
    found = execute(run_of(LIES[0].honest(), verify=True)).verification
    assert found.verified and "answers the same" in found.why


def test_the_gallery_is_large_and_its_table_stands_in_the_docs():
    assert len(LIES) >= 25
    assert len({lie.name for lie in LIES}) == len(LIES)
    text = PAGE.read_text(encoding="utf-8")
    assert page(text) == text, "python tests/lies/liars/gallery.py writes it"
