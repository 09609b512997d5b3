"""An algorithm that kills its workers is found, isolated and held."""

from hypothesis import given
from hypothesis import strategies as st

from cad.control.tasks.suspects import DEATHS, WINDOW, Death, Suspects
from cad.domain.ids import ServiceId

GUILTY, INNOCENT = ServiceId("guilty"), ServiceId("innocent")


def after(*deaths: Death) -> Suspects:
    suspects = Suspects()
    for death in deaths:
        suspects = suspects.after(death)
    return suspects


def died(at: float, *services: ServiceId, alone: bool = False) -> Death:
    return Death(at, frozenset(services), alone)


def test_one_that_was_there_at_every_death_gets_its_own_worker() -> None:
    suspects = after(died(0, GUILTY, INNOCENT), died(1, GUILTY), died(2, GUILTY, INNOCENT))
    assert suspects.isolated == {GUILTY}
    assert not suspects.held


def test_deaths_far_apart_accuse_nobody() -> None:
    suspects = after(died(0, GUILTY), died(1, GUILTY), died(1.5 + WINDOW, GUILTY))
    assert suspects.isolated == frozenset()


def test_one_that_kills_its_own_worker_too_is_held() -> None:
    alone = [died(10 + n, GUILTY, alone=True) for n in range(DEATHS)]
    suspects = after(*(died(n, GUILTY) for n in range(DEATHS)), *alone)
    assert not suspects.isolated
    assert suspects.held == {GUILTY}


def test_deaths_of_one_suspect_do_not_accuse_another() -> None:
    mixed = [died(n, name, alone=True) for n, name in enumerate([GUILTY, INNOCENT, GUILTY, GUILTY])]
    suspects = after(*(died(0, GUILTY, INNOCENT) for _ in range(DEATHS)), *mixed)
    assert suspects.isolated == {INNOCENT}
    assert suspects.held == {GUILTY}


def test_another_chance_forgets_the_past() -> None:
    held = after(
        *(died(n, GUILTY) for n in range(DEATHS)),
        *(died(n, GUILTY, alone=True) for n in range(DEATHS)),
    )
    released = held.released(GUILTY)
    assert released.held == frozenset()
    assert released.after(died(5, GUILTY)).isolated == frozenset()


def test_an_uninstalled_one_is_no_suspect() -> None:
    suspects = after(*(died(n, GUILTY, INNOCENT) for n in range(DEATHS)))
    assert suspects.limited_to({INNOCENT}).isolated == {INNOCENT}


deaths = st.lists(
    st.builds(
        Death,
        st.floats(0, 1000),
        st.frozensets(st.sampled_from([GUILTY, INNOCENT])),
        st.booleans(),
    )
)


@given(deaths)
def test_nobody_is_both_isolated_and_held_and_memory_is_bounded(course: list[Death]) -> None:
    suspects = after(*sorted(course))
    assert not suspects.isolated & suspects.held
    assert all(course and max(course).at - death.at <= WINDOW for death in suspects.deaths)
