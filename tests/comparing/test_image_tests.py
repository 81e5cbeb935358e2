"""Over images: one mean an image, ranks of all, and tests where there are images enough."""

from dataclasses import replace
from itertools import product

import numpy as np
import pytest
from made_tables import image_table, model_row
from scipy.stats import rankdata

from gmmbench.comparing.image_tests import over_images
from gmmbench.comparing.schema import PartlyRanked
from gmmbench.scoring.intervals import holm


def tables(gains, images=None):
    """Tables of ranked models: gains (images, models) by name."""
    return [
        image_table(
            [model_row(name, gain, None if gain is None else "a") for name, gain in row.items()],
            image=f"image {place}",
            sha256=str((images or range(len(gains)))[place]),
        )
        for place, row in enumerate(gains)
    ]


def drawn(images, models="abc"):
    rng = np.random.default_rng(3)
    return [
        {name: float(rng.normal(scale=0.2) + shift) for shift, name in enumerate(models)}
        for _ in range(images)
    ]


@pytest.mark.parametrize("images", [1, 5])
def test_fewer_than_six_images_are_not_tested_and_the_reason_is_said(images):
    (found,) = over_images(tables(drawn(images)))
    assert found.tests == ()
    assert "fewer than 6" in found.no_tests_reason


def test_six_images_are_tested_by_all_flips_of_signs_and_corrected_together():
    gains = drawn(6)
    (found,) = over_images(tables(gains))
    assert found.no_tests_reason == ""
    expected = []
    for row in found.tests:
        d = np.array([image[row.better] - image[row.worse] for image in gains])
        flips = np.array([abs(np.dot(signs, d)) for signs in product((1, -1), repeat=6)])
        expected.append(float(np.mean(flips >= abs(d.sum()) - 1e-12)))
        assert row.mean_difference == pytest.approx(d.mean())
        assert row.mean_difference >= 0
        assert row.images == 6
    assert [row.p for row in found.tests] == pytest.approx(expected)
    assert found.smallest_p == pytest.approx(3 * 2 / 64)
    assert [row.p_corrected for row in found.tests] == pytest.approx(holm(expected))


def test_mean_ranks_are_those_of_the_gains():
    gains = drawn(4)
    (found,) = over_images(tables(gains))
    ranks = rankdata([[-image[name] for name in "abc"] for image in gains], axis=1).mean(axis=0)
    assert {row.model: row.mean_rank for row in found.mean_ranks} == pytest.approx(
        dict(zip("abc", ranks, strict=True))
    )


def test_an_image_in_two_tables_is_one_image():
    gains = drawn(6)
    (found,) = over_images(tables(gains, images=[0, 1, 2, 3, 4, 4]))
    assert len(found.images) == 5
    assert found.averaged_images == ("image 4",)
    assert found.tests == ()


def test_a_model_that_is_not_ranked_everywhere_has_no_mean_rank_and_is_named():
    gains = drawn(7)
    gains[0]["c"] = None
    (found,) = over_images(tables(gains))
    assert [row.model for row in found.mean_ranks] == ["b", "a"]
    assert found.left_out == (PartlyRanked("c", images=6, n_images=7),)
    tested = {frozenset((row.better, row.worse)): row.images for row in found.tests}
    assert tested == {frozenset("ab"): 7, frozenset("ac"): 6, frozenset("bc"): 6}


def test_an_image_without_a_ranking_is_left_out_and_named():
    gains = [*drawn(6), dict.fromkeys("abc")]
    (found,) = over_images(tables(gains))
    assert found.unranked_images == ("image 6",)
    assert [row.images for row in found.tests] == [6, 6, 6]
    assert len(found.mean_ranks) == 3


def test_models_that_share_no_six_images_are_not_tested():
    gains = [
        {"a": 1.0, "b": 2.0 if place < 5 else None, "c": None if place < 5 else 0.0} for place in range(8)
    ]
    (found,) = over_images(tables(gains))
    assert found.tests == ()
    assert "no two models" in found.no_tests_reason


def test_views_and_conventions_are_never_mixed():
    both = tables(drawn(6))
    both[:3] = [replace(table, view="colour") for table in both[:3]]
    assert [len(found.images) for found in over_images(both)] == [3, 3]
