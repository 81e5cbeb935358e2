"""Compiled kernels are never older than their source, and a broken cache is no failure."""

import ast
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import gmmbench.mixture
from gmmbench.mixture.kernels import compiler
from gmmbench.mixture.kernels.compiler import sources_hash

KERNELS = Path(gmmbench.mixture.__file__).parent / "kernels"

PROGRAM = """
import logging
logging.basicConfig(format="%(message)s", level=logging.WARNING)
from kernels.compiler import kernel
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
    shutil.copy(KERNELS / "compiler.py", package)
    (package / "__init__.py").write_text("")
    helper = package / "helper.py"
    helper.write_text("from .compiler import part\n@part\ndef double(x):\n    return 2 * x\n")
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
    assert "compiling again" in said
    assert run(tmp_path, cache) == ("41", "")  # and the entry is whole again


def test_no_writable_cache_is_said_in_one_line_and_works(tmp_path):
    project(tmp_path)
    blocked = tmp_path / "blocked"
    blocked.write_text("a file where the folder should be")
    answer, said = run(tmp_path, blocked)
    assert answer == "41"
    assert said.count("\n") == 0
    assert "memory only" in said or "compiling again" in said


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
    names = set(gmmbench.mixture.__all__) - {"GaussianMixture", "BayesianGaussianMixture"}
    program = f"import sys; from gmmbench.mixture import {', '.join(sorted(names))}; "
    program += "print([m for m in ('numba', 'sklearn') if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_the_covariance_types_load_no_scipy():
    program = "import sys; from gmmbench.mixture import COVARIANCES; print('scipy' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


FAMILY = """
import sys
from numba import types
from numba.extending import intrinsic
from kernels.compiler import kernel, part
def constant(n):  # machine code written by hand, for want of a closure's constant
    def number(context, x):
        def generate(context, builder, signature, arguments):
            return context.get_constant(types.int64, n)
        return types.int64(x), generate
    return intrinsic(number)
def times(n):
    say = constant(n)
    def helper(x):  # long enough for the compiler not to copy it into its callers
        WHERE
        a = b = c = n
        for i in range(x):
            for j in range(i):
                a = (a * (i + n) + b * j) % 1009 if (a + j) % 3 else a + j
                for k in range(j):
                    b = (b + a * k) % 997 if b % 5 else b * n + k
                    c = c + b if (a + c) % 7 else (c * n + k) % 991
        return a + b + c
    return part(helper)
def make(n):
    helper = times(n)
    def use(x):
        return helper(x) + helper(x + 1) * helper(x + 2)
    return kernel(use, f"use-{n}")
print([make(n)(20) for n in map(int, sys.argv[1:])])
"""


@pytest.mark.parametrize("line", ["", "n = say(x)"], ids=["constant around it", "intrinsic around it"])
def test_kernels_that_different_processes_compiled_do_not_run_one_anothers_helpers(line, tmp_path):
    project(tmp_path)
    # numba's names hold a set of flags as it is printed: only with the same hashes are they the same
    environment = {**os.environ, "GMMBENCH_CACHE": str(tmp_path / "cache"), "PYTHONHASHSEED": "0"}

    def answers(*numbers):
        words = [sys.executable, "-c", FAMILY.replace("WHERE", line), *map(str, numbers)]
        done = subprocess.run(
            words, cwd=tmp_path, env=environment, capture_output=True, text=True, check=True
        )
        return ast.literal_eval(done.stdout)

    apart = answers(1) + answers(2)
    assert apart[0] != apart[1]
    assert answers(1, 2) == apart
    assert answers(2, 1) == apart[::-1]


def test_no_two_specialisations_share_a_name():
    """numba would let kernels that different processes kept answer for each other (seen: d = 5 for d = 1)."""
    from gmmbench.mixture.kernels import bounds, densities, e_step_kernel

    made = []
    for d in (1, 2, 3, 5, 9):
        for diagonal in (False, True)[: 1 + (d > 1)]:  # of one column both are the same code
            for precision in ("float32", "float64"):
                makers = (
                    densities.make_square,
                    densities.make_moments,
                    bounds.make_bounds,
                    e_step_kernel.make_select,
                )
                made += [make(d, diagonal, precision) for make in makers]
    names = [helper.py_func.__qualname__ for helper in made if hasattr(helper, "py_func")]
    assert len(names) > 20
    assert len(set(names)) == len(names)


@pytest.mark.skipif(sys.platform != "linux", reason="the user's cache folder of other systems is another")
@pytest.mark.parametrize(
    ("environment", "folder"),
    [
        ({}, "HOME/.cache/gmmbench"),
        ({"XDG_CACHE_HOME": "/x"}, "/x/gmmbench"),
        ({"XDG_CACHE_HOME": ""}, "HOME/.cache/gmmbench"),
        ({"GMMBENCH_CACHE": "/k", "XDG_CACHE_HOME": "/x"}, "/k/gmmbench"),
        ({"GMMBENCH_CACHE": "", "XDG_CACHE_HOME": "/x"}, "/x/gmmbench"),
    ],
)
def test_kernels_are_cached_where_the_environment_says(environment, folder, tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    for name in ("GMMBENCH_CACHE", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert compiler.cache_folder().parent == Path(folder.replace("HOME", str(tmp_path)))
