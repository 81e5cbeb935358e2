"""A key follows what a fit depends on, and nothing else."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import gmmbench
from gmmbench.running import keys

ROOT = Path(__file__).parents[2]
RUN = ("image=dog", "image.max_side=40", "model=uniform", "render=grid")


@pytest.fixture
def copied(tmp_path):
    """A copy of the package that can be edited, and a function that runs it with a store of its own."""
    top = tmp_path / "copy"
    for name in ("gmmbench", "conf", "hydra_plugins"):
        shutil.copytree(ROOT / name, top / name, ignore=shutil.ignore_patterns("__pycache__"))

    def run(name):
        environment = {**os.environ, "PYTHONPATH": str(top), "GMMBENCH_STORE": str(tmp_path / "store")}
        words = [sys.executable, "-m", "gmmbench", *RUN, f"hydra.run.dir={tmp_path / name}"]
        subprocess.run(words, env=environment, cwd=tmp_path, check=True, capture_output=True)
        report = json.loads((tmp_path / name / "report.json").read_text())
        return report["keys"], report["cost"]["cached"]

    return top / "gmmbench", run


@pytest.mark.parametrize(
    ("path", "refits"),
    [
        ("comparing/answers.py", False),
        ("comparing/templates/page.html", False),
        ("cli/help.py", False),
        ("jobs/progress.py", False),
        ("hydra_config/explain.py", False),
        ("testing/verdict.py", False),
        ("renders/contour.py", False),
        ("models/uniform.py", True),
        ("mixture/em/m_step.py", True),
        ("scoring/poisson.py", True),
        ("images/views.py", True),
    ],
)
def test_a_changed_source_refits_what_depends_on_it_and_nothing_else(copied, path, refits):
    package, run = copied
    before, cached = run("before")
    assert not cached
    with (package / path).open("a") as file:
        file.write("\n# another word\n" if path.endswith(".py") else "<!-- another word -->\n")
    after, cached = run("after")
    assert cached != refits
    assert (before["fit"] != after["fit"]) == refits


def test_keys_are_computed_once_a_run(monkeypatch, tmp_path):
    calls = []
    of_image = keys.of_image
    monkeypatch.setattr(keys, "of_image", lambda image: calls.append(1) or of_image(image))
    outcome = gmmbench.execute(gmmbench.compose(*RUN), store=gmmbench.Store(tmp_path / "store"))
    gmmbench.save(outcome, tmp_path / "run")
    report = json.loads((tmp_path / "run/report.json").read_text())
    assert len(calls) == 1
    assert report["keys"] == {"run": outcome.keys.run, "fit": outcome.keys.fit}
    assert outcome.keys == keys.keys_of(outcome.run, outcome.study.image)
