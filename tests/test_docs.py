"""The documents say what is so: their commands run, their code works, their tables are whole."""

import inspect
import json
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

import gmmbench
from gmmbench import hookspecs, registry
from gmmbench.cli.main import main
from gmmbench.hydra_config import presets
from gmmbench.scoring.catalogue import SCORES

ROOT = Path(__file__).parents[1]
PAGES = [
    ROOT / "README.md",
    *sorted((ROOT / "docs").glob("*.md")),
    ROOT / "plugins" / "gmmbench-kde" / "README.md",
]
SMALL = {"image.max_side": "60"}  # the commands are run as they stand, but on small images
ELSEWHERE = ("hydra/launcher=cluster", "hydra/launcher=ray_workers", "hydra/sweeper=search")
"""What documented commands ask for that a machine may not have: SLURM, Ray, Optuna."""

MADE = {"image.side": "60"}  # those that are made
MADE_IMAGES = ("image=two_circles", "image=two_clusters", "image=mixture_1d")
QUICK = {
    "render=sample": ["render.sample.sizes=[100,200]", "render.sample.size=200"],
    "render=slices": ["render.slices.frames=3"],
    "render=sampling": ["render.sampling.fast=3", "render.sampling.samples=100"],
    "model=lightgbm": ["model.trees=10"],
}
"""What else makes a preset quick, by what it names."""
FEWER = ["hydra.sweeper.params.seed=0", "hydra.sweeper.params.model='uniform,histogram'"]
"""What makes a preset that is a sweep quick."""
MANY, FEW = re.compile(r"model\.components=\d\d+"), "model.components=20"
SWEPT = re.compile(r"^(model\.components=\d+,\d+),.*")  # of more than two sizes, two


def blocks(page, language):
    return re.findall(rf"^```{language}\n(.*?)^```", page.read_text(encoding="utf-8"), re.M | re.S)


def commands():
    for page in PAGES:
        for block in blocks(page, "sh"):
            for line in block.splitlines():
                if line.startswith("python -m gmmbench"):
                    yield pytest.param(line, id=f"{page.name}: {line[19:70]}")


def first_comment_commands():
    for path in sorted([*(ROOT / "conf").glob("*/*.yaml"), *(ROOT / "plugins").glob("*/*/conf/*/*.yaml")]):
        line = next(x for x in path.read_text(encoding="utf-8").splitlines() if "@package" not in x)
        yield pytest.param(line.split("Run: ")[1], id=path.stem)


def each_once():
    """Pages repeat the commands of options and presets: a line is run once."""
    return {case.values[0]: case for case in [*first_comment_commands(), *commands()]}.values()


@pytest.mark.parametrize("line", each_once())
def test_a_documented_command_runs(line, tmp_path, monkeypatch, capsys):
    if "model=blur" in line:
        pytest.skip("the walkthrough's own plugin: see test_the_walkthrough_is_a_plugin_that_works")
    elsewhere = [word for word in ELSEWHERE if word in line]
    if elsewhere:
        pytest.skip(f"{elsewhere[0]} runs elsewhere: see tests/sweeps, which composes it and runs its like")
    shutil.copy(ROOT / "gmmbench/images/data/dog.png", tmp_path / "photo.jpg")  # any image will do
    words = shlex.split(line)
    assert words[:3] == ["python", "-m", "gmmbench"]
    if any("=" in word for word in words):
        known = {word.partition("=")[0] for word in words}
        # A preset stands for its words: its sizes are made small, too.
        named = [
            f"{key}={value}" for name in presets.chosen(words) for key, value in presets.choices(name).items()
        ]
        turned = [option for name in presets.chosen(words) for option in presets.settings(name)]
        words += [word for name in named for word in QUICK.get(name, ())]
        words += [word for name in presets.chosen(words) if presets.swept(name) for word in FEWER]
        made = any(word in [*words, *named] for word in MADE_IMAGES)
        words += [f"{key}={value}" for key, value in (MADE if made else SMALL).items() if key not in known]
        words = [FEW if MANY.fullmatch(word) else SWEPT.sub(r"\1", word) for word in words]
        words += [FEW] if any(map(MANY.fullmatch, turned)) and not known & {"model.components"} else []
    # In this process, which has its libraries loaded: that a process of its own works, test_cli shows.
    monkeypatch.chdir(tmp_path)
    assert main(words[3:]) == 0, capsys.readouterr().err
    if not {"--help", "plugins", "store"} & set(words):
        assert list(tmp_path.rglob("report.json"))


def test_a_documented_refusal_is_what_is_said(tmp_path):
    for block in blocks(ROOT / "README.md", "console"):
        command, said = block.strip().split("\n", 1)
        words = shlex.split(command.removeprefix("$ "))
        done = subprocess.run(
            [sys.executable, *words[1:]], cwd=tmp_path, capture_output=True, text=True, check=False
        )
        assert done.stderr.strip() == said
        assert done.returncode != 0


def test_the_python_of_the_readme_works(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (code,) = blocks(ROOT / "README.md", "python")
    exec(compile(code, "README.md", "exec"), {})
    names = {path.name for path in (tmp_path / "my_run").iterdir()}
    assert names >= {"grid.png", "sample.png", "report.json"}
    assert "bits per held-out ink pixel" in capsys.readouterr().out


@pytest.mark.parametrize(("name", "group"), [("blur", "model"), ("steps", "render")])
def test_the_walkthrough_is_a_plugin_that_works(name, group, tmp_path, monkeypatch):
    """The examples of docs/plugins.md, their YAML beside them, installed by hand and run."""
    page = ROOT / "docs/plugins.md"
    module = next(code for code in blocks(page, "python") if f'name = "{name}"' in code)
    option = next(text for text in blocks(page, "yaml") if f"name: {name}" in text)
    (tmp_path / f"gmmbench_{name}" / "conf" / group).mkdir(parents=True)
    (tmp_path / f"gmmbench_{name}" / "__init__.py").write_text(module)
    (tmp_path / f"gmmbench_{name}" / "conf" / group / f"{name}.yaml").write_text(option)
    info = tmp_path / f"gmmbench_{name}-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: gmmbench-{name}\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(f"[gmmbench]\n{name} = gmmbench_{name}\n")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    choice = [f"{group}={name}", *(["render=[grid,sample]"] if group == "model" else ["model.components=5"])]
    run = [sys.executable, "-m", "gmmbench", *choice, "image.max_side=60", "hydra.run.dir=out"]
    done = subprocess.run(run, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "out" / ("sample.png" if group == "model" else "steps.png")).exists()
    run = [*run[:-1], "hydra.run.dir=again", "render=grid"] if group == "model" else run
    done = subprocess.run(run, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert ("fit from the store" if group == "model" else "done already") in done.stdout, done.stderr


def test_every_hook_stands_in_the_plugin_page_with_its_signature():
    page = (ROOT / "docs/plugins.md").read_text(encoding="utf-8")
    found = [item for name, item in vars(hookspecs).items() if name.startswith("gmmbench_")]
    assert len(found) == 3
    for hook in found:
        assert f"def {hook.__name__}{inspect.signature(hook)}: ...".replace("'", "") in page


def test_every_public_name_stands_in_the_plugin_page():
    page = (ROOT / "docs/plugins.md").read_text(encoding="utf-8")
    for name in gmmbench.__all__:
        assert f"`{name}`" in page, name
        assert inspect.getdoc(getattr(gmmbench, name)) or name == "Floats"


def test_every_option_stands_in_the_readme():
    page = (ROOT / "README.md").read_text(encoding="utf-8")
    for group in registry.GROUPS:
        for path in (ROOT / "conf" / group).glob("*.yaml"):
            if path.stem != "file":
                assert f"`{path.stem}`" in page, path.stem


def test_every_key_of_a_report_is_documented():
    page = (ROOT / "docs/report.md").read_text(encoding="utf-8")
    run = gmmbench.compose("image.max_side=30", "model.components=2")
    data = json.loads(gmmbench.Report.of(gmmbench.execute(run)).to_json())
    for key in data:
        assert f"`{key}`" in page, key
    for part in ("log_likelihood", "fit", "cost", "pixels", "details"):
        for key in data[part]:
            assert f"`{key}`" in page, f"{part}.{key}"


def glossary():
    """(term, name in the code) of every row of the glossary that has one."""
    for line in (ROOT / "docs/glossary.md").read_text(encoding="utf-8").splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if line.startswith("| ") and len(cells) == 3:
            for name in re.findall(r"`([^`]+)`", cells[2]):
                yield cells[0], name


@pytest.mark.parametrize(("term", "name"), list(glossary()))
def test_a_name_in_the_glossary_is_an_option_a_class_or_a_score(term, name):
    options = set(yaml.safe_load((ROOT / "conf/config.yaml").read_text(encoding="utf-8")))
    options |= {f"store.{key}" for key in ("use", "dir")}
    for group, choices in registry.load().choices.items():
        for choice, file in choices.items():
            prefix = f"render.{choice}" if group == "render" else group
            options |= {f"{prefix}.{key}" for key in file.tree()}
    assert name in {*options, *gmmbench.__all__, *SCORES}, term


def test_links_and_pictures_are_there():
    for page in PAGES:
        for target in re.findall(r"\]\(([^)#]+)\)", page.read_text(encoding="utf-8")):
            if not target.startswith("http"):
                assert (page.parent / target).exists(), f"{page.name}: {target}"


def test_the_page_of_the_house_names_every_station_and_module_at_the_top():
    page = (ROOT / "docs/architecture.md").read_text(encoding="utf-8")
    for path in (ROOT / "gmmbench").iterdir():
        if path.suffix == ".py" and not path.name.startswith("__"):
            assert f"`{path.name}`" in page, path.name
        elif (path / "__init__.py").is_file():
            assert f"`{path.name}/`" in page, path.name


def test_the_picture_of_the_stations_has_the_arrows_of_the_code():
    """Numbers of lines may lag behind; stations and arrows may not."""
    path = ROOT / "docs/make_stations.py"
    scope = {"__file__": str(path), "__name__": "make_stations"}
    exec(compile(path.read_text(encoding="utf-8"), path.name, "exec"), scope)

    def without_lines(text):
        return re.sub(r">[\d,]+ lines<", "", text)

    drawn = (ROOT / "docs/stations.svg").read_text(encoding="utf-8")
    assert without_lines(drawn) == without_lines(scope["svg"]()), "run python docs/make_stations.py"


def gallery():
    """The script's names, and the facts it wrote."""
    path = ROOT / "docs/make_gallery.py"
    scope = {"__file__": str(path), "__name__": "make_gallery"}
    exec(compile(path.read_text(encoding="utf-8"), path.name, "exec"), scope)
    return scope, json.loads((ROOT / "docs/gallery/facts.json").read_text(encoding="utf-8"))


def test_the_gallery_is_what_its_script_writes_of_every_preset():
    scope, told = gallery()
    assert (ROOT / "docs/gallery.md").read_text(encoding="utf-8") == scope["page"](told), "try --page"
    facts = {name: fact for name, fact in told.items() if name != scope["WHOLE"]}
    assert set(facts) == {name for name in registry.load().experiments if not presets.swept(name)}
    for fact in facts.values():
        assert (ROOT / "docs/gallery" / fact["file"]).stat().st_size == fact["bytes"] <= scope["MOST"]
    assert {path.name for path in (ROOT / "docs/gallery").iterdir()} == {
        "facts.json",
        *(fact["file"] for fact in facts.values()),
    }
    assert sum(fact["bytes"] for fact in facts.values()) < 6_000_000


def test_the_gallery_shows_the_command_and_the_words_of_every_preset_as_it_is_now():
    page = (ROOT / "docs/gallery.md").read_text(encoding="utf-8")
    for name, option in registry.load().experiments.items():
        if presets.swept(name):
            continue
        assert f"`python -m gmmbench +experiment={name}`" in page
        assert option.summary.rstrip(".") in page
        assert f"`{presets.in_shell(presets.choices(name), presets.settings(name))}`" in page


def test_the_pictures_of_the_readme_are_those_of_the_commands_below_them():
    rows = [
        line for line in (ROOT / "README.md").read_text(encoding="utf-8").splitlines() if line[:2] == "| "
    ]
    shown = re.findall(r"docs/gallery/(\w+)\.\w+\)", "".join(rows))
    assert re.findall(r"`\+experiment=(\w+)`", "".join(rows)) == shown
    assert len(shown) == 6


def test_ci_runs_the_readmes_test_command():
    (line,) = [
        text for block in blocks(ROOT / "README.md", "sh") for text in block.splitlines() if "pytest" in text
    ]
    assert line in (ROOT / ".ci/run").read_text(encoding="utf-8")


def test_citation_and_package_agree():
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    assert citation["version"] == gmmbench.__version__
    assert f"## {gmmbench.__version__}" in (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")


def test_docstring_examples_are_true():
    import doctest

    import gmmbench.hydra_config.compose
    import gmmbench.images.file
    import gmmbench.mixture.distributions.gaussian
    import gmmbench.options
    import gmmbench.running.execute

    modules = (
        gmmbench.hydra_config.compose,
        gmmbench.images.file,
        gmmbench.options,
        gmmbench.mixture.distributions.gaussian,
        gmmbench.running.execute,
    )
    for module in modules:
        result = doctest.testmod(module)
        assert result.attempted > 0, module.__name__
        assert result.failed == 0, module.__name__
