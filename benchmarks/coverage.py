"""How often intervals of a score difference hold the truth: the tables and the picture of docs/coverage.md.

    python benchmarks/coverage.py --images ../shared/images --picture docs/coverage.png > tables.md

`--fields 60` is quick; the page has the default. Models are fitted for the table of real images alone.
"""

from __future__ import annotations

if __name__ == "__main__":
    from coverage_study import main

    main()
elif __name__ != "__mp_main__":  # a worker of the study
    # numba imports a package of this name if there is one, and finds this file beside a script
    raise ImportError("benchmarks/coverage.py is a script")
