"""The table of agreement: every score of every model and view, against a brute force without our scoring."""

from dataclasses import replace

import brute_densities as brute
import brute_scores
import numpy as np
import pytest

import gmmbench
from gmmbench.scoring.catalogue import SCORES

INK = ["image=butterfly", "image.max_side=36", "hold_out_block=2"]
COLOUR = ["image=china", "image.max_side=12"]
LEVELS = ["image=cat", "image.view=levels", "image.max_side=40"]
SMALL = "model.components=5"

NEAR = 1e-6
"""Of ink and levels: bits, nats, decibels, shares."""
COLOUR_NEAR = 1e-5
"""Of colour, whose masses are three-dimensional integrals."""


def executed(*overrides):
    run = gmmbench.compose(*overrides, "seed=3", "threads=1")
    outcome = gmmbench.execute(replace(run, renders={}))
    assert outcome.scores.alarms == ()
    return outcome


def components(fitted, factors):
    """The parameters of a mixture's density, in pixels and levels."""
    density = fitted.density
    if fitted.predictive is None:
        found = brute.gaussians(density.weights, density.means, density.covariances)
    else:
        found = brute.students(density.weights, density.means, density.scales, density.degrees)
    return brute.scaled(found, np.asarray(factors))


def agree(outcome, found, near):
    """Each value is near the score, and no score of this view is left without a value."""
    view = outcome.study.image.view
    values = outcome.scores.values
    for (key, part), value in found.items():
        assert getattr(values[key], part) == pytest.approx(value, abs=near, rel=0), (key, part)
    for key, score in SCORES.items():
        if view in score.views:
            for _, part in score.places:
                assert (key, part) in found or getattr(values[key], part) is None, (
                    f"{key} ({part}) is computed nowhere else; try to add it to brute_scores.py"
                )


def centres(shape):
    row, column = np.indices(shape)
    return np.stack((column.ravel(), row.ravel()), axis=1) + 0.5


def by_part(values, codes, weights):
    """The mean over training and held-out pixels."""
    return {
        ("log_likelihood", part): np.average(values[codes == code], weights=weights[codes == code])
        for part, code in (("train", brute_scores.TRAIN), ("held_out", brute_scores.TEST))
    }


def density_of_ink(outcome):
    """log p(x, y) at the centres and log masses of the cells, (H, W), in pixels."""
    image, split, fitted = outcome.study.image, outcome.study.split, outcome.study.fitted
    ink, shape = image.coordinates, image.lattice.shape
    name, where = outcome.run.model.name, centres(shape)
    seen = split.codes == brute_scores.TRAIN
    if name == "uniform":
        return (np.full(shape, -np.log(ink.size)),) * 2
    if name == "histogram":
        side, rho = split.block + 2, ink[seen].mean()
        rate = np.empty(shape)
        for i, j in np.ndindex(shape):
            tile = np.s_[i // side * side : (i // side + 1) * side, j // side * side : (j // side + 1) * side]
            rate[i, j] = ((ink * seen)[tile].sum() + rho) / (seen[tile].sum() + 1)
        return (np.log(rate / rate.sum()),) * 2
    if name == "kde":
        spread = np.sqrt(fitted.bandwidth**2 + 1 / 12)
        points, weights = where[(ink * seen).ravel() > 0], (ink * seen)[(ink * seen) > 0]
        kernels = brute.gaussians(weights / weights.sum(), points, [np.eye(2) * spread**2] * len(points))
        along = [
            brute.stats.norm.cdf(where[:, None, axis] + 0.5, points[:, axis], spread)
            - brute.stats.norm.cdf(where[:, None, axis] - 0.5, points[:, axis], spread)
            for axis in (0, 1)
        ]
        mass = np.log((along[0] * along[1]) @ (weights / weights.sum()))
        return brute.log_pdf(kernels, where).reshape(shape), mass.reshape(shape)
    found = components(fitted, [1 / image.lattice.cell] * 2)
    return brute.log_pdf(found, where).reshape(shape), brute.cell_masses(found, where).reshape(shape)


@pytest.mark.parametrize(
    "model",
    [
        ["model=uniform"],
        ["model=histogram"],
        ["model=kde"],
        ["model=gmm", SMALL],
        ["model=gmm", SMALL, "model.covariance=diag"],
        ["model=bgmm", SMALL],
        ["model=infinite", SMALL],
    ],
    ids=" ".join,
)
def test_a_density_of_ink(model):
    outcome = executed(*INK, *model)
    image, codes = outcome.study.image, outcome.study.split.codes
    log_density, log_mass = density_of_ink(outcome)
    found, classifier = brute_scores.ink_scores(log_mass, image.coordinates, codes, of_density=True)
    agree(outcome, found | by_part(log_density, codes, image.coordinates), NEAR)
    details = outcome.scores.details.classifier
    assert {key: getattr(details, key) for key in classifier} == pytest.approx(classifier, abs=NEAR)


def test_a_classifier_of_ink():
    outcome = executed(*INK, "model=lightgbm", "model.trees=20")
    image, codes = outcome.study.image, outcome.study.split.codes
    chance = outcome.study.fitted.predict(image.lattice.centres()).reshape(codes.shape)
    found, classifier = brute_scores.ink_scores(np.log(chance), image.coordinates, codes, of_density=False)
    sure = np.clip(chance, brute_scores.SURE, 1 - brute_scores.SURE)
    likelihood = np.where(image.coordinates > 0, np.log(sure), np.log(1 - sure))
    agree(outcome, found | by_part(likelihood, codes, np.ones(codes.shape)), NEAR)
    details = outcome.scores.details.classifier
    assert {key: getattr(details, key) for key in classifier} == pytest.approx(classifier, abs=NEAR)


def law_of_colour(outcome, where):
    """The components of r, g, b given each place (n, 2) in pixels, in levels."""
    image, fitted = outcome.study.image, outcome.study.fitted
    if outcome.run.model.name == "lightgbm":
        law = fitted.law(where * image.lattice.cell)
        covariances = np.broadcast_to(law.covariances, (*law.means.shape, 3))
        return [
            brute.scaled(brute.gaussians(w, m, c), np.full(3, 256.0))
            for w, m, c in zip(law.weights, law.means, covariances, strict=True)
        ]
    whole = components(fitted, [1 / image.lattice.cell] * 2 + [256.0] * 3)
    return [brute.given(whole, [0, 1], place) for place in where]


@pytest.mark.parametrize(
    "model",
    [
        ["model=gmm", "model.components=3"],
        ["model=bgmm", "model.components=3"],
        ["model=lightgbm", "model.trees=5"],
    ],
    ids=" ".join,
)
def test_a_mixture_of_colour(model):
    outcome = executed(*COLOUR, *model)
    image, codes = outcome.study.image, outcome.study.split.codes
    levels, shape = image.values.astype(np.float64), codes.shape
    where = centres(shape)
    laws = law_of_colour(outcome, where)
    cells, cubes, means = [], [], []
    for law, level in zip(laws, levels.reshape(-1, 3) + 0.5, strict=True):
        cells.append(brute.cell_masses(law, level[None])[0])
        cubes.append(np.log(brute.box_mass(law, 0.0, 256.0)))
        means.append(np.clip(brute.mean_of(law), 0, 256) - 0.5)
    found = brute_scores.colour_scores(
        np.reshape(cells, shape), np.reshape(cubes, shape), np.reshape(means, (*shape, 3)), levels, codes
    )
    if outcome.run.model.name != "lightgbm":
        found |= joint(outcome, levels)
    agree(outcome, found, COLOUR_NEAR)


def joint(outcome, levels):
    """The likelihood of x, y, r, g, b, what it spends on the position, and the mass of positions."""
    image, codes = outcome.study.image, outcome.study.split.codes
    where = centres(codes.shape)
    whole = components(outcome.study.fitted, [1 / image.lattice.cell] * 2 + [256.0] * 3)
    place = [(w, m[:2], c[:2, :2], df) for w, m, c, df in whole]
    points = np.hstack((where, levels.reshape(-1, 3) + 0.5))
    log_p = brute.log_pdf(whole, points).reshape(codes.shape)
    spent = brute.log_pdf(place, where).reshape(codes.shape) + np.log(codes.size)
    found = by_part(log_p, codes, np.ones(codes.shape))
    for part, code in (("train", brute_scores.TRAIN), ("held_out", brute_scores.TEST)):
        found["position", part] = spent[codes == code].mean()
    found["mass_in_box", "overall"] = np.exp(brute.cell_masses(place, where)).sum()
    return found


def histogram_of_colour(levels, codes, side, width, smooth):
    """log masses of each pixel's colour cell, and the expected levels, by counting training pixels."""
    seen = codes == brute_scores.TRAIN
    bins = levels.astype(int) // width
    all_bins = bins[seen]
    log_mass, means = np.empty(codes.shape), np.empty(levels.shape)
    volume = (width / 256) ** 3
    for i, j in np.ndindex(codes.shape):
        tile = np.s_[i // side * side : (i // side + 1) * side, j // side * side : (j // side + 1) * side]
        here = bins[tile][seen[tile]]
        same = [(sample == bins[i, j]).all(axis=1).sum() for sample in (here, all_bins)]
        above = (same[1] + smooth * volume) / (len(all_bins) + smooth)
        share = (same[0] + smooth * above) / (len(here) + smooth)
        log_mass[i, j] = np.log(share / width**3)
        middles = [(sample + 0.5) * width for sample in (here, all_bins)]
        mean = (middles[1].sum(axis=0) + smooth * 128) / (len(all_bins) + smooth)
        means[i, j] = (middles[0].sum(axis=0) + smooth * mean) / (len(here) + smooth) - 0.5
    return log_mass, means


@pytest.mark.parametrize("model", ["histogram", "uniform"])
def test_a_flat_or_binned_law_of_colour(model):
    outcome = executed("image=china", "image.max_side=40", f"model={model}")
    image, codes = outcome.study.image, outcome.study.split.codes
    levels = image.values.astype(np.float64)
    if model == "uniform":
        log_mass, means = np.full(codes.shape, -3 * np.log(256)), np.full(levels.shape, 127.5)
        position = 0.0
    else:
        log_mass, means = histogram_of_colour(levels, codes, outcome.study.split.block + 7, 8, 12.0)
        position = 0.0
    found = brute_scores.colour_scores(log_mass, np.zeros(codes.shape), means, levels, codes)
    found |= by_part(log_mass - np.log(codes.size), codes, np.ones(codes.shape))
    if outcome.scores.values["position"].held_out is not None:
        found |= {("position", part): position for part in ("train", "held_out")}
    if outcome.scores.values["mass_in_box"].overall is not None:
        found["mass_in_box", "overall"] = 1.0
    agree(outcome, found, NEAR)


@pytest.mark.parametrize(
    "model",
    [["model=uniform"], ["model=histogram"], ["model=gmm", SMALL], ["model=bgmm", SMALL]],
    ids=" ".join,
)
def test_a_density_of_levels(model):
    outcome = executed(*LEVELS, *model)
    image, codes = outcome.study.image, outcome.study.split.codes
    levels, every = image.values.astype(int), np.arange(256.0)
    if model == ["model=uniform"]:
        mass = np.full(256, 1 / 256)
        log_density = np.full(codes.shape, -np.log(256))
    elif model == ["model=histogram"]:
        counts = np.bincount(levels[codes == brute_scores.TRAIN], minlength=256) + 1.0
        mass = counts / counts.sum()
        log_density = np.log(mass)[levels]
    else:
        found = components(outcome.study.fitted, [256.0])
        mass = brute.interval_masses(found, every, every + 1)
        log_density = brute.log_pdf(found, every[:, None] + 0.5)[levels]
    scores = brute_scores.level_scores(mass, levels, codes)
    agree(outcome, scores | by_part(log_density, codes, np.ones(codes.shape)), NEAR)
