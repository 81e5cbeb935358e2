"""The nevers of the house (docs/architecture.md), each of them guarded."""

import ast
import subprocess
import sys
from collections import defaultdict
from graphlib import TopologicalSorter
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


def from_joblib(path):
    """The names that a file imports from joblib; the module itself counts as one."""
    for_joblib = [
        node
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Import | ast.ImportFrom) and "joblib" in ast.unparse(node)
    ]
    return {alias.name for node in for_joblib for alias in node.names}


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
    assert not names & {"pickle", "cPickle", "dill", "shelve", "marshal"}
    assert "joblib" not in names or from_joblib(path) == {"cpu_count"}, "joblib pickles; it may count cores"
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


def module_of(path):
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def imported_modules(path, known):
    """The modules of the package that a file imports, lazily and for types too."""
    package = module_of(path).split(".") if path.name == "__init__.py" else module_of(path).split(".")[:-1]
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name in known)
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else []
            base = ".".join([*base, *(node.module or "").split(".")]).strip(".")
            for alias in node.names:
                inner = f"{base}.{alias.name}"
                yield inner if inner in known else base


def test_no_modules_import_one_another_in_a_circle():
    known = {module_of(path): path for path in FILES}
    graph = {name: set(imported_modules(path, known)) & known.keys() - {name} for name, path in known.items()}
    assert sum(map(len, graph.values())) > 300
    assert list(TopologicalSorter(graph).static_order())  # raises CycleError, which names the circle


def test_no_two_modules_and_no_two_classes_share_a_name():
    modules, classes = defaultdict(list), defaultdict(list)
    for path in FILES:
        if not path.stem.startswith("__"):
            modules[path.stem].append(relative(path))
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ClassDef):
                classes[node.name].append(relative(path))
    assert {name: paths for name, paths in (modules | classes).items() if len(paths) > 1} == {}


def test_the_top_of_the_package_is_small():
    beside_packages = [path for path in PACKAGE.iterdir() if path.is_file()]
    assert len(beside_packages) <= 12


def files_with(text, *folders):
    """The files below some folders of the checkout in which a text stands."""
    found = set()
    for folder in folders:
        for path in (ROOT / folder).rglob("*"):
            if path.suffix in (".py", ".yaml", ".html") and text in path.read_text(encoding="utf-8"):
                found.add(relative(path))
    return found


# The table "Where do I put ..." of docs/architecture.md, each row with an example that stands in the code.


@pytest.mark.parametrize("key", ["kl", "shape_gain", "average_precision", "expected_ink", "ssim"])
def test_a_score_is_its_formula_and_its_declaration(key):
    found = files_with(f'"{key}"', "gmmbench", "conf")
    assert "gmmbench/scoring/catalogue.py" in found
    assert all(path.startswith("gmmbench/scoring/") for path in found)


@pytest.mark.parametrize(
    ("group", "name"),
    [("render", "collage"), ("render", "evolution"), ("model", "histogram"), ("model", "uniform")],
)
def test_a_built_in_is_its_module_its_yaml_and_one_line(group, name):
    module = f"gmmbench.{group}s.{name}"
    assert files_with(module, "gmmbench", "conf") == {"gmmbench/registry/built_ins.py"}
    assert files_with(f"name: {name}\n", "conf") == {f"conf/{group}/{name}.yaml"}
    assert files_with(f'name = "{name}"', "gmmbench") | files_with(
        f'name: ClassVar[str] = "{name}"', "gmmbench"
    ) == {f"gmmbench/{group}s/{name}.py"}


@pytest.mark.parametrize("kind", ["diag", "tied", "spherical"])
def test_a_type_of_covariance_is_known_in_one_file(kind):
    engine = {path for path in files_with(f'"{kind}"', "gmmbench/mixture")}
    defaults = {path for path in engine if f'= "{kind}"' in (ROOT / path).read_text(encoding="utf-8")}
    assert engine - defaults == {"gmmbench/mixture/covariances.py"} - defaults


@pytest.mark.parametrize("command", ["check", "compare", "plugins", "store"])
def test_a_subcommand_is_one_file(command):
    assert (PACKAGE / f"cli/{command}_command.py").is_file()
    assert files_with(f"{command}_command", "gmmbench") == set()


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
