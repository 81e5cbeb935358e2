"""The answer in words claims what the tiers do, and no more."""

from gmmbench.comparing import answers
from gmmbench.comparing.compare import compare


def table(tiers, title="dog", judged=True):
    """Models a, b, ... in these tiers, each gaining a tenth less than the one before."""
    return {
        "title": title,
        "view": "ink",
        "unit": "bits",
        "hold_out": 0.2,
        "hold_out_block": 1,
        "convention": "c",
        "judged": judged,
        "models": [
            {
                "model": name,
                "tier": tier,
                "gain": 2 - place / 10,
                "not_ranked": "too few",
                "scores": {"ceiling": {"mean": 4.0}},
            }
            for place, (name, tier) in enumerate(zip("abcdefgh", tiers, strict=False))
        ],
    }


def test_who_is_alone_at_the_top_is_best():
    assert answers.of_table(table([1, 2, 3])) == (
        "On dog (ink) a knows the held-out pixels best: it gains 2.00 of 4.00 bits (50%), "
        "0.10 more than b, the next, which is more than chance."
    )


def test_a_tie_at_the_top_is_not_told_apart():
    said = answers.of_table(table([1, 1, 2]))
    assert "best" not in said
    assert said == (
        "On dog (ink) a gains most, 2.00 of 4.00 bits (50%), "
        "but it cannot be told apart from b (0.10 less); c is really behind it."
    )


def test_where_all_tie_nobody_is_behind():
    said = answers.of_table(table([1, 1, 1, 1, 1, 1]))
    assert "behind" not in said
    assert "b, c, d and 2 more (0.10 to 0.50 less)" in said


def test_over_images_ties_are_counted_apart():
    tables = [table([1, 2]), table([1, 1]), table([None, None], judged=False)]
    same = {key: tables[0][key] for key in ("view", "hold_out", "hold_out_block", "convention", "unit")}
    found = {**same, "images": ["x", "y", "z"], "averaged_images": [], "why_no_tests": "too few", "tests": []}
    (said,) = answers.overall(tables, [found])
    assert said == (
        "Over 3 ink images: a knows 1 of 2 best, by more than chance; on 1 it cannot be told which is best "
        "(among the first: a on 1, b on 1); 1 could not be ranked. "
        "No test over images: too few."
    )


def test_the_answer_for_one_image_is_that_of_its_table(ink_runs):
    found = compare([ink_runs])
    assert found["answer"] == [found["tables"][0]["answer"]]
    best = [row["model"] for row in found["tables"][0]["models"] if row["tier"] == 1]
    assert ("cannot be told" in found["answer"][0]) == (len(best) > 1)
