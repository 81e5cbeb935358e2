"""The processors that pieces of work may use."""

import os
import subprocess
import sys

import pytest

CORES = "from gmmbench.mixture.parallel import cores; print(cores())"


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="the system has no affinity")
def test_cores_are_those_that_the_process_may_use():
    limited = f"import os; os.sched_setaffinity(0, {{min(os.sched_getaffinity(0))}}); {CORES}"
    found = subprocess.run([sys.executable, "-c", limited], capture_output=True, text=True, check=True)
    assert found.stdout == "1\n"
