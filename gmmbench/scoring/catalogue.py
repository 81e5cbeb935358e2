"""The catalogue: every score is declared here once; reports, tables, pages and docs derive from it.

To add a score, declare it in `SCORES` and return its value from the scorer of each view it is declared for
(`ink_scores`, `colour_scores`, `level_scores`), made with `score_lookup.score_of`.
`python docs/make_score_table.py` renews the table in docs/report.md.
"""

from __future__ import annotations

from .declaration import ScoreDeclaration, ScoreInView

POISSON = "ink-poisson-1"
"""Convention: Poisson log score over held-out pixels; each rate has the floor `poisson.FLOOR`."""

SHAPE = "ink-shape-1"
"""Convention: categorical log score over the pixels, without a floor."""

CONDITIONAL = "colour-cell-1"
"""Convention: mass of p(r, g, b | x, y) in the cell centred on the level, over its mass in the cube."""

LEVEL_CELLS = "levels-cell-1"
"""Convention: mass of the cell [c - 1/2, c + 1/2) over the mass of all 256 levels."""

RAW = "raw-1"
"""Convention: the raw log-likelihood."""

BOUND = "-bound"
"""What is added to the convention of a score that is only known to be at least so high."""

CELLS = "cell-masses-1"
"""Convention: sums of the masses of cells."""


def _declared(*scores: ScoreDeclaration) -> dict[str, ScoreDeclaration]:
    return {score.key: score for score in scores}


PER_INK = "bits per ink pixel over uniform"
PER_DIMENSION = "bits per dimension"
PER_LEVEL = "bits per pixel over uniform"

SCORES: dict[str, ScoreDeclaration] = _declared(
    ScoreDeclaration(
        "gain",
        "information gain",
        "what the model knows of a pixel beyond the uniform one",
        (("generalisation", "held_out"), ("representation", "train")),
        {
            "ink": ScoreInView(
                PER_INK,
                "Poisson log score of {held}; shape over training pixels",
                f"{POISSON} (train: {SHAPE})",
            ),
            "colour": ScoreInView(f"{PER_DIMENSION} over uniform", "colour given x, y", CONDITIONAL),
            "levels": ScoreInView(PER_LEVEL, "grey levels", LEVEL_CELLS),
        },
        better="higher",
    ),
    ScoreDeclaration(
        "skill",
        "skill",
        "the information gain as a share of its ceiling",
        (("generalisation", "held_out"),),
        {
            "ink": ScoreInView("share of the ceiling", "{held}", POISSON),
            "levels": ScoreInView("share of the ceiling", "grey levels", LEVEL_CELLS),
        },
        better="higher",
        elsewhere="colours have no ceiling; 0 bits per dimension is the bound",
    ),
    ScoreDeclaration(
        "ceiling",
        "ceiling",
        "the information gain of a model that knows the pixels",
        (("generalisation", "held_out"), ("representation", "train")),
        {
            "ink": ScoreInView(PER_INK, "the image itself as a model", f"{POISSON} (train: {SHAPE})"),
            "levels": ScoreInView(PER_LEVEL, "the histogram of those pixels", LEVEL_CELLS),
        },
        elsewhere="colours have no ceiling; 0 bits per dimension is the bound",
    ),
    ScoreDeclaration(
        "bits_per_dim",
        PER_DIMENSION,
        "the code length of a held-out value; the uniform model needs 8",
        (("generalisation", "held_out"), ("representation", "train")),
        {
            "colour": ScoreInView(PER_DIMENSION, "colour given x, y", CONDITIONAL),
            "levels": ScoreInView("bits per pixel", "grey levels", LEVEL_CELLS),
        },
        better="lower",
        elsewhere="ink has no colours to predict",
    ),
    ScoreDeclaration(
        "expected_ink",
        "calibration ratio",
        "the ink that the model expects in the held-out pixels, over the ink that is there",
        (("generalisation", "held_out"),),
        {"ink": ScoreInView("expected / observed ink", "{held}", POISSON)},
        better=1.0,
        elsewhere="a score of ink",
    ),
    ScoreDeclaration(
        "shape_gain",
        "gain of the shape alone",
        "the gain of the masses once they are normalised over the held-out pixels",
        (("generalisation", "held_out"),),
        {"ink": ScoreInView(PER_INK, "shape alone over {held}: a loophole when it stands alone", SHAPE)},
        elsewhere="a score of ink",
    ),
    ScoreDeclaration(
        "average_precision",
        "average precision",
        "the area under precision against recall, the rate of ink taken as a classifier",
        (("generalisation", "held_out"),),
        {"ink": ScoreInView("share", "{held}", "average-precision-1")},
        better="higher",
        elsewhere="a score of ink",
    ),
    ScoreDeclaration(
        "kl",
        "KL divergence",
        "the ceiling less the information gain: how far the model is from the image",
        (("representation", "train"),),
        {
            "ink": ScoreInView("bits per ink pixel", "KL(image || model) over training pixels", SHAPE),
            "levels": ScoreInView("bits per pixel", "KL(histogram || model)", LEVEL_CELLS),
        },
        better="lower",
        elsewhere="colours have no ceiling; 0 bits per dimension is the bound",
    ),
    ScoreDeclaration(
        "log_likelihood",
        "log-likelihood",
        "the raw mean log-likelihood, which compares no models (see below)",
        (("generalisation", "held_out"), ("representation", "train")),
        {
            "ink": ScoreInView("nats per point", "density over x, y in pixels and levels", RAW),
            "colour": ScoreInView("nats per point", "density over x, y, r, g, b in pixels and levels", RAW),
            "levels": ScoreInView("nats per point", "density over level in pixels and levels", RAW),
        },
        better="higher",
        digits=2,
    ),
    ScoreDeclaration(
        "position",
        "position term",
        "what a joint density spends on the position, whose truth is flat: at most 0 on average",
        (("generalisation", "held_out"), ("representation", "train")),
        {"colour": ScoreInView("nats per pixel", "log p(x, y) over the uniform lattice", "position-1")},
    ),
    ScoreDeclaration(
        "psnr",
        "PSNR",
        "the peak signal-to-noise ratio of the expected picture",
        (("fidelity", "overall"), ("fidelity", "held_out")),
        {
            "ink": ScoreInView("dB", "expected ink against the image", "psnr-1"),
            "colour": ScoreInView("dB", "expected colour against the image", "psnr-1"),
        },
        better="higher",
        digits=1,
        elsewhere="levels alone make no picture",
    ),
    ScoreDeclaration(
        "ssim",
        "SSIM",
        "the structural similarity of the expected picture; identical pictures have 1",
        (("fidelity", "overall"), ("fidelity", "held_out")),
        {
            "ink": ScoreInView("", "expected ink against the image", "ssim-1"),
            "colour": ScoreInView("", "expected colour against the image", "ssim-1"),
        },
        better="higher",
        elsewhere="levels alone make no picture",
    ),
    ScoreDeclaration(
        "mass_in_box",
        "mass in the box",
        "the share of the density's mass inside the image, or in the range of levels",
        (("normalisation", "overall"),),
        {
            "ink": ScoreInView("share", "p(x, y)", CELLS),
            "colour": ScoreInView("share", "p(x, y)", CELLS),
            "levels": ScoreInView("share", "p(level)", CELLS),
        },
        digits=6,
    ),
)
"""Every score by its key, in the order in which tables show them."""
