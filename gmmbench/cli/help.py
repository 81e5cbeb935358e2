"""The page of `--help`: the commands, how a run is composed, the choices and their options; without Hydra."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence

from .. import registry
from ..hydra_config import presets
from . import commands

TITLE = "gmmbench: fit generative models to images, draw what they have learnt, and compare them."

RUN = """\
A run is one image, one model and one or more renderers, named by choices, and their options
  python -m gmmbench [GROUP=CHOICE ...] [OPTION=VALUE ...]    one run
  python -m gmmbench -m model=gmm,bgmm image=dog,butterfly    a sweep: one run for every combination
  python -m gmmbench +experiment=PRESET                       an image, a model and renderers together
  python -m gmmbench model=lightgbm --help                    this page with the options of that model

Examples
  python -m gmmbench model=gmm render=grid
  python -m gmmbench image.path=photo.jpg image.max_side=320 model.components=50
  python -m gmmbench image=butterfly model.components=500 'render=[grid,sample,contour]'
  python -m gmmbench +experiment=post_butterfly_grid
"""

TAIL = """\
Results go to outputs/DATE/TIME, or to hydra.run.dir=FOLDER; those of a sweep to multirun/DATE/TIME, or
to hydra.sweep.dir=FOLDER. A command that is repeated reads what it has computed before from the store,
and a sweep that was interrupted goes on in its folder.
Also: --cfg job prints the config; -sc install=bash sets up tab completion of the command gmmbench;
GMMBENCH_BLOCK=NAME,... leaves plugins out; GMMBENCH_TRACEBACK=1 shows tracebacks."""


def page(words: Sequence[str]) -> str:
    """The help page.

    Args:
        words: the overrides beside `--help`: the page has the options of the choices they name.
    """
    known = registry.load()
    chosen = {"image": ["dog"], "model": ["gmm"], "render": ["grid"]}
    picked = presets.chosen(words)
    named = [f"{group}={option}" for name in picked for group, option in presets.choices(name).items()]
    for word in [*named, *words]:
        group, _, options = word.partition("=")
        if group in chosen:
            chosen[group] = [option.strip() for option in options.strip("[]").split(",")]
    lines = [TITLE, "", *_commands(), "", RUN, "Choices"]
    for group in registry.GROUPS:
        lines += [f"{group}=CHOICE", *_listed(known.choices[group]), ""]
    lines += ["+experiment=PRESET", *_listed(known.experiments), ""]
    for name in picked:
        lines += [
            f"+experiment={name} is",
            f"  {presets.in_shell(presets.choices(name), presets.settings(name))}",
            "",
        ]
    lines.append("Options of every run")
    lines += _settings()
    for group, names in chosen.items():
        for name in names:
            choice = known.choices[group].get(name)
            if choice is not None:
                prefix = f"{group}.{name}." if group == "render" else f"{group}."
                lines += ["", f"Options of {group}={name}"]
                lines += _options(prefix, choice.path.read_text(encoding="utf-8"))
    broken = [plugin for plugin in known.plugins if plugin.status == "broken"]
    lines += ["", TAIL]
    lines += [f"Broken plugin {plugin.owner}: {plugin.error}" for plugin in broken]
    return "\n".join([*lines, *(f"Refused: {conflict}" for conflict in known.conflicts)])


def _commands() -> list[str]:
    """A line for each subcommand: its name and what it does."""
    listed = commands.summaries()
    width = max(map(len, listed))
    return [
        "Commands",
        *(f"  python -m gmmbench {name:{width}}  {summary}" for name, summary in listed.items()),
        f"  python -m gmmbench {'...':{width}}  a run or a sweep, composed as below",
        "  python -m gmmbench COMMAND --help lists the arguments of a command.",
    ]


def _listed(options: Mapping[str, registry.ChoiceFile]) -> list[str]:
    """A line for each choice: its name and what it is."""
    width = max(map(len, options))
    return [f"  {option.name:{width}}  {option.summary}" for option in options.values()]


def _settings() -> list[str]:
    """The options in config.yaml: those at its top, and those of the store."""
    text = (registry.conf_folder() / "config.yaml").read_text(encoding="utf-8")
    _, top, store, *_ = text.split("\n\n")
    return _options("", top) + _options("store.", textwrap.dedent(store.partition("\n")[2]))


def _options(prefix: str, yaml: str) -> list[str]:
    """The lines `key: value  # comment` of a YAML file as they would be typed."""
    out = []
    for line in yaml.splitlines():
        key, colon, rest = line.partition(":")
        if colon and key.isidentifier() and key != "name":
            value, _, comment = rest.partition("  #")
            typed = prefix + key + "=" + "".join(value.split())
            out.append(f"  {typed:34}  {comment.strip()}".rstrip())
    return out
