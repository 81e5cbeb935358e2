"""Compiled kernels are never older than their source, and a broken cache is no failure."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import gmmbench.mixture
from gmmbench.mixture.kernels.bounds import make_bounds
from gmmbench.mixture.kernels.compiling import sources_hash
from gmmbench.mixture.kernels.forms import make_moments, make_square
from gmmbench.mixture.kernels.sweep import make_select

KERNELS = Path(gmmbench.mixture.__file__).parent / "kernels"

PROGRAM = """
import logging
logging.basicConfig(format="%(message)s", level=logging.WARNING)
from kernels.compiling import kernel
from kernels.helper import double
def use(x):
    return double(x) + 1
print(kernel(use, "use")(20), flush=True)
"""


def run(folder, cache):
    """One fresh process that compiles or loads a kernel calling the helper in another file."""
    environment = {**os.environ, "GMMBENCH_CACHE": str(cache)}
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.strip(), done.stderr.strip()


def project(tmp_path):
    package = tmp_path / "kernels"
    package.mkdir()
    shutil.copy(KERNELS / "compiling.py", package)
    (package / "__init__.py").write_text("")
    helper = package / "helper.py"
    helper.write_text("from .compiling import part\n@part\ndef double(x):\n    return 2 * x\n")
    return helper


def test_an_edited_helper_changes_the_result_of_the_kernel_that_calls_it(tmp_path):
    helper, cache = project(tmp_path), tmp_path / "cache"
    assert run(tmp_path, cache)[0] == "41"
    assert list(cache.rglob("*.nbc"))
    helper.write_text(helper.read_text().replace("2 * x", "3 * x"))
    assert run(tmp_path, cache)[0] == "61"


def test_a_damaged_entry_is_compiled_anew_and_said_in_one_line(tmp_path):
    project(tmp_path)
    cache = tmp_path / "cache"
    run(tmp_path, cache)
    for path in [*cache.rglob("*.nbc"), *cache.rglob("*.nbi")]:
        path.write_bytes(b"no machine code")
    answer, said = run(tmp_path, cache)
    assert answer == "41"
    assert said.count("\n") == 0
    assert "compiling anew" in said
    assert run(tmp_path, cache) == ("41", "")  # and the entry is whole again


def test_no_writable_cache_is_said_in_one_line_and_works(tmp_path):
    project(tmp_path)
    blocked = tmp_path / "blocked"
    blocked.write_text("a file where the folder should be")
    answer, said = run(tmp_path, blocked)
    assert answer == "41"
    assert said.count("\n") == 0
    assert "memory only" in said or "compiling anew" in said


def test_the_hash_sees_every_kernel_file(tmp_path):
    copy = tmp_path / "kernels"
    shutil.copytree(KERNELS, copy, ignore=shutil.ignore_patterns("__pycache__"))
    before = sources_hash(copy)
    assert before == sources_hash()
    for path in sorted(copy.glob("*.py")):
        path.write_text(path.read_text() + "\n# a remark\n")
        assert sources_hash(copy) != before
        before = sources_hash(copy)


def test_importing_the_mixture_does_not_load_numba():
    program = "import sys, gmmbench.mixture; print([m for m in ('numba', 'sklearn') if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_kernels_share_no_helper_by_name():
    """Machine code of two processes is linked by names: a helper of two dimensions must have two."""
    names = [
        make(dimension, diagonal, precision).py_func.__qualname__
        for make in (make_square, make_moments, make_bounds, make_select)
        for dimension in (2, 3, 5)
        for diagonal in (False, True)
        for precision in ("float32", "float64")
    ]
    assert len(set(names)) == len(names)


def test_the_name_of_a_helper_is_the_same_in_every_process():
    code = (
        "from gmmbench.mixture.kernels.sweep import make_select\n"
        "print(make_select(2, False, 'float32').py_func.__qualname__)"
    )
    runs = [
        subprocess.run(
            [sys.executable, "-c", before + code], capture_output=True, text=True, check=True
        ).stdout
        for before in (
            "",
            "from gmmbench.mixture.kernels.forms import make_square\nmake_square(5, True, 'float64')\n",
        )
    ]
    assert runs[0] == runs[1]
