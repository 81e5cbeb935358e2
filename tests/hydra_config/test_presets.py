"""Presets: every picture of the essay is a word with the essay's numbers, and mixes with no other option."""

import csv
import inspect
from functools import cache

import pytest
import yaml

import gmmbench
from gmmbench import Refused, registry
from gmmbench.cli.help import page
from gmmbench.cli.main import main
from gmmbench.hydra_config import presets
from gmmbench.hydra_config.compose import compose
from gmmbench.hydra_config.settings import Settings

PRESETS = sorted(path.stem for path in (registry.conf_folder() / "experiment").glob("post_*.yaml"))
EACH = pytest.mark.parametrize("name", PRESETS)
FOUR = [20_000, 40_000, 50_000, 100_000]

# Row of the essay's table -> preset -> (image, model, K, the options that make the picture what it is).
ROWS = {
    1: {"post_mixture_1d_weights": ("mixture_1d", "gmm", 3, {"density1d.weights": 4})},
    2: {
        "post_mixture_1d": ("mixture_1d", "gmm", 3, {"density1d.components": True, "density1d.rug": 250}),
        "post_photo_levels": ("cat", "gmm", 3, {"density1d.components": True, "density1d.rug": 250}),
    },
    3: {
        "post_sampling_1d": ("mixture_1d", "gmm", 3, {"sampling.slow": 6}),
        "post_sampling": ("two_clusters", "gmm", 2, {"sampling.slow": 6}),
        "post_dog_sampling": ("dog", "gmm", 500, {"sampling.slow": 6}),
    },
    4: {
        "post_circles_contour": ("two_circles", "gmm", 2, {"contour.filled": False}),
        "post_clusters_contour": ("two_clusters", "gmm", 2, {"contour.filled": False}),
    },
    6: {
        "post_slices": ("two_clusters", "gmm", 2, {"slices.frames": 60}),
        "post_dog_slices": ("dog", "gmm", 500, {"slices.frames": 60}),
    },
    7: {"post_points": ("butterfly", "gmm", 500, {"points.point_size": 1.0})},
    8: {
        f"post_{name}_contour": (image, "gmm", 500, {"contour.filled": True})
        for name, image in (("dog", "dog"), ("butterfly", "butterfly"), ("wave", "horse"))
    },
    9: {
        "post_dog_samples": ("dog", "gmm", 500, {"sample.sizes": FOUR[:2]}),
        "post_butterfly_samples": ("butterfly", "gmm", 500, {"sample.sizes": FOUR}),
        "post_wave_samples": ("horse", "gmm", 500, {"sample.sizes": FOUR}),
    },
    10: {
        f"post_{name}_grid": (image, "gmm", 500, {"grid.mapping": "linear"})
        for name, image in (("dog", "dog"), ("butterfly", "butterfly"), ("wave", "horse"))
    },
    11: {
        f"post_{name}_mapping": (image, "gmm", 500, {"grid.mapping": "piecewise", "grid.show_map": True})
        for name, image in (("butterfly", "butterfly"), ("wave", "horse"))
    },
    13: {"post_channels": ("china", "gmm", 1000, {"channels.fit": True})},
    15: {
        "post_colour_samples": (
            "china", "gmm", 1000, {"sample.sizes": [10_000, *FOUR], "sample.layout": "staggered"},
        ),
    },
    16: {"post_colour_grid": ("china", "gmm", 1000, {"grid.show": "mean"})},
    17: {
        "post_lightgbm": ("butterfly", "lightgbm", None, {"grid.mapping": "linear"}),
        "post_colour_lightgbm": ("china", "lightgbm", None, {"grid.show": "mean"}),
    },
    18: {
        "post_bayesian": ("butterfly", "bgmm", 500, {"components.deviations": 2.0}),
        "post_infinite": ("butterfly", "infinite", 50, {"components.deviations": 2.0}),
    },
}  # fmt: skip


@cache
def whole(name):
    return compose(f"+experiment={name}")


@pytest.mark.parametrize(("row", "name"), [(row, name) for row, found in ROWS.items() for name in found])
def test_a_preset_has_the_numbers_of_the_essay(row, name):
    image, model, components, options = ROWS[row][name]
    run = whole(name)
    assert (run.choices["image"], run.choices["model"]) == (image, model)
    assert getattr(run.model, "components", None) == components
    for key, value in options.items():
        render, _, option = key.partition(".")
        found = getattr(run.renders[render], option)
        assert (len(found) if option == "weights" else found) == value


def test_no_preset_is_without_its_row():
    assert sorted(name for found in ROWS.values() for name in found) == PRESETS


@EACH
def test_a_preset_says_what_it_draws_and_how_to_run_it(name):
    option = registry.load().experiments[name]
    package, what = option.path.read_text(encoding="utf-8").splitlines()[:2]
    assert package == "# @package _global_"
    assert what.endswith(f".  Run: python -m gmmbench +experiment={name}")
    assert len(option.summary) > 30


@EACH
def test_a_preset_names_every_group_and_only_options_that_exist(name):
    known = registry.load().choices
    named = presets.choices(name)
    assert set(named) == set(registry.GROUPS)
    for group, option in named.items():
        assert set(option.strip("[]").replace(" ", "").split(",")) <= set(known[group])


@EACH
def test_a_preset_turns_no_knob_but_those_of_its_options_and_says_nothing_twice(name):
    tree = yaml.safe_load(registry.load().experiments[name].path.read_text(encoding="utf-8"))
    assert set(tree) <= {"defaults", *registry.GROUPS, *inspect.signature(Settings).parameters}
    for word in presets.settings(name):
        assert word not in _defaults(name), f"{word} is so already"


def _defaults(name):
    """Every option of a preset's choices as it would be typed, at its default."""
    known = registry.load().choices
    for group, named in presets.choices(name).items():
        for option in named.strip("[]").split(","):
            prefix = f"render.{option}" if group == "render" else group
            yield from presets.overrides_of(known[group][option].tree(), f"{prefix}.")


@EACH
def test_the_words_of_a_preset_say_the_same_without_it(name):
    options = [f"{group}={option}" for group, option in presets.choices(name).items()]
    spelled, short = compose(*options, *presets.settings(name)), whole(name)
    assert (spelled.image, spelled.model, spelled.renders) == (short.image, short.model, short.renders)


def test_knobs_of_a_presets_own_options_can_be_turned(tmp_path):
    photo = tmp_path / "my.jpg"
    run = compose(
        "+experiment=post_wave_samples", "model.components=50", f"image.path={photo}", "image.max_side=200",
        "render.sample.sizes=[10]", "seed=3", "model=gmm",
    )  # fmt: skip
    assert (run.model.components, run.image.max_side, run.image.path) == (50, 200, str(photo))
    assert (run.renders["sample"].sizes, run.seed) == ([10], 3)


def test_mount_fuji_appears_in_the_great_wave(shared):
    """A print of one's own in a preset's place: the mountain's snow is told from the dark sky about it."""
    print_ = shared / "wave_met_1930.jpg"
    small = ["image.max_side=600", "render.grid.show_map=false"]
    run = compose("+experiment=post_wave_mapping", f"image.path={print_}", *small)
    darkness = 1 - gmmbench.execute(run).pictures["grid"].pixels.mean(axis=2) / 255
    height, width = darkness.shape

    def around(x, y):
        row, column = round(y * height), round(x * width)
        return darkness[row - 3 : row + 4, column - 3 : column + 4].mean()

    assert around(0.637, 0.68) < 0.6 * min(around(0.58, 0.68), around(0.70, 0.68))


def test_the_plus_may_be_left_out():
    assert compose("experiment=post_slices").choices == compose("+experiment=post_slices").choices


REFUSED = [
    (
        ["+experiment=post_butterfly_grid", "model=bgmm"],
        "model=bgmm with +experiment=post_butterfly_grid: expected model=gmm, whose "
        "options the preset sets, got another choice; try "
        "image=butterfly model=bgmm render=grid image.view=ink",
    ),
    (["model=lightgbm", "experiment=post_points"], "model=lightgbm with +experiment=post_points: expected"),
    (["+experiment=post_points", "image=dog"], "image=dog with +experiment=post_points: expected"),
    (
        ["+experiment=post_points", "render=[points,grid]"],
        "'render=[points,grid]' image.view=ink model.components=500",
    ),
    (["+experiment=post_buterfly_grid"], "; try post_butterfly_grid"),
    (["+experiment="], "experiment: expected one of compare_models, post_bayesian, "),
    (["+experiment=[post_points,post_slices]"], "expected one preset, got several; try -m +experiment="),
    (["+experiment=post_points", "+experiment=post_slices"], "expected one preset, got several"),
    (["+experiment=post_points,post_slices"], "expected one value, got several; try -m for a sweep"),
    (["+experiment=post_points", "render.grid.size=4"], "render.grid: expected one of points"),
    (["+experiment=post_points", "model.componets=4"], "; try model.components"),
    (["+experiment=post_slices", "image.path=my.jpg"], "image.path: expected one of name, side"),
]


@pytest.mark.parametrize(
    ("words", "line"), REFUSED, ids=lambda value: value[-1] if isinstance(value, list) else ""
)
@pytest.mark.parametrize("door", ["python", "command"])
def test_what_does_not_go_with_a_preset_is_refused_in_one_line(
    words, line, door, capsys, tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    if door == "python":
        with pytest.raises(Refused) as refused:
            compose(*words)
        said = str(refused.value)
    else:
        assert main(words) in (1, 2)
        said = capsys.readouterr().err
    assert line in said
    assert "\n" not in said.strip("\n")
    assert list(tmp_path.iterdir()) == []


def test_a_sweep_over_presets_is_refused_as_a_whole_before_any_job(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert main(["-m", "+experiment=post_points,post_slices", "image=butterfly"]) == 1
    assert "image=butterfly with +experiment=post_slices" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_presets_can_be_swept(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    words = ["-m", "+experiment=post_dog_grid,post_dog_contour", "image.max_side=40", "model.components=5"]
    assert main([*words, "hydra.sweep.dir=out"]) == 0
    assert {path.name for path in tmp_path.glob("out/*/*.png")} == {
        "original.png",
        "grid.png",
        "contour.png",
    }


def test_help_lists_the_presets_and_shows_one():
    told = page([])
    for name in PRESETS:
        assert f"  {name} " in told
    told = page(["+experiment=post_butterfly_mapping"])
    assert (
        "image=butterfly model=gmm render=grid image.view=ink model.components=500 render.grid.mapping"
        in told
    )
    assert "Options of image=butterfly" in told


def test_a_preset_leaves_no_key_of_its_own(tmp_path):
    run = compose("+experiment=post_slices", "image.side=40", "render.slices.frames=0")
    gmmbench.save(gmmbench.execute(run), tmp_path / "run")
    assert "experiment" not in yaml.safe_load((tmp_path / "run" / "config.yaml").read_text())


def test_a_preset_that_is_a_sweep_says_so_and_names_what_exists():
    sweeps = {name for name in registry.load().experiments if presets.swept(name)}
    assert sweeps == set(registry.load().experiments) - set(PRESETS) == {"compare_models"}
    swept, known = presets.swept("compare_models"), registry.load().choices
    for group in ("image", "model"):
        assert set(swept[group].split(",")) <= set(known[group])
    assert {"uniform", "histogram", "gmm", "bgmm", "infinite", "lightgbm"} == set(swept["model"].split(","))
    assert len(swept["seed"].split(",")) == 3


def test_a_comparison_is_one_word(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    small = ("image.max_side=24", "hydra.sweeper.params.seed=0", "hydra.sweep.dir=s")
    few = ("hydra.sweeper.params.model='uniform,histogram'", "hydra.sweeper.params.image='dog,butterfly'")
    assert main(["+experiment=compare_models", *small, *few]) == 0, capsys.readouterr().err
    text = (tmp_path / "s" / "comparison.csv").read_text(encoding="utf-8")
    found = list(csv.DictReader(text.splitlines()))
    assert sorted((row["image"], row["model"]) for row in found) == [
        ("butterfly", "histogram"), ("butterfly", "uniform"), ("dog", "histogram"), ("dog", "uniform"),
    ]  # fmt: skip
    assert (tmp_path / "s" / "comparison.html").is_file()


def test_what_a_preset_sweeps_is_not_swept_beside_it(capsys):
    assert main(["+experiment=compare_models", "model=gmm"]) == 1
    said = capsys.readouterr().err
    assert "model=gmm with +experiment=compare_models: expected model=uniform," in said
    assert "try -m " in said
