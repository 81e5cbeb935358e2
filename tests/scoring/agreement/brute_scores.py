"""Every score as docs/scoring.md defines it, written out in loops and sums. Nothing here imports gmmbench.

`codes` are those of a split: 0 for training pixels, 1 for validation, 2 for held-out ones.
"""

import numpy as np
from scipy.optimize import minimize
from scipy.special import expit, logit, xlogy

TRAIN, VALIDATION, TEST = 0, 1, 2
FLOOR = 1e-3
SURE = 1e-6
LN2 = np.log(2)


def ink_scores(log_mass, ink, codes, of_density):
    """The scores of ink from log masses of cells or log P(ink), ink and the split's codes: (H, W) each."""
    seen, held = codes == TRAIN, codes == TEST
    mass, y = np.exp(log_mass), ink[held]
    rho, total = ink[seen].mean(), y.sum()
    rate = mass * ink[seen].sum() / mass[seen].sum() if of_density else mass
    floored = (1 - FLOOR) * rate + FLOOR * rho
    gain = sum(a * np.log(b / rho) - (b - rho) for a, b in zip(y, floored[held], strict=True)) / total
    ceiling = -np.log(rho) - 1 + rho * held.sum() / total + xlogy(y, y).sum() / total
    shape, top = _shape(mass, ink, seen), _top(ink, seen)
    like = fidelity(ink, np.clip(rate, 0, 1), 1.0, held)
    found = {
        ("gain", "held_out"): gain / LN2,
        ("gain", "train"): shape,
        ("skill", "held_out"): gain / ceiling,
        ("ceiling", "held_out"): ceiling / LN2,
        ("ceiling", "train"): top,
        ("expected_ink", "held_out"): rate[held].sum() / total,
        ("shape_gain", "held_out"): _shape(mass, ink, held),
        ("average_precision", "held_out"): _average_precision(rate[held], y),
        ("kl", "train"): top - shape,
        **like,
    }
    if of_density:
        found["mass_in_box", "overall"] = mass.sum()
    return found, _classifier(rate, ink, codes, of_density, rho)


def _shape(mass, ink, pixels):
    y, share = ink[pixels], mass[pixels] / mass[pixels].sum()
    return (sum(a * np.log(b) for a, b in zip(y, share, strict=True) if a) / y.sum() + np.log(len(y))) / LN2


def _top(ink, pixels):
    share = ink[pixels] / ink[pixels].sum()
    return (np.log(len(share)) + xlogy(share, share).sum()) / LN2


def _average_precision(rate, ink):
    area, last = 0.0, 0.0
    for threshold in sorted(set(rate), reverse=True):
        found = rate >= threshold
        recall, precision = ink[found].sum() / ink.sum(), ink[found].mean()
        area, last = area + (recall - last) * precision, recall
    return area


def _classifier(rate, ink, codes, of_density, rho):
    """Bernoulli bits on held-out pixels, raw and after a logistic regression on the validation pixels."""
    held, known = codes == TEST, codes == VALIDATION
    feature = np.log(np.maximum(rate, SURE)) if of_density else logit(np.clip(rate, SURE, 1 - SURE))
    x, y = feature[known], ink[known]
    centre = x.mean()
    scale = x.std() if np.ptp(x) > 1e-9 else 1.0  # a uniform density tells pixels apart by nothing

    def loss(at):
        z = at[0] + at[1] * (x - centre) / scale
        ridge = 0.5e-6 * (at @ at)  # docs/scoring.md names it
        return np.mean(np.logaddexp(0, z) - y * z) + ridge

    best = minimize(loss, [0.0, 1.0], method="Nelder-Mead", options={"xatol": 1e-10, "fatol": 1e-15}).x
    chance = np.clip(expit(best[0] + best[1] * (feature - centre) / scale), SURE, 1 - SURE)
    floored = (1 - FLOOR) * chance + FLOOR * rho
    gain = (ink * np.log(floored / rho) - (floored - rho))[held].sum() / ink[held].sum()
    return {
        "prevalence": ink[held].mean(),
        "bits_per_pixel_raw": _bernoulli(np.clip(rate, SURE, 1 - SURE)[held], ink[held]),
        "bits_per_pixel_calibrated": _bernoulli(chance[held], ink[held]),
        "gain_calibrated": gain / LN2,
    }


def _bernoulli(chance, ink):
    return -np.mean([np.log2(p if y else 1 - p) for p, y in zip(chance, ink, strict=True)])


def colour_scores(log_cell, log_cube, expected, levels, codes):
    """The scores of colours from log masses (H, W), the expected levels and the levels (H, W, 3)."""
    bits = -(log_cell - log_cube) / LN2 / 3
    found = {}
    for part, code in (("train", TRAIN), ("held_out", TEST)):
        found["bits_per_dim", part] = bits[codes == code].mean()
        found["gain", part] = 8 - bits[codes == code].mean()
    return {**found, **fidelity(levels, np.clip(expected, 0, 255), 255.0, codes == TEST)}


def level_scores(mass, levels, codes):
    """The scores of grey levels from the masses of all 256 (256,), and the levels (H, W)."""
    bits = -np.log2(mass / mass.sum())[levels]
    seen, held = codes == TRAIN, codes == TEST
    found = {("mass_in_box", "overall"): mass.sum()}
    for part, pixels in (("train", seen), ("held_out", held)):
        share = np.array([np.mean(levels[pixels] == level) for level in set(levels[pixels])])
        entropy = -(share * np.log2(share)).sum()
        found["bits_per_dim", part] = bits[pixels].mean()
        found["gain", part] = 8 - bits[pixels].mean()
        found["ceiling", part] = 8 - entropy
        found["kl", part] = bits[pixels].mean() - entropy
    found["skill", "held_out"] = found["gain", "held_out"] / found["ceiling", "held_out"]
    return found


def fidelity(original, expected, full, held):
    """PSNR and SSIM, over all pixels and held-out ones."""
    square, ssim = (original - expected) ** 2, _ssim(original, expected, full)
    return {
        ("psnr", "overall"): 10 * np.log10(full**2 / square.mean()),
        ("psnr", "held_out"): 10 * np.log10(full**2 / square[held].mean()),
        ("ssim", "overall"): ssim.mean(),
        ("ssim", "held_out"): ssim[held].mean(),
    }


def _ssim(a, b, full):
    """Wang, Bovik, Sheikh and Simoncelli (2004), eq. 13, uniform windows of 7 x 7, sample covariances."""
    if a.ndim == 3:
        return np.mean([_ssim(a[..., c], b[..., c], full) for c in range(3)], axis=0)
    pa, pb = np.pad(a, 3, mode="symmetric"), np.pad(b, 3, mode="symmetric")
    out = np.empty(a.shape)
    c1, c2 = (0.01 * full) ** 2, (0.03 * full) ** 2
    for i, j in np.ndindex(a.shape):
        x, y = pa[i : i + 7, j : j + 7].ravel(), pb[i : i + 7, j : j + 7].ravel()
        (vx, cov), (_, vy) = np.cov(x, y)
        mx, my = x.mean(), y.mean()
        out[i, j] = (2 * mx * my + c1) * (2 * cov + c2) / ((mx**2 + my**2 + c1) * (vx + vy + c2))
    return out
