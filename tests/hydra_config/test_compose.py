"""Configuration: every option of every YAML is there, typed, checked, and refused in one clear line."""

import dataclasses
import typing

import pytest
import yaml

import gmmbench
from gmmbench import Refused, registry
from gmmbench.cli.main import main
from gmmbench.hydra_config.compose import compose
from gmmbench.hydra_config.settings import Settings, StoreSettings
from gmmbench.options import expectation
from gmmbench.registry import conf_folder

CONF = conf_folder()
OPTIONS = [
    (path.parent.name, path.stem)
    for group in registry.GROUPS
    for path in sorted((CONF / group).glob("*.yaml"))
]
GROUPED = pytest.mark.parametrize(("group", "option"), OPTIONS)


def options(group, option):
    return {key: value for key, value in yaml.safe_load(text(group, option)).items() if key != "name"}


def text(group, option):
    return (CONF / group / f"{option}.yaml").read_text(encoding="utf-8")


def cls(group, option):
    return registry.load().lookup(group, yaml.safe_load(text(group, option))["name"])


def prefix(group, option):
    return f"render.{option}" if group == "render" else group


def keys():
    for group, option in OPTIONS:
        for key in options(group, option):
            yield pytest.param(group, option, key, id=f"{group}-{option}-{key}")


@GROUPED
def test_a_yaml_has_exactly_the_fields_of_its_class(group, option):
    assert list(options(group, option)) == [field.name for field in dataclasses.fields(cls(group, option))]


@GROUPED
def test_the_yaml_that_bears_a_class_name_holds_its_defaults(group, option):
    if option != cls(group, option).name:
        pytest.skip(f"{option} is an option that sets other values on purpose")
    made = cls(group, option)()
    assert options(group, option) == dataclasses.asdict(made)


@GROUPED
def test_a_yaml_says_what_it_is_and_how_to_run_it(group, option):
    first = next(line for line in text(group, option).splitlines() if "@package" not in line)
    assert first.startswith("# ")
    assert f"Run: python -m gmmbench {group}={option}" in first or f"{group}={option}" in first


@GROUPED
def test_every_knob_is_explained_beside_its_value(group, option):
    for line in text(group, option).splitlines():
        if line and not line.startswith("#") and not line.startswith("name:"):
            assert "  # " in line, line


@GROUPED
def test_every_option_composes(group, option):
    overrides = [f"{group}={option}", *(["image.path=photo.jpg"] if option == "file" else [])]
    run = compose(*overrides)
    assert run.choices[group] in (option, [option])


def test_no_target_stands_in_a_users_yaml():
    for group, option in OPTIONS:
        assert "_target_" not in text(group, option)


@pytest.mark.parametrize(("group", "option", "key"), list(keys()))
def test_a_mistyped_key_is_named_with_its_nearest(group, option, key):
    wrong = f"{prefix(group, option)}.{key[:-1] + key[-1] * 2}x"
    with pytest.raises(Refused) as refused:
        compose(f"{group}={option}", f"{wrong}=1")
    line = str(refused.value)
    assert line.startswith(f"{wrong}: expected one of ")
    assert line.endswith(f"; try {prefix(group, option)}.{key}")


def wrong_type(kind):
    """A YAML word of another type than the option's."""
    return "{a: 1}" if kind is str or typing.get_origin(kind) is list else "abc"


@pytest.mark.parametrize(("group", "option", "key"), list(keys()))
def test_a_wrong_type_is_refused_naming_the_key(group, option, key):
    kind = typing.get_type_hints(cls(group, option))[key]
    name = f"{prefix(group, option)}.{key}"
    if name == "image.path":
        pytest.skip("whatever is typed is a file's name: see test_file_names_work_as_typed")
    with pytest.raises(Refused) as refused:
        compose(f"{group}={option}", f"{name}={wrong_type(kind)}")
    assert str(refused.value).startswith(f"{name}: expected ")
    assert ", got " in str(refused.value)
    assert "\n" not in str(refused.value)


def out_of_range():
    for group, option in OPTIONS:
        for field in dataclasses.fields(cls(group, option)):
            limits = field.metadata
            values = {
                "low": lambda x: x - 1,
                "above": lambda x: x,
                "high": lambda x: x + 1,
                "below": lambda x: x,
            }
            bad = [change(limits[sign]) for sign, change in values.items() if sign in limits]
            kind = typing.get_type_hints(cls(group, option))[field.name]
            if "choices" in limits:
                bad.append("neither_of_them")
            if kind is float:
                bad += ["nan", "inf"]
            for value in bad:
                word = f"[{value}]" if typing.get_origin(kind) is list else value
                if kind == list[list[float]]:
                    word = f"[{word}]"
                yield pytest.param(group, option, field, word, id=f"{group}-{option}-{field.name}-{word}")


@pytest.mark.parametrize(("group", "option", "field", "word"), list(out_of_range()))
def test_a_value_out_of_range_is_refused_naming_the_key(group, option, field, word):
    name = f"{prefix(group, option)}.{field.name}"
    with pytest.raises(Refused) as refused:
        compose(f"{group}={option}", f"{name}={word}")
    kind = typing.get_type_hints(cls(group, option))[field.name]
    line = str(refused.value)
    assert line.startswith(f"{name}: expected {expectation(kind, field.metadata)}, got ")
    assert "; try " in line


def test_every_number_and_every_word_of_choice_has_a_range():
    """An option without limits would escape the test above: only these are free."""
    free = {"path", "threshold", "ink", "paper"}  # their own checks: see tests/images and tests/renders
    for group, option in OPTIONS:
        for field in dataclasses.fields(cls(group, option)):
            kind = typing.get_type_hints(cls(group, option))[field.name]
            if kind is not bool and field.name not in free:
                assert field.metadata.keys() - {"help", "formerly"}, f"{group}={option}: {field.name}"


@pytest.mark.parametrize(
    ("word", "line"),
    [
        ("seed=-1", "seed: expected a whole number >= 0, got -1; try 0"),
        ("seed=abc", "seed: expected a whole number >= 0, got 'abc'; try 0"),
        ("seed=1.5", "seed: expected a whole number >= 0, got 1.5; try 0"),
        ("seed=true", "seed: expected a whole number >= 0, got true; try 0"),
        ("hold_out=1", "hold_out: expected a number >= 0 and <= 0.9, got 1.0; try 0.2"),
        ("hold_out=nan", "hold_out: expected a number >= 0 and <= 0.9, got nan; try 0.2"),
        ("hold_out.block=0", "hold_out_block: expected a whole number >= 1 and <= 1000, got 0; try 1"),
        ("threads=0", "threads: expected a whole number >= 1 or null, got 0; try null"),
        (
            "model.components=0",
            "model.components: expected a whole number >= 1 and <= 1000000, got 0; try 100",
        ),
        ("model.componets=5", "model.componets: expected one of name, components"),
        ("+model.foo=5", "model.foo: expected one of components"),
        ("model=gmmm", "model: expected one of bgmm, experts, gmm"),
        ("image=butterly", "; try butterfly"),
        ("image=photo.jpg", "; for a file of your own, image.path=photo.jpg"),
        ("render=null", "render: expected one of channels, collage"),
        ("render=[]", "render: expected one or more of"),
        ("render=[grid,sampel]", "; try sample"),
        ("model=null", "model: expected one of"),
        ("image=null", "image: expected one of"),
        ("modle=gmm", "; try model"),
        ("model.name=gmn", "; try gmm"),
        ("+extra=1", "extra: expected one of"),
        ("model.components=${nothing}", "model.components"),
        ("a b", "expected key=value"),
        ("model.components=[1", "expected key=value"),
    ],
)
@pytest.mark.parametrize("door", ["python", "command"])
def test_what_cannot_be_is_refused_in_one_line(word, line, door, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    if door == "python":
        with pytest.raises(Refused) as refused:
            compose(word)
        said = str(refused.value)
    else:
        assert main([word] if "=" in word else ["seed=0", word]) in (1, 2)
        said = capsys.readouterr().err
        assert said.startswith("gmmbench: ")
        assert said.endswith("\n")
    assert line in said
    assert "\n" not in said.strip("\n")
    assert list(tmp_path.iterdir()) == []


def test_settings_are_the_keys_at_the_top():
    top = yaml.safe_load((CONF / "config.yaml").read_text(encoding="utf-8"))
    names = {field.name: field.default for field in dataclasses.fields(Settings)}
    assert {key: value for key, value in top.items() if key not in ("defaults", "hydra", "store")} == names
    assert top["store"] == {field.name: field.default for field in dataclasses.fields(StoreSettings)}


def test_several_renderers_are_drawn_in_one_run():
    run = gmmbench.compose("render=[grid,grid_log,sample]", "render.grid_log.size=7")
    assert list(run.renders) == ["grid", "grid_log", "sample"]
    assert run.renders["grid_log"].size == 7
    assert run.renders["grid"].size is None


@pytest.mark.parametrize(
    "name",
    ["a b.png", "a[1].png", "{x}.png", "k=v,w.png", "é ü 漢.png", "it's.png", 'q"q.png', "back\\slash.png",
     "end\\", "${x}.png", "\\${x}.png", "$HOME.png", "a:b.png", "#1.png", "(1).png",
     "'quoted.png", "null", "~x.png", " x"],
)  # fmt: skip
def test_file_names_work_as_typed(name, tmp_path):
    path = str(tmp_path / name)
    assert compose(f"image.path={path}").image.path == path


def test_quotes_that_the_user_typed_are_the_users(tmp_path):
    assert compose(f"image.path='{tmp_path}/a b.png'").image.path == f"{tmp_path}/a b.png"
