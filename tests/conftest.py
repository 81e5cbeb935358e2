"""What the tests share: the checkout, the images beside it, and a command line in its own process."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from gmmbench import registry

sys.path.insert(0, str(Path(__file__).parent))
from slow_tests import SLOW

ROOT = Path(__file__).parents[1]
SHARED = ROOT.parent / "shared" / "images"


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items):
    """Mark the tests of slow_tests.py, before `-m "not slow"` leaves out what is marked."""
    for item in items:
        if item.nodeid.removeprefix("tests/").startswith(SLOW):
            item.add_marker(pytest.mark.slow)


@pytest.fixture(scope="session", autouse=True)
def no_store_of_the_users(tmp_path_factory):
    """No test looks into, or fills, the store of who runs it."""
    before = os.environ.get("GMMBENCH_STORE")
    os.environ["GMMBENCH_STORE"] = str(tmp_path_factory.mktemp("store"))
    yield
    os.environ.pop("GMMBENCH_STORE")
    if before is not None:
        os.environ["GMMBENCH_STORE"] = before


@pytest.fixture(autouse=True)
def store_folder(tmp_path_factory, monkeypatch):
    """A store of its own for each test: none lives on what another has fitted."""
    folder = tmp_path_factory.mktemp("store")
    monkeypatch.setenv("GMMBENCH_STORE", str(folder))
    return folder


@pytest.fixture(scope="session")
def shared():
    """The folder of images that are not shipped."""
    if not SHARED.is_dir():
        pytest.skip("the folder shared/images is not beside this checkout")
    return SHARED


@pytest.fixture
def command(tmp_path):
    """`python -m gmmbench ...` in an empty folder: its exit code, stdout and stderr."""

    def call(*arguments, cwd=tmp_path, **environment):
        done = subprocess.run(
            [sys.executable, "-m", "gmmbench", *arguments],
            cwd=cwd,
            check=False,
            env={**os.environ, **environment},
            capture_output=True,
            text=True,
            timeout=300,
        )
        return done

    return call


@pytest.fixture
def fresh_registry():
    """A registry that is loaded anew, before and after: for tests that change what is installed."""
    before = set(sys.modules)
    registry.load.cache_clear()
    yield registry.load
    registry.load.cache_clear()
    for name in {name for name in sys.modules if name.startswith("gmmbench_")} - before:
        del sys.modules[name]
