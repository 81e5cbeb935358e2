"""The built-in image sources."""
