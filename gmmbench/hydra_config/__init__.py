"""Command-line overrides in, a checked Run out; Hydra lives here and in jobs/."""
