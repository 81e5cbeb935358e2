"""The answer in words claims what the tiers do, and no more."""

from made_tables import image_table, model_row

from gmmbench.comparing import answers
from gmmbench.comparing.compare import compare
from gmmbench.comparing.schema import AcrossImages, PairRow


def table(tiers, title="dog", judged=True):
    """Models a, b, ... in these tiers, each gaining a tenth less than the one before."""
    rows = [
        model_row(name, 2 - place / 10, tier, not_ranked="too few", ceiling=4.0)
        for place, (name, tier) in enumerate(zip("abcdefgh", tiers, strict=False))
    ]
    pairs = [
        PairRow(rows[0].model, row.model, 0.1, (0.05, 0.15), (0.04, 0.16), 0.01, True, 50)
        for row in rows
        if row.tier is not None and row.tier > 1
    ]
    return image_table(rows, title=title, has_ranking=judged, pairs=tuple(pairs))


def test_who_is_alone_at_the_top_is_best():
    assert answers.table_answer(table([1, 2, 3])) == (
        "On dog (ink), a predicts the held-out pixels best: it gains 2.00 of 4.00 bits (50%), "
        "0.10 more than the next, b, which is significant."
    )


def test_a_tie_at_the_top_is_not_told_apart():
    said = answers.table_answer(table([1, 1, 2]))
    assert "best" not in said
    assert said == (
        "On dog (ink), a gains most, 2.00 of 4.00 bits (50%), "
        "but not significantly more than b (0.10 less); c is significantly worse."
    )


def test_where_all_tie_nobody_is_behind():
    said = answers.table_answer(table([1, 1, 1, 1, 1, 1]))
    assert "significantly worse" not in said
    assert "b, c, d and 2 more (0.10 to 0.50 less)" in said


def test_over_images_ties_are_counted_apart():
    tables = [table([1, 2]), table([1, 1]), table([None, None], judged=False)]
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
        "(in the first tier: a on 1, b on 1); 1 could not be ranked. "
        "There is no test over images: too few."
    )


def test_the_answer_for_one_image_is_that_of_its_table(ink_runs):
    found = compare([ink_runs])
    assert found.answer == (found.tables[0].answer,)
    best = [row.model for row in found.tables[0].models if row.tier == 1]
    assert ("but not significantly more" in found.answer[0]) == (len(best) > 1)
