"""Verified runs: fitted and scored once more by processes that know no image, and held against that."""

import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass, replace
from pathlib import Path

import isolated_models as models
import numpy as np
import pytest

import gmmbench
from gmmbench import Run, Scene, Split, Store, execute
from gmmbench.api import stream
from gmmbench.models.gmm import GMM
from gmmbench.models.histogram import Histogram
from gmmbench.reporting.report import Report
from gmmbench.reporting.report_markdown import to_markdown
from gmmbench.running.confine import can_confine
from gmmbench.running.isolated import IsolatedFailed, isolated
from gmmbench.running.messages import rng_of_facts, rng_to_facts
from gmmbench.testing import fixtures


@dataclass(frozen=True)
class Given(gmmbench.ImageSource):
    """An image of a check, as a source."""

    name = "given"
    view: str = "ink"

    def load(self):
        return fixtures.image(self.view)


def run_of(model, view="ink", **options):
    return Run(Given(view), model, {}, **{"verify": True, **options})


def told(model, threads=1):
    """An isolated fit, and its facts and scores of the stack."""
    picture = fixtures.image("ink")
    split = Split.draw(picture.lattice, 0, 0.2)
    return isolated(model, Scene.of(picture, split), stream(0, "fit"), threads)


@pytest.mark.parametrize(
    ("model", "view"),
    [
        (GMM(components=5), "ink"),
        (Histogram(), "ink"),
        (GMM(components=5), "colour"),
        (Histogram(), "colour"),
    ],
)
def test_a_model_that_uses_its_scene_alone_is_verified_and_keeps_its_scores(model, view):
    checked, plain = execute(run_of(model, view)), execute(run_of(model, view, verify=False))
    assert checked.verification.verified is True
    assert "same within 1e-06" in checked.verification.why
    assert checked.verification.seconds > 0
    assert plain.verification.verified is None and plain.verification.why == "not isolated"
    assert not checked.scores.not_ranked
    assert checked.scores.values == plain.scores.values or all(
        checked.scores.values[key].held_out == pytest.approx(plain.scores.values[key].held_out)
        for key in plain.scores.values
        if plain.scores.values[key].held_out is not None
    )


def test_an_isolated_process_is_told_of_no_image(tmp_path):
    (tmp_path / "file").write_text("an image, say")
    with told(models.Surroundings(str(tmp_path / "file"))) as found:
        saw = found.fitted.facts()
        assert found.loaded
    assert len(saw["arguments"]) == 1 and saw["arguments"][0].endswith("isolated_worker.py")
    assert saw["files"] == []
    assert saw["read"] == ""
    assert saw["hidden"] > 0
    if can_confine():
        assert found.confined and saw["closed"] == ["/proc/parent/cmdline", "file", "home"]
    assert "GMMBENCH_STORE" in os.environ and "GMMBENCH_STORE" not in saw["variables"]
    assert "PWD" not in saw["variables"] and "PYTEST_CURRENT_TEST" not in saw["variables"]


def test_a_model_that_finds_the_image_on_the_stack_is_not_verified_and_not_ranked():
    outcome = execute(run_of(models.Peeking()))
    assert outcome.verification.verified is False
    assert "in isolation it answers otherwise" in outcome.verification.why
    assert any(reason.startswith("not verified: ") for reason in outcome.scores.not_ranked)
    assert not execute(run_of(models.Peeking(), verify=False)).scores.not_ranked


def test_a_model_that_is_not_deterministic_is_judged_by_the_isolated_fit():
    outcome = execute(run_of(models.Restless()))
    assert outcome.verification.verified is True
    assert "by the isolated fit's own scores" in outcome.verification.why
    assert not outcome.scores.not_ranked


@pytest.mark.parametrize(
    ("model", "why"),
    [
        (models.Needy(), "it failed in isolation: AttributeError"),
        (models.Dying(), "its process ended: no strength left"),
        (models.Forgotten(), "has no `save`"),
    ],
)
def test_what_cannot_be_verified_says_why_and_is_not_ranked(model, why):
    outcome = execute(run_of(model))
    assert outcome.verification.verified is False
    assert why in outcome.verification.why
    assert any(why in reason for reason in outcome.scores.not_ranked)


def test_a_class_that_no_other_process_can_import_is_said_to_be_one():
    class Local(models.Centre):
        pass

    with pytest.raises(IsolatedFailed, match="cannot be imported"), told(Local()):
        pass


@pytest.mark.parametrize(
    ("verify", "says"), [(True, "Verified, in "), (False, "Not isolated: the model was fitted")]
)
def test_a_report_says_whether_its_fit_was_verified(verify, says):
    report = Report.of(execute(run_of(models.Centre(), verify=verify)))
    assert report.verification.verified is (True if verify else None)
    assert Report.from_json(report.to_json()).verification == report.verification
    assert says in to_markdown(report)


def test_a_random_stream_arrives_with_what_it_spawns():
    here = stream(3, "fit")
    here.random(5)
    here.spawn(1)
    there = rng_of_facts(rng_to_facts(here))
    assert np.array_equal(here.random(9), there.random(9))
    assert np.array_equal(here.spawn(1)[0].random(9), there.spawn(1)[0].random(9))
    assert execute(run_of(models.Spawning())).verification.verified is True


def test_drawing_in_isolation_moves_the_stream_as_drawing_here_does():
    with told(models.Centre()) as found:
        rng, other = np.random.default_rng(5), np.random.default_rng(5)
        here = models.Dart.load({}, {"mean_x": 0.1, "mean_y": 0.2, "told": {}})
        shift = found.fitted.sample(4, rng) - here.sample(4, other)
        assert np.allclose(shift, shift[0])
        assert rng.random() == other.random()


def test_a_stored_fit_keeps_its_verification(tmp_path):
    store, run = Store(tmp_path), run_of(GMM(components=3))
    first, second = (execute(run, store=store) for _ in range(2))
    assert second.cost.cached and second.verification == first.verification
    other = execute(replace(run, verify=False), store=store)
    assert not other.cost.cached and other.verification.verified is None


KILLED = """
import subprocess, sys
sys.path.insert(0, sys.argv[1])
import isolated_models as models, test_verify
make = subprocess.Popen
def popen(*arguments, **options):
    made = make(*arguments, **options)
    print(made.pid, options["cwd"], flush=True)
    return made
subprocess.Popen = popen
with test_verify.told(models.Endless()):
    pass
"""


def test_no_isolated_process_outlives_a_run_that_is_killed():
    command = [sys.executable, "-c", KILLED, str(Path(__file__).parent)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as running:
        started = [running.stdout.readline().split() for _ in range(2)]
        wait_for(lambda: any(Path(folder, "fitting").is_file() for _, folder in started))
        running.send_signal(signal.SIGKILL)
    wait_for(lambda: not any(alive(int(process)) for process, _ in started))


def wait_for(holds, seconds=60):
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end
        time.sleep(0.05)


def alive(process):
    try:
        return Path(f"/proc/{process}/stat").read_text().split(")")[-1].split()[0] != "Z"
    except OSError:
        try:
            os.kill(process, 0)
        except OSError:
            return False
        return not Path("/proc").is_dir()
