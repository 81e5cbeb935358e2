"""The three hooks of a plugin, and the marker for the functions that implement them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pluggy

if TYPE_CHECKING:
    from .api import ImageSource, Model, Renderer

hookspec = pluggy.HookspecMarker("gmmbench")
hookimpl = pluggy.HookimplMarker("gmmbench")


@hookspec
def gmmbench_images() -> list[type[ImageSource]]:  # type: ignore[empty-body]  # a specification
    """The image sources that a plugin offers."""


@hookspec
def gmmbench_models() -> list[type[Model]]:  # type: ignore[empty-body]  # a specification
    """The models that a plugin offers."""


@hookspec
def gmmbench_renders() -> list[type[Renderer]]:  # type: ignore[empty-body]  # a specification
    """The renderers that a plugin offers."""
