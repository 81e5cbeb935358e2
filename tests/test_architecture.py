"""The nevers of the house (docs/architecture.md), each of them guarded."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "gmmbench"
FILES = sorted(PACKAGE.rglob("*.py"))
PLUGINS = [path for path in sorted((ROOT / "plugins").rglob("*.py")) if "tests" not in path.parts]
HEAVY = {"sklearn", "lightgbm", "matplotlib", "numba", "skimage"}
MAY_BE_HEAVY = {"mixture"}  # its kernels and estimators, which a lazy __getattr__ reaches


def imports(path, module_level_only=False):
    """(dotted name, level) of every import in a file."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    inside = {
        id(node)
        for outer in ast.walk(tree)
        if isinstance(outer, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)
        for node in ast.walk(outer)
    }
    for node in ast.walk(tree):
        if module_level_only and id(node) in inside:
            continue
        if isinstance(node, ast.Import):
            yield from ((alias.name, 0) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.module or "", node.level


def calls(path):
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call):
            yield ast.unparse(node.func), node


def relative(path):
    return str(path.relative_to(ROOT))


@pytest.mark.parametrize("path", [*FILES, *PLUGINS], ids=relative)
def test_heavy_libraries_are_never_imported_at_module_level(path):
    if path.is_relative_to(PACKAGE) and path.relative_to(PACKAGE).parts[0] in MAY_BE_HEAVY:
        pytest.skip("the engine's kernels are imported lazily as a whole")
    tops = {name.partition(".")[0] for name, level in imports(path, True) if level == 0}
    assert not tops & HEAVY


@pytest.mark.parametrize("path", [*FILES, *PLUGINS], ids=relative)
def test_nothing_is_pickled(path):
    names = {name.partition(".")[0] for name, _ in imports(path)}
    assert not names & {"pickle", "cPickle", "dill", "joblib", "shelve", "marshal"}
    for name, node in calls(path):
        if name.endswith(("np.load", "numpy.load")):
            keywords = {word.arg: ast.unparse(word.value) for word in node.keywords}
            assert keywords.get("allow_pickle", "False") == "False"


ROOMS = [p for p in FILES if p.relative_to(PACKAGE).parts[0] in ("images", "models", "renders")]


@pytest.mark.parametrize("path", [*ROOMS, *PLUGINS], ids=relative)
def test_plugins_of_ours_touch_no_file_no_global_random_state_and_no_stdout(path):
    reads_files = path.is_relative_to(PACKAGE / "images")  # an image source must read its image
    for name, node in calls(path):
        assert name != "print"
        assert not name.startswith(("sys.stdout.write", "sys.stderr.write", "logging."))
        assert not name.endswith((".write_text", ".write_bytes", ".savefig", ".tofile", ".unlink"))
        assert name not in ("np.save", "np.savez", "np.savez_compressed", "np.savetxt")
        if name == "open":
            assert reads_files
            assert len(node.args) < 2 or ast.literal_eval(node.args[1]) in ("rb", "r")
        if name.startswith(("np.random.", "numpy.random.")):
            pytest.fail(f"{name} in {relative(path)}: randomness comes from the rng that is passed in")


@pytest.mark.parametrize("path", FILES, ids=relative)
def test_only_output_and_the_store_through_folders_write_files(path):
    if path.name in ("atomic.py", "run_files.py", "cost.py"):  # cost.py resets a counter of the kernel's
        pytest.skip("the writer itself")
    if path.is_relative_to(PACKAGE / "mixture"):
        pytest.skip("numba's cache of compiled kernels is no output")
    for name, node in calls(path):
        assert not name.endswith((".write_text", ".write_bytes", ".mkdir", ".rename", ".replace_file"))
        assert name not in ("np.save", "np.savez", "np.savez_compressed", "os.replace", "os.rename")
        if name == "open" and len(node.args) > 1:
            assert "w" not in ast.unparse(node.args[1])


@pytest.mark.parametrize("path", ROOMS, ids=relative)
def test_built_ins_import_as_outsiders_do(path):
    """A built-in could move to plugins/ unedited: it knows the public names and its own room alone."""
    for name, level in imports(path):
        if level == 0 and name.startswith("gmmbench"):
            assert name in ("gmmbench", "gmmbench.mixture"), name
        assert level <= 1, f"{relative(path)} reaches out of its room"


@pytest.mark.parametrize("path", PLUGINS, ids=relative)
def test_plugins_import_only_the_public_api(path):
    allowed = ("gmmbench", "gmmbench.testing", "gmmbench.mixture")
    for name, level in imports(path):
        if level == 0 and (name == "gmmbench" or name.startswith("gmmbench.")):
            assert name in allowed, name


def test_the_rules_between_rooms_hold():
    """import-linter's contracts: see pyproject.toml."""
    pytest.importorskip("importlinter", reason="import-linter comes with the extra [lint]")
    done = subprocess.run(
        [sys.executable, "-c", "from importlinter.cli import lint_imports_command as c; c()"],
        cwd=ROOT,
        check=False,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_public_names_are_a_few_and_exist():
    import gmmbench

    for name in gmmbench.__all__:
        assert getattr(gmmbench, name) is not None
    assert len(gmmbench.__all__) <= 27
    with pytest.raises(AttributeError, match="nothing_of_the_kind"):
        gmmbench.nothing_of_the_kind  # noqa: B018 - the attribute access is the test


def test_no_python_file_stands_in_conf():
    assert list((ROOT / "conf").rglob("*.py")) == []


def test_files_are_small():
    sizes = sorted(len(path.read_text(encoding="utf-8").splitlines()) for path in FILES)
    assert sizes[len(sizes) // 2] <= 150
    reasons = {"api.py"}  # the whole vocabulary on one page, most of it docstrings
    large = {path.name for path in FILES if len(path.read_text(encoding="utf-8").splitlines()) > 350}
    assert large <= reasons
