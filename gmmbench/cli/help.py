"""The page of `--help`: what can be chosen, and every option of what is chosen; it needs no Hydra."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence

from .. import registry
from ..hydra_config import presets

USAGE = """\
gmmbench: fit a generative model to an image, let it paint, and score it.

  python -m gmmbench [GROUP=OPTION ...] [KEY=VALUE ...]       one run
  python -m gmmbench -m model=gmm,bgmm image=dog,butterfly    a sweep: every combination
  python -m gmmbench plugins [--json]                         the plugins, and whether they work
  python -m gmmbench check model=gmm                          whether one keeps its contract
  python -m gmmbench store [clean [--older 30d] [--damaged]]  what is kept of earlier runs
  python -m gmmbench model=lightgbm --help                    this page, with that model's options

Examples
  python -m gmmbench model=gmm render=grid
  python -m gmmbench image.path=photo.jpg image.max_side=320 model.components=50
  python -m gmmbench image=butterfly model.components=500 'render=[grid,sample,contour]'
  python -m gmmbench +experiment=post_butterfly_grid
"""

TAIL = """\
Where things go: hydra.run.dir=FOLDER (a sweep: hydra.sweep.dir=FOLDER); else outputs/DATE/TIME.
A command that is repeated makes nothing anew that is done: it goes on where it was interrupted.
Also: --cfg job prints the config; -sc install=bash sets up tab completion of the command gmmbench;
GMMBENCH_BLOCK=name,... leaves plugins out; GMMBENCH_TRACEBACK=1 shows tracebacks."""


def page(words: Sequence[str]) -> str:
    """The help page; `words` are the choices typed beside `--help`, such as model=lightgbm."""
    known = registry.load()
    chosen = {"image": ["dog"], "model": ["gmm"], "render": ["grid"]}
    picked = presets.chosen(words)
    named = [f"{group}={option}" for name in picked for group, option in presets.choices(name).items()]
    for word in [*named, *words]:
        group, _, options = word.partition("=")
        if group in chosen:
            chosen[group] = [option.strip() for option in options.strip("[]").split(",")]
    lines = [USAGE]
    for group in registry.GROUPS:
        lines += [f"{group}=", *_listed(known.options[group]), ""]
    lines += ["+experiment=   (presets: an image, a model and renderers together)"]
    lines += [*_listed(known.experiments), ""]
    for name in picked:
        lines += [
            f"+experiment={name} is",
            f"  {presets.words(presets.choices(name), presets.settings(name))}",
            "",
        ]
    lines.append("Every run")
    lines += _settings()
    for group, names in chosen.items():
        for name in names:
            option = known.options[group].get(name)
            if option is not None:
                prefix = f"{group}.{name}." if group == "render" else f"{group}."
                lines += ["", f"With {group}={name}"]
                lines += _options(prefix, option.path.read_text(encoding="utf-8"))
    broken = [plugin for plugin in known.plugins if plugin.status == "broken"]
    lines += ["", TAIL]
    lines += [f"Broken plugin {plugin.owner}: {plugin.error}" for plugin in broken]
    return "\n".join([*lines, *(f"Refused: {conflict}" for conflict in known.conflicts)])


def _listed(options: Mapping[str, registry.Option]) -> list[str]:
    """A line for each option: its name and what it is."""
    width = max(map(len, options))
    return [f"  {option.name:{width}}  {option.summary}" for option in options.values()]


def _settings() -> list[str]:
    """The options of config.yaml: those at its top, and those of the store."""
    text = (registry.conf_folder() / "config.yaml").read_text(encoding="utf-8")
    _, top, store, *_ = text.split("\n\n")
    return _options("", top) + _options("store.", textwrap.dedent(store.partition("\n")[2]))


def _options(prefix: str, yaml: str) -> list[str]:
    """The `key: value  # comment` lines of a YAML file as they would be typed."""
    out = []
    for line in yaml.splitlines():
        key, colon, rest = line.partition(":")
        if colon and key.isidentifier() and key != "name":
            value, _, comment = rest.partition("  #")
            typed = prefix + key + "=" + "".join(value.split())
            out.append(f"  {typed:34}  {comment.strip()}".rstrip())
    return out
