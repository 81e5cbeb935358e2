"""The three hooks that a plugin may implement, and the marker `hookimpl` for the functions that do."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pluggy

if TYPE_CHECKING:
    from .api import ImageSource, Model, Renderer

hookspec = pluggy.HookspecMarker("gmmbench")
hookimpl = pluggy.HookimplMarker("gmmbench")


@hookspec
def gmmbench_images() -> list[type[ImageSource]]:  # type: ignore[empty-body]  # a specification
    """Return the image sources that a plugin offers."""


@hookspec
def gmmbench_models() -> list[type[Model]]:  # type: ignore[empty-body]  # a specification
    """Return the models that a plugin offers."""


@hookspec
def gmmbench_renders() -> list[type[Renderer]]:  # type: ignore[empty-body]  # a specification
    """Return the renderers that a plugin offers."""
