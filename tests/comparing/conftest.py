"""Sweeps to compare: real runs of small images, each made once."""

import importlib.util
import shutil
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from sweeps import MODELS, run

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="session")
def ink_runs(tmp_path_factory):
    """Three models on the dog, seeds 0 to 2, in folders such as gmm-0."""
    top = tmp_path_factory.mktemp("ink")
    for name, words in MODELS.items():
        for seed in range(3):
            run(
                top / f"{name}-{seed}",
                "image=dog",
                "image.max_side=80",
                *words,
                f"seed={seed}",
                "render=grid",
            )
    return top


@pytest.fixture(scope="session")
def colour_runs(tmp_path_factory):
    """Two models on coffee in colour, seeds 0 and 1."""
    top = tmp_path_factory.mktemp("colour")
    for name in ("gmm", "histogram"):
        for seed in range(2):
            words = ("image=coffee", "image.max_side=36", "render=grid", f"seed={seed}")
            run(top / f"{name}-{seed}", *words, *MODELS[name])
    return top


@pytest.fixture(scope="session")
def levels_runs(tmp_path_factory):
    """Two models of the grey levels of the dog, seed 0."""
    top = tmp_path_factory.mktemp("levels")
    for name in ("gmm", "uniform"):
        words = ("image=dog", "image.view=levels", "image.max_side=80", "render=density1d")
        run(top / f"{name}-0", *words, *MODELS[name])
    return top


@pytest.fixture
def ink(ink_runs, tmp_path):
    """A copy of `ink_runs` to change."""
    return Path(shutil.copytree(ink_runs, tmp_path / "sweep"))


@pytest.fixture(scope="session")
def benchmark():
    """The module benchmarks/page.py."""
    spec = importlib.util.spec_from_file_location("page_benchmark", ROOT / "benchmarks/page.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
