"""The options that belong to no choice: those at the top of config.yaml, and those of the store."""

from __future__ import annotations

from dataclasses import dataclass

from ..errors import Refused
from ..options import check_options, option
from ..results import RunOptions


@dataclass(frozen=True, kw_only=True)
class Settings(RunOptions):
    """The options at the top of config.yaml: those of a run, and the limit that a job has besides."""

    timeout: float | None = option(
        None, "seconds that a run may take, from the image to the pictures (null: any)", above=0
    )

    def __post_init__(self) -> None:
        check_options(self)


@dataclass(frozen=True)
class StoreSettings:
    """The options of `store` in config.yaml."""

    use: bool = option(True, "store fits and results, and read those that are there")
    dir: str | None = option(None, "folder of the store (null: GMMBENCH_STORE, else in the user's cache)")

    def __post_init__(self) -> None:
        check_options(self)
        if self.dir is not None and not self.dir.strip():
            raise Refused("dir: expected the name of a folder or null, got nothing; try store.dir=null")
