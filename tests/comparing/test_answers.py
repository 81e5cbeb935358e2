"""The answer in words claims what the pairs support, and no more."""

import re
from dataclasses import replace
from itertools import combinations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from made_tables import image_table, model_row

from gmmbench.comparing import answers
from gmmbench.comparing.compare import compare
from gmmbench.comparing.image_tests import over_images
from gmmbench.comparing.schema import AcrossImages, ImageTest, PairRow
from gmmbench.comparing.verdicts import ranking

FEW = "too few independent patches"
BOUND = "the score is a lower bound"


def made(gains, apart=(), undecided=None, bounds=(), title="dog", seeds=(0, 1), out=None):
    """A table of models: their gains, which pairs (better, worse) are told apart, and which are undecided."""
    undecided = undecided or {}
    pairs = []
    for a, b in combinations(sorted(gains, key=lambda name: -gains[name]), 2):
        reason = undecided.get((a, b), "")
        significant = (a, b) in apart and not reason
        p = None if reason == FEW else 0.01 if significant else 0.6
        ends = None if p is None else (0.04, 0.16) if significant else (-0.1, 0.2)
        pairs.append(PairRow(a, b, gains[a] - gains[b], ends, ends, p, significant, reason, 50))
    letters, reasons = ranking(gains, pairs)
    rows = [
        model_row(
            name,
            gain,
            letters.get(name, ()),
            not_ranked=reasons.get(name, ""),
            lower_bound=name in bounds,
            ceiling=4.0,
        )
        for name, gain in gains.items()
    ]
    rows += [model_row(name, None, (), not_ranked=reason) for name, reason in (out or {}).items()]
    rows.sort(key=lambda row: (not row.letters, -(row.gain or 0)))
    table = image_table(
        rows, title=title, sha256=title, has_ranking=bool(letters), pairs=tuple(pairs), seeds_compared=seeds
    )
    return replace(table, answer=answers.table_answer(table))


GAINS = {"a": 2.0, "b": 1.9, "c": 1.8}


def test_who_is_alone_at_the_top_is_best():
    assert made(GAINS, [("a", "b"), ("a", "c"), ("b", "c")]).answer == (
        "On dog (ink), a predicts the held-out pixels best: it gains 2.00 of 4.00 bits (50%), "
        "0.10 more than the next, b, which is significant."
    )


def test_a_tie_at_the_top_is_not_told_apart():
    said = made(GAINS, [("a", "c"), ("b", "c")]).answer
    assert "best" not in said
    assert said == (
        "On dog (ink), a gains most, 2.00 of 4.00 bits (50%), "
        "but not significantly more than b (0.10 less); c is significantly worse."
    )


def test_who_is_not_told_apart_from_the_first_is_named_however_low_its_mean():
    said = made(GAINS, [("a", "b")]).answer
    assert said == (
        "On dog (ink), a gains most, 2.00 of 4.00 bits (50%), "
        "but not significantly more than c (0.20 less); b is significantly worse."
    )


def test_where_all_tie_nobody_is_behind():
    said = made({name: 2 - place / 10 for place, name in enumerate("abcdef")}).answer
    assert "significantly worse" not in said
    assert "b, c, d, e and f (0.10 to 0.50 less)" in said


def test_of_very_many_that_tie_the_letters_in_the_table_name_the_rest():
    said = made({f"m{place}": 2 - place / 100 for place in range(40)}).answer
    assert "m20 and 19 more that share a letter with it in the table" in said


def test_one_seed_speaks_of_fits_and_two_of_models():
    for apart in ([], [("a", "b"), ("a", "c"), ("b", "c")]):
        said = made(GAINS, apart, seeds=(3,)).answer
        assert said.startswith("On dog (ink), of these single fits (seed 3), a ")
        assert "single" not in made(GAINS, apart, seeds=(3, 4)).answer


def test_a_pair_that_cannot_be_judged_is_undecided_and_costs_nobody_else_a_place():
    few = {(name, "d"): FEW for name in "abc"}
    told_apart = [("a", "b"), ("a", "c"), ("b", "c")]
    table = made({**GAINS, "d": 0.0}, told_apart, few, out={"e": "it has no score"})
    letters = {row.model: row.letters for row in table.models}
    assert letters == {"a": ("a",), "b": ("b",), "c": ("c",), "d": (), "e": ()}
    assert {row.model: row.not_ranked for row in table.models if not row.letters} == {
        "d": FEW,
        "e": "it has no score",
    }
    assert table.answer.endswith("which is significant. Not ranked: d and e.")


def test_a_single_undecided_pair_is_named_with_its_reason():
    said = made(GAINS, [("a", "b"), ("b", "c")], {("a", "c"): FEW}).answer
    assert said == (
        "On dog (ink), a gains most, 2.00 of 4.00 bits (50%); against c it is undecided (too few independent "
        "patches); b is significantly worse."
    )


def test_a_lower_bound_is_said_to_be_one():
    assert "b gains most, at least 2.00" in made({"b": 2.0, "a": 1.9}, bounds="b").answer
    said = made({"b": 2.0, "a": 1.9}, [("b", "a")], bounds="b").answer
    assert "it gains at least 2.00 of 4.00 bits (50%), at least 0.10 more than the next, a" in said
    assert "less)" not in made(GAINS, [("a", "b")], {("a", "c"): BOUND}, bounds="c").answer


def test_over_images_ties_are_counted_apart():
    tables = [
        made({"a": 2.0, "b": 1.9}, [("a", "b")]),
        made({"a": 2.0, "b": 1.9}, title="cat"),
        made({"a": 2.0}, title="cow"),
    ]
    found = AcrossImages(
        *tables[0].protocol,
        images=("x", "y", "z"),
        averaged_images=(),
        unranked_images=(),
        models=(),
        left_out=(),
        mean_ranks=(),
        no_ranks_reason="",
        tests=(),
        smallest_p=None,
        no_tests_reason="too few",
    )
    (said,) = answers.overall(tables, [found])
    assert said == (
        "Over 3 ink images: a is significantly best on 1 of 2; on 1 no model is significantly best "
        "(not told apart from the first: a on 1, b on 1); 1 could not be ranked. "
        "There is no test over images: too few."
    )


def test_over_images_no_model_is_said_to_win_that_another_beats():
    tables = [made(GAINS, title=str(place)) for place in range(2)]
    (found,) = over_images(tables)

    def said(*tests):
        rows = tuple(ImageTest(better, worse, 0.1, 8, 0.01, 0.01, True) for better, worse in tests)
        across = replace(found, tests=rows, smallest_p=0.01, no_tests_reason="")
        return answers.overall(tables, [across])[0]

    assert said(("b", "c"), ("b", "d"), ("a", "b")).endswith(
        "Over images a is significantly better than the other model."
    )
    assert said(("b", "c"), ("c", "a"), ("a", "b")).endswith(
        "Over images 3 of 3 differences are significant."
    )


def test_the_answer_for_one_image_is_that_of_its_table(ink_runs):
    found = compare([ink_runs])
    assert found.answer == (found.tables[0].answer,)
    assert ("but not significantly more" in found.answer[0]) == (len(found.tables[0].first) > 1)


@st.composite
def comparisons(draw):
    """Tables of every shape: any pairs told apart or undecided, any model a bound or not ranked at all."""
    names = [f"m{place}x" for place in range(draw(st.integers(1, 6)))]
    gains = {name: draw(st.integers(-20, 40)) / 10 for name in names}
    order = sorted(gains, key=lambda name: -gains[name])
    bounds = draw(st.sets(st.sampled_from(names)))
    outcomes = {pair: draw(st.sampled_from(["apart", "alike", FEW])) for pair in combinations(order, 2)}
    apart = [pair for pair, outcome in outcomes.items() if outcome == "apart"]
    undecided = {pair: FEW for pair, outcome in outcomes.items() if outcome == FEW}
    undecided |= {pair: BOUND for pair in outcomes if pair[1] in bounds and pair not in undecided}
    out = dict.fromkeys(draw(st.sets(st.sampled_from(["o1x", "o2x"]))), "it has no score")
    seeds = tuple(range(draw(st.integers(1, 3))))
    return made(gains, apart, undecided, bounds, seeds=seeds, out=out)


NAME = r"\b[mo]\dx\b"


@settings(deadline=None, max_examples=400)
@given(comparisons())
def test_no_sentence_claims_what_a_pair_does_not_support(table):
    """Read the sentence back: every claim in it is that of a pair, and nobody is left out."""
    said = table.answer
    pairs = {frozenset((pair.better, pair.worse)): pair for pair in table.pairs}
    ranked = [row.model for row in table.models if row.letters]
    if not ranked:
        assert "there is no ranking" in said
        assert not re.search("best|most|significant|worse", said)
        assert not any(not pair.undecided for pair in table.pairs)
        return
    first = re.search(rf", ({NAME}) (?:predicts|gains most)", said).group(1)
    assert first == ranked[0]
    claims = said.partition(" Not ranked:")[0]
    tied = clause(r"but not significantly more than ([^(;]*)", claims)
    undecided = {name for text in re.findall(r"against ([^(;]*)", claims) for name in names_in(text)}
    for name in ranked[1:]:
        pair = pairs[frozenset((first, name))]
        told_apart = pair.significant and pair.better == first
        assert (name in tied) == (not told_apart and not pair.undecided)
        assert (name in undecided) == bool(pair.undecided)
        if "best" in claims:
            assert told_apart
    assert ("best" in claims) == (not tied and not undecided)
    for name in clause(r"; ([^;]*) (?:is|are) significantly worse", claims):
        assert pairs[frozenset((first, name))].significant
        assert pairs[frozenset((first, name))].better == first
    gain = next(row for row in table.models if row.model == first)
    assert ("at least" in claims) == gain.lower_bound
    assert ("these single fits" in claims) == (len(table.seeds_compared) == 1)
    if len(table.seeds_compared) == 1:
        assert "model" not in said
    for row in table.models:  # whoever is not ranked is named as such and nowhere else
        if not row.letters:
            assert row.model not in claims
            assert row.not_ranked


@settings(deadline=None)
@given(st.lists(comparisons(), min_size=2, max_size=4))
def test_over_images_no_claim_goes_beyond_the_images_pairs(tables):
    tables = [
        replace(table, title=f"image {at}", sha256=str(at), image=f"image {at}")
        for at, table in enumerate(tables)
    ]
    (said,) = answers.overall(tables, over_images(tables))
    alone = [table.first[0].model for table in tables if table.ranked and len(table.first) == 1]
    ties = [table.first for table in tables if len(table.first) > 1]
    for name, n in re.findall(rf"({NAME}) is significantly best on (?:all )?(\d|both|the one)", said):
        assert alone.count(name) == {"both": 2, "the one": 1}.get(n) or alone.count(name) == int(n)
    assert len(re.findall("is significantly best on", said)) == len(set(alone))
    assert ("no model is" in said or "no fit is" in said) == bool(ties)
    for name in {row.model for first in ties for row in first}:
        n = sum(name in {row.model for row in first} for first in ties)
        assert f"{name} on {n}" in said
    fits = any(len(table.seeds_compared) == 1 for table in tables if table.ranked)
    assert ("single fits" in said) == fits


def clause(pattern, text):
    """The names in a clause of the answer."""
    found = re.search(pattern, text)
    return names_in(found.group(1)) if found else set()


def names_in(text):
    return set(re.findall(NAME, text))


@pytest.mark.parametrize("models", [1, 2])
def test_where_nothing_can_be_judged_there_is_no_ranking(models):
    gains = {f"m{place}x": 1.0 - place for place in range(models)}
    table = made(gains, undecided={("m0x", "m1x"): FEW})
    reason = FEW if models == 2 else "there is no other model to compare it with"
    assert table.answer == f"On dog (ink) there is no ranking: {reason}."
