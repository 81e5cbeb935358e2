"""The options of a run that belong to no choice: those at the top of config.yaml, and those of the store."""

from __future__ import annotations

from dataclasses import dataclass

from ..errors import Refused
from ..options import check_options, option


@dataclass(frozen=True)
class Settings:
    """The options at the top of config.yaml."""

    seed: int = option(0, "every random draw follows from it", low=0)
    hold_out: float = option(0.2, "share of the pixels kept from the fit", low=0, high=0.9)
    hold_out_block: int = option(1, "side of the squares that are held out, pixels", low=1, high=1000)
    threads: int | None = option(None, "threads a fit may use (null: all cores)", low=1)
    timeout: float | None = option(
        None, "seconds a run may take, from image to pictures (null: any)", above=0
    )

    def __post_init__(self) -> None:
        check_options(self)


@dataclass(frozen=True)
class StoreSettings:
    """The options of `store` in config.yaml."""

    use: bool = option(True, "keep fits and results, and take what is there")
    dir: str | None = option(None, "folder of the store (null: GMMBENCH_STORE, else in the user's cache)")

    def __post_init__(self) -> None:
        check_options(self)
        if self.dir is not None and not self.dir.strip():
            raise Refused("dir: expected the name of a folder or null, got nothing; try store.dir=null")
