"""A run's options are declared once, and everything that needs them takes them from there."""

import json
import os
import shutil
import subprocess
import sys
from dataclasses import fields, replace
from pathlib import Path

import pytest
import yaml

from gmmbench import Refused, Run, compose
from gmmbench.hydra_config.settings import Settings
from gmmbench.results import RunOptions
from gmmbench.running.keys import keys_of
from gmmbench.running.provenance import config_of

ROOT = Path(__file__).parents[1]
OTHER = {"seed": 3, "hold_out": 0.5, "hold_out_block": 2, "threads": 1, "verify": True}


def test_runs_settings_and_reports_have_the_options_that_are_declared():
    names = [field.name for field in fields(RunOptions)]
    assert names == list(OTHER)
    assert {field.name: field.default for field in fields(Run) if field.name in names} == {
        field.name: field.default for field in fields(Settings) if field.name in names
    }
    run = compose(*(f"{name}={value}" for name, value in OTHER.items()))
    assert run.run_options() == OTHER
    assert {name: config_of(run)[name] for name in names} == OTHER


@pytest.mark.parametrize("name", list(OTHER))
def test_a_fit_depends_on_each_of_them_but_the_threads(name):
    run = compose("image=dog", "image.max_side=20", "model=uniform")
    image = run.image.load()
    same = keys_of(run, image).fit == keys_of(replace(run, **{name: OTHER[name]}), image).fit
    assert same == (name == "threads")


@pytest.mark.parametrize(
    ("name", "value", "line"),
    [
        ("seed", -1, "seed: expected a whole number >= 0, got -1; try 0"),
        ("hold_out", 0.95, "hold_out: expected a number >= 0 and <= 0.9, got 0.95; try 0.2"),
        ("hold_out_block", 0, "hold_out_block: expected a whole number >= 1 and <= 1000, got 0; try 1"),
        ("threads", 0, "threads: expected a whole number >= 1 or null, got 0; try null"),
    ],
)
def test_a_run_in_python_is_refused_with_the_line_of_the_command(name, value, line):
    run = compose("image=dog", "model=uniform")
    with pytest.raises(Refused) as refused:
        replace(run, **{name: value})
    assert str(refused.value) == line


def test_an_option_of_every_run_costs_its_declaration_and_a_line_of_config_yaml(tmp_path):
    for part in ("gmmbench", "conf"):
        shutil.copytree(ROOT / part, tmp_path / part, ignore=shutil.ignore_patterns("__pycache__"))
    for file, before, line in (
        ("gmmbench/results.py", "    threads: int | None", '    flavour: int = option(7, "taste", low=1)\n'),
        ("conf/config.yaml", "threads: null", "flavour: 7   # a taste, >= 1\n"),
    ):
        text = (tmp_path / file).read_text(encoding="utf-8")
        assert text.count(before) == 1
        (tmp_path / file).write_text(text.replace(before, line + before), encoding="utf-8")

    def gmmbench(*words):
        return subprocess.run(
            [sys.executable, "-m", "gmmbench", *words],
            cwd=tmp_path,
            env={**os.environ, "PYTHONPATH": str(tmp_path)},
            capture_output=True,
            text=True,
            check=False,
        )

    assert "  flavour=7 " in gmmbench("--help").stdout
    assert "flavour: expected a whole number >= 1, got 0; try 7" in gmmbench("flavour=0").stderr
    keys = []
    for words in ((), ("flavour=8",)):
        done = gmmbench("model=uniform", "image.max_side=20", f"hydra.run.dir=out{len(words)}", *words)
        assert done.returncode == 0, done.stderr
        folder = tmp_path / f"out{len(words)}"
        keys.append(json.loads((folder / "report.json").read_text())["keys"])
        assert yaml.safe_load((folder / "config.yaml").read_text())["flavour"] == 7 + len(words)
    assert keys[0]["fit"] != keys[1]["fit"]
    assert keys[0]["run"] != keys[1]["run"]
