"""Lets the tests of this folder import their helper `estimators`, and takes them along every route."""

import sys
import warnings
from pathlib import Path

import pytest
from sklearn.exceptions import ConvergenceWarning
from threadpoolctl import threadpool_limits

sys.path.insert(0, str(Path(__file__).parent))

from estimators import ROUTES, take


@pytest.fixture(autouse=True)
def quiet():
    """One thread in scikit-learn: its KMeans waits by spinning, which on busy cores takes minutes."""
    with warnings.catch_warnings(), threadpool_limits(1):
        warnings.simplefilter("ignore", ConvergenceWarning)
        yield


@pytest.fixture(params=ROUTES)
def route(request, monkeypatch):
    """The ways that a fit takes by its size: few rows, many, and very many."""
    take(request.param, monkeypatch)
    return request.param
