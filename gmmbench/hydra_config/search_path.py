"""Hydra's search path, with the `conf` folder of every plugin, and the folders that Hydra writes into."""

from __future__ import annotations

import typing
from pathlib import Path
from typing import Any

from hydra import compose as hydra_compose
from hydra import initialize_config_dir
from hydra.core.config_search_path import ConfigSearchPath
from hydra.core.global_hydra import GlobalHydra
from hydra.core.plugins import Plugins
from hydra.experimental.callback import Callback
from hydra.plugins.search_path_plugin import SearchPathPlugin
from omegaconf import DictConfig, OmegaConf

from .. import registry

VERSION_BASE = "1.3"


class PluginConfigs(SearchPathPlugin):
    """Adds the `conf` folder of every plugin to Hydra's search path, so that plugins need not know Hydra."""

    def manipulate_search_path(self, search_path: ConfigSearchPath) -> None:
        """Append the folders."""
        for name, folder in registry.load().folders():
            search_path.append(f"gmmbench-plugin-{name}", f"file://{folder.resolve()}")


class RememberFolder(Callback):
    """Remembers the folders that Hydra creates, to remove empty ones; only callbacks learn their names."""

    run: typing.ClassVar[Path | None] = None
    sweep: typing.ClassVar[Path | None] = None
    before: typing.ClassVar[Path | None] = None
    """The innermost folder of that path that existed before: it and its parents are not ours."""

    @classmethod
    def forget(cls) -> None:
        """Forget the folders of an earlier command in this process."""
        cls.run = cls.sweep = cls.before = None

    def on_run_start(self, config: DictConfig, **kwargs: Any) -> None:
        """Remember `hydra.run.dir`."""
        type(self).run = Path(str(config.hydra.run.dir))
        type(self).before = _innermost(Path(str(config.hydra.run.dir)))

    def on_multirun_start(self, config: DictConfig, **kwargs: Any) -> None:
        """Remember `hydra.sweep.dir`."""
        type(self).sweep = Path(str(config.hydra.sweep.dir))
        type(self).before = _innermost(Path(str(config.hydra.sweep.dir)))


def _innermost(folder: Path) -> Path:
    path = folder.resolve()
    return next(part for part in (path, *path.parents) if part.exists())


def register_search_path() -> str:
    """Register our search path with Hydra; return the folder of our own YAML files. Raises Refused."""
    registry.load().check()
    Plugins.instance().register(PluginConfigs)
    return str(registry.conf_folder().resolve())


def composed(overrides: list[str]) -> DictConfig:
    """The composed config, including Hydra's own part."""
    GlobalHydra.instance().clear()
    with initialize_config_dir(register_search_path(), job_name="gmmbench", version_base=VERSION_BASE):
        cfg = hydra_compose("config", overrides, return_hydra_config=True)
    OmegaConf.set_struct(cfg, False)
    return cfg
