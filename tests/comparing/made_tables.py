"""Tables of a comparison made by hand."""

from gmmbench.comparing.columns import COLUMNS
from gmmbench.comparing.schema import ImageTable, ModelRow, SeedMean


def seed_mean(mean=None):
    """A mean of one run."""
    return SeedMean(mean=mean, sd=None, interval=None, values=(), n_runs=1, n_seeds=1, unit="", reason=None)


def model_row(model, gain, letters="a", parameters=None, not_ranked="", lower_bound=False, **scores):
    """A model with some scores, the others missing."""
    return ModelRow(
        model=model,
        option=model.split()[0],
        parameters=parameters or {},
        letters=tuple(letters or ""),
        not_ranked=not_ranked,
        gain=gain,
        lower_bound=lower_bound,
        interval=None,
        seeds=(0,),
        seeds_counted=(0,),
        scores={name: seed_mean(scores.get(name)) for name in COLUMNS},
    )


def image_table(models, **fields):
    """A table of models, of an ink image unless the fields say otherwise."""
    usual = {
        "title": "dog",
        "image": "dog",
        "view": "ink",
        "height": 10,
        "width": 10,
        "sha256": "0" * 64,
        "hold_out": 0.2,
        "hold_out_block": 1,
        "convention": "c",
        "unit": "bits",
        "seeds": (0,),
        "seeds_compared": (0,),
        "seed_notes": (),
        "has_ranking": True,
        "pairs": (),
        "pareto_fronts": {},
        "curves": (),
    }
    return ImageTable(**{**usual, **fields}, models=tuple(models))
