"""Built-in renderers: each takes a `Study` and draws a `Picture`."""
