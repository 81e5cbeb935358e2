"""The wheel: installed elsewhere and run from an empty folder, it is whole."""

import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "pip", "wheel", "-q", "--no-deps", "--no-build-isolation"]
    subprocess.run([*command, "-w", str(folder), str(ROOT)], check=True, capture_output=True)
    (path,) = folder.glob("gmmbench-*.whl")
    return path


def test_conf_and_images_ship_inside_the_package(wheel):
    names = set(zipfile.ZipFile(wheel).namelist())
    for path in (ROOT / "conf").rglob("*.yaml"):
        assert f"gmmbench/{path.relative_to(ROOT)}" in names
    for path in (ROOT / "gmmbench").rglob("*"):
        if path.is_file() and "__pycache__" not in path.parts:
            assert str(path.relative_to(ROOT)) in names
    assert "hydra_plugins/gmmbench_launchers.py" in names
    assert not [name for name in names if name.startswith(("conf/", "tests/", "docs/", "plugins/"))]


def test_the_wheel_runs_from_an_empty_folder(wheel, tmp_path):
    site = tmp_path / "site"
    install = [sys.executable, "-m", "pip", "install", "-q", "--no-deps", "--target", str(site), str(wheel)]
    subprocess.run(install, check=True, capture_output=True)
    empty = tmp_path / "empty"
    empty.mkdir()
    environment = {**os.environ, "PYTHONPATH": str(site)}
    where = "import gmmbench; print(gmmbench.__file__)"
    said = subprocess.run(
        [sys.executable, "-c", where], cwd=empty, env=environment, capture_output=True, text=True, check=True
    )
    assert Path(said.stdout.strip()).is_relative_to(site), "the wheel is what runs, not the checkout"
    run = [sys.executable, "-m", "gmmbench", "image=horse", "image.max_side=60", "model.components=3"]
    subprocess.run([*run, "hydra.run.dir=out"], cwd=empty, env=environment, check=True, capture_output=True)
    assert json.loads((empty / "out" / "report.json").read_text())["image"]["name"] == "horse"
    compare = [sys.executable, "-m", "gmmbench", "compare", "out"]
    subprocess.run(compare, cwd=empty, env=environment, check=True, capture_output=True)
    sweep = [*run, "-m", "seed=0,1", "hydra.launcher.workers=2", "hydra.sweep.dir=sweep"]
    done = subprocess.run(sweep, cwd=empty, env=environment, check=True, capture_output=True, text=True)
    assert done.stdout.count("gains") == 2
    assert "<title>gmmbench comparison</title>" in (empty / "out" / "comparison.html").read_text()
