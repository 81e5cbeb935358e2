"""The registry: plugins of strangers are found, listed, kept apart, and harmless when broken."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from gmmbench import Refused, compose, registry

SOURCES = {
    "good": '''
        """A model that knows nothing: the same density everywhere."""
        from dataclasses import dataclass
        import numpy as np
        from gmmbench import Density, Model, hookimpl, option

        @dataclass(frozen=True)
        class Flat(Model):
            name = "flat"
            views = ("ink",)
            height: float = option(1.0, "of the box", above=0, formerly=("tallness",))

            def fit(self, scene, rng, watch):
                return FlatFit(1, 1, True)

        @dataclass(frozen=True, eq=False)
        class FlatFit(Density):
            n_parameters: int
            iterations: int
            converged: bool
            columns = ("x", "y")

            def log_density(self, points):
                return np.zeros(len(points))

            def sample(self, n, rng):
                return rng.random((n, 2))

        @hookimpl
        def gmmbench_models():
            return [Flat]
    ''',
    "raises": "raise RuntimeError('it was\\nnever going to work')",
    "leaves": "import sys; sys.exit(3)",
    "misspelt": """
        from gmmbench import hookimpl

        @hookimpl
        def gmmbench_modles():
            return []
    """,
    "empty": "x = 1",
    "abstract": """
        from dataclasses import dataclass
        from gmmbench import Model, hookimpl

        @dataclass(frozen=True)
        class Lacking(Model):
            name = "lacking"

        @hookimpl
        def gmmbench_models():
            return [Lacking]
    """,
    "alien": """
        from gmmbench import hookimpl

        @hookimpl
        def gmmbench_renders():
            return ["a string"]
    """,
    "clash": """
        from gmmbench import hookimpl
        from gmmbench.registry import load
        from dataclasses import dataclass
        from gmmbench.models.gmm import GMM

        @dataclass(frozen=True)
        class Other(GMM):
            name = "gmm"

        @hookimpl
        def gmmbench_models():
            return [Other]
    """,
}


def package(folder: Path, name: str, source: str, yaml: str | None = None) -> Path:
    """The sources of a pip package `gmmbench-<name>` with one plugin and, maybe, one option."""
    import textwrap

    root = folder / f"gmmbench-{name}"
    module = root / f"gmmbench_{name}"
    module.mkdir(parents=True)
    (module / "__init__.py").write_text(textwrap.dedent(source))
    if yaml is not None:
        (module / "conf" / "model").mkdir(parents=True)
        (module / "conf" / "model" / "flat.yaml").write_text(yaml)
    (root / "pyproject.toml").write_text(
        textwrap.dedent(f"""
        [build-system]
        requires = ["hatchling"]
        build-backend = "hatchling.build"
        [project]
        name = "gmmbench-{name}"
        version = "1.2"
        dependencies = ["gmmbench"]
        [project.entry-points.gmmbench]
        {name} = "gmmbench_{name}"
        """)
    )
    return root


def install(target: Path, *roots: Path) -> None:
    command = [sys.executable, "-m", "pip", "install", "-q", "--no-deps", "--no-build-isolation"]
    done = subprocess.run(
        [*command, "--target", str(target), *map(str, roots)],
        check=False,
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr


def beside(site: Path) -> str:
    """PYTHONPATH with a folder of plugins before what is there already."""
    return os.pathsep.join(filter(None, [str(site), os.environ.get("PYTHONPATH")]))


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """A folder with a good plugin and six broken ones, installed by pip."""
    folder = tmp_path_factory.mktemp("plugins")
    yaml = "# A density that is flat.  Run: python -m gmmbench model=flat\nname: flat\nheight: 1.0   # > 0\n"
    names = [name for name in SOURCES if name != "clash"]
    roots = [package(folder, n, SOURCES[n], yaml if n == "good" else None) for n in names]
    install(folder / "site", *roots)
    return folder / "site"


@pytest.fixture
def installed(site, monkeypatch, fresh_registry):
    monkeypatch.syspath_prepend(str(site))
    return fresh_registry


def status(known, name):
    return next(plugin for plugin in known.plugins if plugin.name == name)


def test_a_plugin_is_found_with_its_class_its_version_and_its_yaml(installed):
    known = installed()
    good = status(known, "good")
    assert (good.status, good.distribution, good.version) == ("ok", "gmmbench-good", "1.2")
    assert known.classes["model"]["flat"].__module__ == "gmmbench_good"
    assert known.choices["model"]["flat"].summary == "A density that is flat."


@pytest.mark.parametrize(
    ("name", "error"),
    [
        ("raises", "RuntimeError: it was never going to work"),
        ("leaves", "SystemExit: 3"),
        ("misspelt", "gmmbench_modles"),
        ("empty", "expected a hook that offers something, got none"),
        ("abstract", "expected Lacking to define every abstract method, but it lacks fit"),
        ("alien", "expected dataclasses that subclass Renderer, got 'a string'"),
    ],
)
def test_a_broken_plugin_is_listed_with_its_error_and_harms_nobody(installed, name, error):
    known = installed()
    assert status(known, name).status == "broken"
    assert error in status(known, name).error
    assert status(known, "good").status == "ok"
    assert {"gmm", "bgmm", "lightgbm", "flat"} <= set(known.classes["model"])
    known.check()


def test_a_plugins_model_runs_by_its_name(site, command, tmp_path):
    done = command(
        "model=flat", "image.max_side=40", "hydra.run.dir=out", "model.height=2", PYTHONPATH=beside(site)
    )
    assert done.returncode == 0, done.stderr
    report = json.loads((tmp_path / "out" / "report.json").read_text())
    assert report["model"] == {"option": "flat", "name": "flat", "parameters": {"height": 2.0}}
    assert report["versions"]["gmmbench-good"] == "1.2"
    # A flat density over a square of side 1 is -log(pixels of the square) per pixel.
    cell = 1 / max(report["image"]["height"], report["image"]["width"])
    import math

    assert math.isclose(report["log_likelihood"]["held_out"], 2 * math.log(cell), rel_tol=1e-9)


def test_the_table_of_plugins_says_all_and_exits_with_1(site, command):
    done = command("plugins", "--json", PYTHONPATH=beside(site))
    assert done.returncode == 1  # something is broken
    rows = {row["name"]: row for row in json.loads(done.stdout)["plugins"]}
    assert rows["good"]["offers"] == {"model": ["flat"]}
    assert rows["raises"]["status"] == "broken"
    assert rows["gmm"] == {
        "name": "gmm",
        "distribution": "gmmbench",
        "version": rows["file"]["version"],
        "status": "ok",
        "offers": {"model": ["gmm"]},
        "error": None,
    }
    table = command("plugins", PYTHONPATH=beside(site), COLUMNS="200")
    assert "never going to work" in table.stdout
    assert command("plugins", GMMBENCH_BLOCK="kde").returncode == 0
    assert "try --json" in command("plugins", "--jsn").stderr


def test_blocked_plugins_are_not_loaded(installed, monkeypatch):
    monkeypatch.setenv("GMMBENCH_BLOCK", "gmmbench-good, raises")
    known = installed()
    assert status(known, "good").status == "blocked"
    assert status(known, "raises").status == "blocked"
    assert "flat" not in known.classes["model"]
    assert "flat" not in known.choices["model"]


def test_two_owners_of_one_name_are_refused_naming_both(tmp_path, monkeypatch, fresh_registry):
    install(tmp_path / "site", package(tmp_path, "clash", SOURCES["clash"]))
    monkeypatch.syspath_prepend(str(tmp_path / "site"))
    with pytest.raises(Refused) as refused:
        fresh_registry().check()
    line = str(refused.value)
    assert "model 'gmm'" in line
    assert "gmm (gmmbench " in line
    assert "clash (gmmbench-clash 1.2)" in line
    assert line.endswith("try GMMBENCH_BLOCK=clash")
    registry.load.cache_clear()
    monkeypatch.setenv("GMMBENCH_BLOCK", "clash")
    fresh_registry().check()


def test_one_option_of_two_owners_is_refused_naming_both(tmp_path, monkeypatch, fresh_registry):
    source = SOURCES["good"].replace('"flat"', '"flat2"')
    root = package(tmp_path, "second", source, "# Flat.\nname: flat2\nheight: 1.0\n")
    (root / "gmmbench_second/conf/model/flat.yaml").rename(root / "gmmbench_second/conf/model/gmm.yaml")
    install(tmp_path / "site", root)
    monkeypatch.syspath_prepend(str(tmp_path / "site"))
    with pytest.raises(Refused, match=r"choice model=gmm.*gmmbench.*second \(gmmbench-second 1.2\)"):
        fresh_registry().check()


@pytest.mark.parametrize(
    ("file", "text", "said"),
    [
        ("render/mine.yaml", "# Mine.\nname: grid\n", "@package render.mine"),
        ("model/mine.yaml", "name: [", "conf/model/mine.yaml: expected YAML"),
        ("model/mine.yaml", "name: flat\nheigth: 1.0\n", "one too many or too few: height, heigth"),
        (
            "model/mine.yaml",
            "name: flat\ntallness: 2.0\n",
            "conf/model/mine.yaml: tallness: expected its new name, height; try height: 2.0",
        ),
        ("model/mine.yaml", "name: [flat]\nheight: 1.0\n", "the name of a registered model"),
        ("model/mine.yaml", "name: flat\n1: 2\nheight: 1.0\n", "one too many or too few: 1"),
        ("model/mine.yaml", "[" * 5000, "conf/model/mine.yaml: expected YAML"),
        ("model/mine.yaml", "height: 1.0\n", "the name of a registered model"),
        ("experiment/mine.yaml", "defaults: []\n", "@package _global_"),
        ("experiment/mine.yaml", "# @package _global_\nmodel: {}\n", "expected a list of defaults"),
        ("experiment/mine.yaml", "# @package _global_\ndefaults: [\n", "experiment/mine.yaml: expected YAML"),
    ],
)
def test_an_option_that_cannot_work_breaks_its_plugin_alone(
    tmp_path, monkeypatch, fresh_registry, file, text, said
):
    root = package(tmp_path, "third", SOURCES["good"], "# Flat.\nname: flat\nheight: 1.0\n")
    target = root / "gmmbench_third" / "conf" / file
    target.parent.mkdir(exist_ok=True)
    target.write_text(text)
    install(tmp_path / "site", root)
    monkeypatch.syspath_prepend(str(tmp_path / "site"))
    known = fresh_registry()
    assert status(known, "third").status == "broken"
    assert said in status(known, "third").error
    assert "flat" not in known.choices["model"]
    known.check()


def test_a_plugin_may_bring_a_preset(tmp_path, monkeypatch, fresh_registry):
    root = package(tmp_path, "fourth", SOURCES["good"], "# Flat.\nname: flat\nheight: 1.0\n")
    target = root / "gmmbench_fourth" / "conf" / "experiment" / "flat_dog.yaml"
    target.parent.mkdir()
    groups = "".join(
        f"  - override /{group}: {name}\n"
        for group, name in (("image", "dog"), ("model", "flat"), ("render", "grid"))
    )
    target.write_text(f"# @package _global_\n# A flat dog.\ndefaults:\n{groups}\nmodel:\n  height: 2.0\n")
    install(tmp_path / "site", root)
    monkeypatch.syspath_prepend(str(tmp_path / "site"))
    known = fresh_registry()
    assert known.experiments["flat_dog"].summary == "A flat dog."
    assert compose("+experiment=flat_dog").model.height == 2.0


def test_built_ins_pass_through_the_same_hooks():
    known = registry.load()
    for plugin in known.plugins:
        if plugin.distribution == "gmmbench":
            assert plugin.status == "ok", plugin.error
    assert set(known.classes["model"]) >= {"gmm", "bgmm", "lightgbm"}
    assert set(known.classes["render"]) >= {"grid", "sample", "contour"}
    assert set(known.classes["image"]) >= {"file"}
