"""Runs the command line as `python -m gmmbench`."""

import sys

if __name__ == "__main__":
    try:
        from .cli.main import main

        code = main()
    except KeyboardInterrupt:  # while the libraries are loaded
        print("gmmbench: interrupted; no file was left half-written", file=sys.stderr)
        code = 130
    sys.exit(code)
