"""The kernels' own exp and log are those of libm to the last digits they claim."""

import numpy as np
import pytest

from gmmbench.mixture.kernels.compiler import part
from gmmbench.mixture.kernels.elementary import CUTOFF, make_exp, make_log


def everywhere(function):
    def loop(x, out):
        for i in range(len(x)):
            out[i] = function(x[i])

    return part(loop)


@pytest.mark.parametrize(("precision", "error"), [("float32", 3e-7), ("float64", 5e-16)])
def test_exp_is_exact_to_its_precision_and_0_below_the_cutoff(precision, error):
    cutoff = CUTOFF[precision]
    x = np.linspace(cutoff, 0, 100_001).astype(precision)[1:]
    out = np.empty_like(x)
    loop = everywhere(make_exp(precision))
    loop(x, out)
    expected = np.exp(x.astype(float))
    assert np.abs(out / expected - 1).max() < error
    far, zeros = np.array([cutoff, 2 * cutoff, -1e30, -np.inf], precision), np.ones(4, precision)
    loop(far, zeros)
    assert (zeros == 0).all()


@pytest.mark.parametrize(("precision", "error"), [("float32", 3e-7), ("float64", 5e-16)])
def test_log_is_exact_to_its_precision(precision, error):
    x = np.concatenate((np.linspace(1, 4, 50_001), np.geomspace(4, 1e9, 50_001))).astype(precision)
    out = np.empty_like(x)
    everywhere(make_log(precision))(x, out)
    expected = np.log(x.astype(float))
    assert (np.abs(out - expected) <= error * np.maximum(1, expected)).all()
