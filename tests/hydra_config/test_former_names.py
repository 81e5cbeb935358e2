"""An option's former name is refused with the new one, wherever it is used."""

import dataclasses
import types

import pytest

from gmmbench import Refused, compose, registry
from gmmbench.cli.main import main
from gmmbench.hydra_config.settings import Settings, StoreSettings
from gmmbench.models.bgmm import BGMM
from gmmbench.models.gmm import GMM
from gmmbench.renders.grid import Grid


@pytest.fixture(autouse=True)
def former_names(monkeypatch):
    """Some options have former names."""
    for cls, name, old in (
        (GMM, "components", "clusters"),
        (BGMM, "concentration", "alpha"),
        (Grid, "mapping", "tone"),
        (Settings, "seed", "random_state"),
        (StoreSettings, "use", "enabled"),
    ):
        (field,) = (field for field in dataclasses.fields(cls) if field.name == name)
        metadata = types.MappingProxyType({**field.metadata, "formerly": (old,)})
        monkeypatch.setattr(field, "metadata", metadata)


LINES = [
    (["model.clusters=7"], "model.clusters: expected its new name, model.components; try model.components=7"),
    (
        ["+model.clusters=7"],
        "model.clusters: expected its new name, model.components; try model.components=7",
    ),
    (
        ["model=bgmm", "model.alpha=0.5"],
        "model.alpha: expected its new name, model.concentration; try model.concentration=0.5",
    ),
    (
        ["render=[sample,grid]", "render.grid.tone=log"],
        "render.grid.tone: expected its new name, render.grid.mapping; try render.grid.mapping=log",
    ),
    (["random_state=3"], "random_state: expected its new name, seed; try seed=3"),
    (["+random_state=3"], "random_state: expected its new name, seed; try seed=3"),
    (["store.enabled=false"], "store.enabled: expected its new name, store.use; try store.use=false"),
    (["+store.enabled=false"], "store.enabled: expected its new name, store.use; try store.use=false"),
]


@pytest.mark.parametrize(("overrides", "line"), LINES)
def test_a_former_name_is_refused_with_the_new_one(overrides, line, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(Refused) as refused:
        compose(*overrides)
    assert str(refused.value) == line
    assert main(overrides) in (1, 2)
    assert capsys.readouterr().err == f"gmmbench: {line}\n"
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("overrides", "line"),
    [
        (["model.clusters=3,4"], "try model.components=3,4"),
        (["model=bgmm,infinite", "model.alpha=1,2"], "try model.concentration=1,2"),
    ],
)
def test_a_sweep_over_a_former_name_is_refused_before_any_job(overrides, line, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert main(["-m", *overrides]) in (1, 2)
    said = capsys.readouterr().err
    assert said.endswith(f"; {line}\n")
    assert len(said.splitlines()) == 1
    assert list(tmp_path.iterdir()) == []


def test_a_preset_with_a_former_name_is_refused_with_the_new_one(tmp_path, monkeypatch):
    file = tmp_path / "experiment" / "old.yaml"
    file.parent.mkdir()
    defaults = "  - override /image: dog\n  - override /model: gmm\n  - override /render: grid\n  - _self_\n"
    file.write_text(f"# @package _global_\n# Old.\ndefaults:\n{defaults}model:\n  clusters: 9\n")
    known = registry.load()
    monkeypatch.setitem(
        known.experiments,
        "old",
        dataclasses.replace(next(iter(known.experiments.values())), name="old", path=file),
    )
    monkeypatch.setattr(known, "folders", lambda: [("old", tmp_path)])
    with pytest.raises(Refused) as refused:
        compose("+experiment=old")
    assert (
        str(refused.value)
        == "model.clusters: expected its new name, model.components; try model.components=9"
    )
