"""The built-in image sources: options in, an `Image` in one of three views out."""
