"""The command line: what was typed in, an exit code out."""
