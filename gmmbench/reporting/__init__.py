"""An outcome in, a report out: data, JSON and Markdown."""
