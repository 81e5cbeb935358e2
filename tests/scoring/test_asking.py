"""Questions carry no answers: copies, batches and decoys, and the fits that they unmask."""

import numpy as np
import pytest
from known_fits import Chances, ink_image, scored
from liars import colours, kit

from gmmbench import Lattice, Run, execute
from gmmbench.scoring import asking
from gmmbench.scoring.decoys import Training, answered
from gmmbench.scoring.total_mass import total_mass


def training():
    picture = kit.image("colour")
    lattice = picture.lattice
    return Training.of(lattice.centres(), picture.coordinates.reshape(-1, 3), np.arange(lattice.size) % 5 > 0)


def test_batches_are_random_sets_of_random_sizes_that_cover_every_question_once():
    parts = list(asking.batches(1000, np.random.default_rng(0), 100))
    assert len({len(part) for part in parts}) > 3
    assert max(len(part) for part in parts) <= 100
    together = np.concatenate(parts)
    assert sorted(together) == list(range(1000)) and (np.diff(together) < 0).any()


def test_a_fit_is_asked_as_a_freshly_loaded_copy_and_one_that_cannot_be_saved_says_so():
    saved = kit.Cells(Lattice(4, 4), np.full((4, 4), 1 / 16))
    copies = asking.FreshCopies.of(saved)
    assert copies.fresh() is not saved and copies.fresh() is not copies.fresh()
    assert copies.note == "A freshly loaded copy was asked."
    alone = Chances(Lattice(4, 4), np.full((4, 4), 0.5))
    assert asking.FreshCopies.of(alone).fresh() is alone
    assert "cannot be saved" in asking.FreshCopies.of(alone).note


def test_a_fit_whose_load_fails_is_asked_itself():
    class Stuck(kit.Cells):
        @classmethod
        def load(cls, arrays, facts):
            raise KeyError("values")

    found = asking.FreshCopies.of(Stuck(Lattice(2, 2), np.full((2, 2), 0.25)))
    assert "KeyError" in found.note and isinstance(found.fresh(), Stuck)


def test_answers_that_follow_the_batch_move():
    rng = np.random.default_rng(0)
    steady = rng.normal(size=500)
    assert asking.moved(lambda part: steady[part], steady, rng) == 0
    assert asking.moved(lambda part: steady[part] + 1e-3 * (len(part) < 10), steady, rng) > 1e-4
    assert asking.moved(lambda part: np.sort(steady[part]), steady, rng) > 1e-4


def test_two_answers_that_are_infinite_or_no_number_alike_do_not_differ():
    odd = np.array([np.inf, -np.inf, np.nan, 1.0])
    assert asking.distance(odd, odd) == 0
    assert asking.distance(odd, odd[::-1]) == np.inf


def test_the_last_questions_to_a_density_name_no_more_than_the_lattice():
    """Whatever a fit is asked of a drawing is the same for a drawing with the same training pixels."""
    seen = []

    class Listening(kit.Cells):
        def log_density(self, points):
            seen.append(np.array(points))
            return super().log_density(points)

    lattice = Lattice(12, 12)
    fit = Listening(lattice, np.full(lattice.shape, 1 / 144))
    first = ink_image(np.random.default_rng(0).random(lattice.shape) < 0.3)
    asked = []
    for image in (first, ink_image(1 - first.values)):
        seen.clear()
        scored(fit, image)
        asked.append([part.copy() for part in seen])
    assert len(asked[0]) == len(asked[1])
    for one, other in zip(*asked, strict=True):
        np.testing.assert_array_equal(one, other)


def test_a_fit_that_is_surer_of_a_colour_asked_about_alone_is_unmasked():
    """It finds the pixels that a batch names once, and takes the colour named for the pixel's own."""
    some, rng = training(), np.random.default_rng(0)
    own = kit.image("colour").coordinates.reshape(-1, 3)

    def honest(pixels, cells):
        return -np.abs(cells - 0.5).sum(axis=1, keepdims=True)

    def sure(pixels, cells):
        once = np.bincount(pixels, minlength=len(own))[pixels] == 1
        return np.where(once[:, None], 0.0, honest(pixels, cells))

    assert answered(some, own, honest, honest, "masses", rng).reasons == ()
    (reason,) = answered(some, own, sure, sure, "masses", rng).reasons
    assert "masses depends on the other questions" in reason


@pytest.mark.parametrize("times", [1.0, 1.02])
def test_the_total_mass_of_a_smooth_law_is_known_to_half_a_percent(times):
    some = training()

    def ask(pixels, cells):
        edges = np.clip(np.array([cells - 1 / 512, cells + 1 / 512]), 0, 1)
        return np.log(times * np.prod(np.diff(2 * edges - edges**2, axis=0)[0], axis=1))

    found = total_mass(some, ask, np.random.default_rng(0))
    assert found.error < 0.005
    assert found.value == pytest.approx(times, abs=4 * found.error)
    assert found.differs == (times != 1)


def test_a_surplus_of_two_percent_is_found_in_a_run_and_honest_colours_are_ranked():
    reasons = [
        execute(Run(kit.Given("colour"), model, {})).scores.not_ranked
        for model in (colours.HonestSpoken(), colours.TwoPercentMore())
    ]
    assert reasons[0] == ()
    assert "times the mass in the cube" in reasons[1][0]
