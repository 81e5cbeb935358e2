"""The gallery: every lie, the net that must catch it, and the table of docs/lies.md.

`python tests/lies/liars/gallery.py` writes the table.
"""

import sys
from dataclasses import dataclass
from pathlib import Path

if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).parents[1]))

from liars import answers, colours, densities, kit, thieves

PAGE = Path(__file__).parents[3] / "docs" / "lies.md"
BEGIN, END = "<!-- lies: written by tests/lies/liars/gallery.py -->", "<!-- end of lies -->"

NOTHING = "it gains no more than honest code"
ASKED = "depends on the other questions or on earlier ones"
OTHERWISE = "in isolation it answers otherwise"


@dataclass(frozen=True)
class Lie:
    """One lie.

    Attributes:
        model: the class of the model; its docstring says what it does.
        net: what must catch it: run, check, verified, or none.
        how: a part of the reason, the name of the check, NOTHING, or what is to be known where no net is.
        fails: whether the run fails, with `how` in its error, and comes to no scores.
        honest: the honest model with the same knowledge.
        closed: whether files must be closed to isolated processes.
        slow: whether its test is marked so.
    """

    model: type
    net: str
    how: str
    honest: type = kit.Honest
    fails: bool = False
    closed: bool = False
    slow: bool = False

    @property
    def name(self):
        return self.model.__name__


def runs(honest, fails=False, **how):
    """Lies in a module that a run must catch."""
    return lambda module: [
        Lie(getattr(module, name), "run", text, honest, fails) for name, text in how.items()
    ]


LIES = [
    *runs(
        kit.Honest,
        TenPercentMore="mass inside the box is 1.1, more than 1",
        SamplesElsewhere="0.5 of its samples lie there",
        AnotherDensity="its samples do not follow its density",
        CentreSpikes="its cell masses still move at the finest quadrature",
        BetweenTheNodes="mass inside the box is 0.5, but 1 of its samples lie there",
        NotANumber="its cell masses are not all finite",
        Infinite="its cell masses are not all finite",
        HardlyInTheImage=NOTHING,
        ShapeAlone=NOTHING,
        NormalisedOverTheBatch="its cell masses still move at the finest quadrature",
        CountsQuestions=ASKED,
        OffTheLattice=NOTHING,
        LatticesAndBatches=ASKED,
        LooksAtValidation=NOTHING,
        BehindTheNaN=NOTHING,
    )(densities),
    *runs(
        kit.Honest,
        fails=True,
        Choosy="not to my taste",
        AColumn="shape",
    )(densities),
    Lie(densities.TwiceTheLevels, "run", "more than 1", densities.HonestLevels),
    *runs(
        kit.HonestClassifier,
        MoreThanCertain="predict lies outside 0..1",
        SilentWhereUnsure="predict is not a finite number",
        SureInSmallBatches=ASKED,
        ReadsTheQuestions=ASKED,
        ChangesItsAnswers=NOTHING,
        WritesIntoQuestions=NOTHING,
        ArraysThatLie=NOTHING,
    )(answers),
    Lie(answers.ForeseesTheReferee, "run", NOTHING),
    Lie(answers.TakesTheReferee, "run", NOTHING),
    *runs(
        kit.HonestColours,
        NarrowerThanACell=NOTHING,
        HeavyWeights="weights do not sum to 1",
    )(colours),
    *runs(
        kit.HonestColours,
        fails=True,
        NegativeVariance="positive definite",
        Asymmetric="expected symmetric covariances",
        NaNColours="finite",
        NegativeWeights="expected weights >= 0",
        NegativeDegrees="expected degrees > 0",
    )(colours),
    *runs(
        colours.HonestSpoken,
        TwoPercentMore="times the mass",
        ThirtyPercentMore="times the mass",
        SmallerCube="times the mass",
        CertainOfTheQuestion="times the mass",
        SmallQuestions=ASKED,
        TunedBound="too narrow to be checked",
    )(colours),
    Lie(thieves.RemembersRuns, "run", NOTHING),
    Lie(thieves.Referee, "run", "gmmbench.scoring.ink_scores.poisson_gain was replaced by liars"),
    Lie(answers.LoadsAnotherFit, "check", "kept"),
    Lie(densities.SeedsTheGlobalStream, "check", "global state"),
    Lie(answers.NeverDoneCompiling, "check", "compiling"),
    Lie(thieves.KnowsWhereItRuns, "check", "isolated"),
    Lie(thieves.CallStack, "verified", OTHERWISE),
    Lie(thieves.GarbageCollector, "verified", OTHERWISE, slow=True),
    Lie(thieves.StealsWhenAsked, "verified", OTHERWISE, slow=True),
    Lie(thieves.RunsBesideIt, "verified", OTHERWISE, slow=True),
    Lie(thieves.CommandLine, "verified", OTHERWISE, slow=True),
    Lie(thieves.WorkingFolder, "verified", OTHERWISE, slow=True),
    Lie(thieves.ParentProcess, "verified", OTHERWISE, closed=True, slow=True),
    Lie(thieves.KnownFolder, "verified", OTHERWISE, closed=True),
    Lie(thieves.Stash, "verified", OTHERWISE, closed=True),
    Lie(thieves.TemporaryStash, "verified", OTHERWISE, closed=True, slow=True),
    Lie(thieves.Lottery, "verified", "by the isolated fit's own scores"),
    Lie(thieves.TwoFaced, "verified", OTHERWISE, slow=True),
    Lie(thieves.FixtureSpotter, "verified", OTHERWISE, slow=True),
    Lie(thieves.NeverSaved, "verified", "its fit has no `save`"),
    Lie(
        answers.NoParameters,
        "none",
        "counts of parameters are the model's own word; AIC and BIC are descriptive and rank nothing",
    ),
    Lie(
        answers.FitsWhenAsked,
        "none",
        "its seconds are found in `score_seconds`, beside those of the fit; seconds rank nothing",
        kit.HonestClassifier,
    ),
    Lie(
        thieves.BroughtAlong,
        "none",
        "public images can be learnt by heart; use your own images, which no plugin has seen",
        slow=True,
    ),
]


def says(lie):
    """How the table puts it."""
    if lie.net == "run":
        found = "fails" if lie.fails else "not ranked"
        return f"run: {lie.how}" if lie.how == NOTHING else f"run: {found}, “{lie.how}”"
    if lie.net == "check":
        return f"`gmmbench check`: {lie.how}"
    if lie.net == "verified":
        closed = " (Linux with Landlock)" if lie.closed else ""
        return f"`verify=true`{closed}: “{lie.how}”"
    return f"nothing: {lie.how}"


def table():
    """The table as Markdown."""
    rows = [("lie", "what it does", "what catches it"), ("---",) * 3]
    rows += [(lie.name, " ".join(lie.model.__doc__.split()).rstrip("."), says(lie)) for lie in LIES]
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


def page(text):
    """The page with its table renewed."""
    before, _, rest = text.partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}\n{table()}\n{END}{after}"


if __name__ == "__main__":
    PAGE.write_text(page(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
