"""The Hydra door: the search path, typed building of a run, and Hydra's errors in one line."""

from __future__ import annotations

import dataclasses
import typing
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar, cast

from hydra import compose as hydra_compose
from hydra import initialize_config_dir
from hydra.core.config_search_path import ConfigSearchPath
from hydra.core.global_hydra import GlobalHydra
from hydra.core.plugins import Plugins
from hydra.errors import HydraException, MissingConfigException, OverrideParseException
from hydra.experimental.callback import Callback
from hydra.plugins.search_path_plugin import SearchPathPlugin
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import (
    ConfigAttributeError,
    ConfigKeyError,
    InterpolationResolutionError,
    OmegaConfBaseException,
    ValidationError,
)

from . import registry
from .api import Choice, ImageSource, Model, Renderer, Run
from .knobs import Refused, check_knobs, knob, nearest, refusal, shown, unknown

T = TypeVar("T")

VERSION_BASE = "1.3"


@dataclass(frozen=True)
class Settings:
    """The knobs at the top of config.yaml."""

    seed: int = knob(0, "every random draw follows from it", low=0)
    hold_out: float = knob(0.2, "share of the pixels kept from the fit", low=0, high=0.9)
    threads: int | None = knob(None, "threads a fit may use (null: all cores)", low=1)

    def __post_init__(self) -> None:
        check_knobs(self)


class PluginConfigs(SearchPathPlugin):
    """Puts every plugin's `conf` folder on Hydra's search path: plugins need not know Hydra."""

    def manipulate_search_path(self, search_path: ConfigSearchPath) -> None:
        """Append the folders."""
        for name, folder in registry.load().folders():
            search_path.append(f"gmmbench-plugin-{name}", f"file://{folder.resolve()}")


class RememberFolder(Callback):
    """Remembers where Hydra writes, for what comes to nothing to be tidied: it is told nowhere else."""

    run: typing.ClassVar[Path | None] = None
    sweep: typing.ClassVar[Path | None] = None

    def on_run_start(self, config: DictConfig, **kwargs: Any) -> None:
        """Take down `hydra.run.dir`."""
        type(self).run = Path(str(config.hydra.run.dir))

    def on_multirun_start(self, config: DictConfig, **kwargs: Any) -> None:
        """Take down `hydra.sweep.dir`."""
        type(self).sweep = Path(str(config.hydra.sweep.dir))


def open_door() -> str:
    """Register our search path with Hydra; return the folder of our own YAML files."""
    registry.load().check()
    Plugins.instance().register(PluginConfigs)
    return str(registry.conf_folder().resolve())


def compose(*overrides: str) -> Run:
    """A Run from the same words as the command line.

    Args:
        overrides: such as "image=dog", "model.components=50", "render=[grid,sample]".

    Raises:
        Refused: one line that says what was expected, what came, and what to try.

    Example:
        >>> import gmmbench
        >>> gmmbench.compose("model.components=7").model.components
        7
    """
    try:
        cfg = _composed([quoted(override, sweep=False) for override in overrides])
        with_hydra = OmegaConf.to_container(cfg.hydra.runtime.choices)
        assert isinstance(with_hydra, dict)
        del cfg["hydra"]
        return build(cfg, {str(key): value for key, value in with_hydra.items()})
    except Refused:
        raise
    except (HydraException, OmegaConfBaseException, ValueError) as error:
        # ValueError: Hydra's own for `model=null`.
        raise Refused(explain(error, overrides)) from error


def build(cfg: DictConfig, choices: Mapping[str, Any]) -> Run:
    """A Run from a composed config, every value checked. Raises Refused.

    Args:
        cfg: the config without its `hydra` part.
        choices: which option was taken in each group (`hydra.runtime.choices`).
    """
    tree = OmegaConf.to_container(cfg, resolve=True)
    assert isinstance(tree, dict)
    extra = [str(key) for key in tree if key not in {*_fields(Settings), *registry.GROUPS}]
    if extra:
        raise Refused(unknown(extra[0], extra[0], [*_fields(Settings), *registry.GROUPS]))
    settings = typed("", Settings, {key: tree[key] for key in _fields(Settings) if key in tree})
    renders = tree.get("render")
    if not isinstance(renders, dict) or not renders:
        raise Refused(
            f"render: expected one or more of {', '.join(registry.load().options['render'])}, "
            f"got {shown(renders)}; try render=grid or render=[grid,sample]"
        )
    options = {group: choices[group] for group in registry.GROUPS if choices.get(group) is not None}
    return Run(
        image=cast(ImageSource, _chosen("image", tree.get("image"))),
        model=cast(Model, _chosen("model", tree.get("model"))),
        renders={
            str(option): cast(Renderer, _chosen("render", knobs, f"render.{option}"))
            for option, knobs in renders.items()
        },
        seed=settings.seed,
        hold_out=settings.hold_out,
        threads=settings.threads,
        options=options,
    )


def _chosen(group: str, tree: Any, prefix: str | None = None) -> Choice:
    """The plugin that a part of the config names; the registry holds none but its group's classes."""
    known = registry.load()
    if not isinstance(tree, dict) or "name" not in tree:
        names = ", ".join(known.options[group])
        raise Refused(f"{prefix or group}: expected one of {names}, got {shown(tree)}")
    cls = known.lookup(group, str(tree["name"]))
    return typed(f"{prefix or group}.", cls, {key: tree[key] for key in tree if key != "name"})


def typed(prefix: str, cls: type[T], values: Mapping[str, Any]) -> T:
    """An instance of a dataclass of knobs from YAML values.

    Raises:
        Refused: an unknown key, a wrong type, or a value out of range; the line begins with the key.
    """
    fields = _fields(cls)
    for key in values:
        if key not in fields:
            raise Refused(unknown(f"{prefix}{key}", str(key), fields))
    kinds = typing.get_type_hints(cls)
    plain = {}
    for key, value in values.items():
        schema = OmegaConf.structured(cls)
        try:
            # A text for a number is refused unless it is one; true is no number though it counts as 1.
            if isinstance(value, bool) and bool not in (kinds[key], *typing.get_args(kinds[key])):
                raise ValidationError("a truth value")
            value = _with_points(value) if kinds[key] == list[list[float]] else value  # noqa: PLW2901
            plain[key] = OmegaConf.to_container(OmegaConf.merge(schema, {key: value}))[key]  # type: ignore[index,call-overload]  # a dataclass gives a dict
        except OmegaConfBaseException:
            raise Refused(prefix + refusal(fields[key], kinds[key], value)) from None
    try:
        return cls(**plain)
    except Refused as error:
        raise Refused(f"{prefix}{error}") from None


def _with_points(value: Any) -> Any:
    """Whole numbers as floats: in a list of lists OmegaConf takes no 0 for 0.0."""
    if isinstance(value, list):
        return [_with_points(item) for item in value]
    return float(value) if isinstance(value, int) and not isinstance(value, bool) else value


def quoted(override: str, sweep: bool) -> str:
    """An override whose file name is protected from Hydra's grammar: names work as typed.

    In a sweep, `image.path=a.png,b.png` names two files unless one file has that name.
    """
    key, equals, value = override.partition("=")
    if key.lstrip("+") != "image.path" or not equals:
        return override
    whole = value in ("", "null") or Path(value).expanduser().exists()
    if not whole and len(value) > 1 and value[0] == value[-1] and value[0] in "'\"":
        return override  # quoted by the user already
    parts = [value]
    if sweep and not whole and all(Path(part).expanduser().exists() for part in value.split(",")):
        parts = value.split(",")
    return f"{key}=" + ",".join(_quote(part) for part in parts)


def _quote(text: str) -> str:
    # In Hydra's quoted strings a backslash matters only before a quote; "${" would be an interpolation.
    body = text.replace("${", r"\${")
    head = body.rstrip("\\")
    tail = body[len(head) :] * 2
    out = []
    run = 0
    for letter in head:
        if letter == '"':
            out.append("\\" * run + '\\"')
        else:
            out.append(letter)
        run = run + 1 if letter == "\\" else 0
    return '"' + "".join(out) + tail + '"'


def explain(error: BaseException, overrides: Sequence[str]) -> str:
    """One line for an error of Hydra's or OmegaConf's: what was expected, got, and what to try."""
    for link in _chain(error):
        if isinstance(link, MissingConfigException) and link.missing_cfg_file:
            group, _, option = str(link.missing_cfg_file).rpartition("/")
            line = unknown(group or "config", option, link.options or registry.load().options.get(group, ()))
            if group == "image" and "." in option:
                line += f"; for a file of your own, image.path={option}"
            return line
        if isinstance(link, ConfigAttributeError | ConfigKeyError) and link.full_key:
            keys = _known_keys(overrides)
            near = nearest(str(link.full_key), keys)
            parent = str(link.full_key).rpartition(".")[0]
            siblings = [key.rpartition(".")[2] for key in keys if key.rpartition(".")[0] == parent]
            expected = f"one of {', '.join(siblings)}" if siblings else "a key that exists"
            return f"{link.full_key}: expected {expected}, got an unknown key" + (
                f"; try {near}" if near else ""
            )
        if isinstance(link, OverrideParseException):
            return (
                f"{link.override}: expected key=value, got what cannot be read as such; "
                "try quotes round a value with special characters"
            )
        if isinstance(link, HydraException) and str(link).startswith(MERGING):
            key, _, value = str(link).splitlines()[0][len(MERGING) :].partition("=")
            usual = OmegaConf.select(_usual(overrides), key)
            return f"{key}: expected a value such as {usual}, got {value}; try {key}={usual}"
    for word in overrides:
        group, _, option = word.partition("=")
        if "${" in option and isinstance(error, InterpolationResolutionError):
            return f"{group}: expected a value, got {option}, which leads nowhere; try {group}=VALUE"
        if group in registry.GROUPS and option in ("", "null"):
            names = ", ".join(registry.load().options[group])
            return f"{group}: expected one of {names}, got {option or 'nothing'}"
    first = next((line.strip() for line in str(error).splitlines() if line.strip()), type(error).__name__)
    return f"config: {first}; try --help"


MERGING = "Error merging override "


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__


def _known_keys(overrides: Sequence[str]) -> list[str]:
    """Every key that could have been meant, given the options that were chosen."""
    return [*registry.GROUPS, *_flat_keys(OmegaConf.to_container(_usual(overrides)))]


def _usual(overrides: Sequence[str]) -> DictConfig:
    """The config with the options that were chosen, if they can be, and nothing else changed."""
    groups = [word for word in overrides if word.partition("=")[0] in registry.GROUPS]
    try:
        cfg = _composed([word for word in groups if "," not in word or "[" in word])
    except (HydraException, OmegaConfBaseException):
        cfg = _composed([])
    del cfg["hydra"]
    return cfg


def _flat_keys(tree: Any, prefix: str = "") -> Iterator[str]:
    for key, value in tree.items():
        yield f"{prefix}{key}"
        if isinstance(value, dict):
            yield from _flat_keys(value, f"{prefix}{key}.")


def _composed(overrides: list[str]) -> DictConfig:
    GlobalHydra.instance().clear()
    with initialize_config_dir(open_door(), job_name="gmmbench", version_base=VERSION_BASE):
        cfg = hydra_compose("config", overrides, return_hydra_config=True)
    OmegaConf.set_struct(cfg, False)
    return cfg


def _fields(cls: type[Any]) -> dict[str, dataclasses.Field[Any]]:
    return {field.name: field for field in dataclasses.fields(cls)}
