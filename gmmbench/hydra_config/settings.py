"""The options of no particular choice: those at the top of config.yaml, and those of the store."""

from __future__ import annotations

from dataclasses import dataclass

from ..errors import Refused
from ..options import check_options, option
from ..results import RunOptions


@dataclass(frozen=True, kw_only=True)
class Settings(RunOptions):
    """The options at the top of config.yaml: those of a run, and the timeout of a job."""

    timeout: float | None = option(
        None, "seconds that a run may take, from the image to the pictures (null: no limit)", above=0
    )

    def __post_init__(self) -> None:
        check_options(self)


@dataclass(frozen=True)
class StoreSettings:
    """The options of `store` in config.yaml."""

    use: bool = option(True, "store fits and results, and load those that are stored")
    dir: str | None = option(None, "folder of the store (null: GMMBENCH_STORE, else in the user's cache)")

    def __post_init__(self) -> None:
        check_options(self)
        if self.dir is not None and not self.dir.strip():
            raise Refused("dir: expected the name of a folder or null, got nothing; try store.dir=null")
