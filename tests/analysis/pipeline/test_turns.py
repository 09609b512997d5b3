"""Whose turn it is: oldest first, spread before batched, nobody waited for."""

from hypothesis import given
from hypothesis import strategies as st

from cad.analysis.pipeline.turns import Standing, next_turn


def lane(turn: int, takable: int = 1, service: int = 1, batch_limit: int = 8) -> Standing:
    return Standing(service, batch_limit, turn, takable)


@st.composite
def rounds(draw: st.DrawFn) -> list[Standing]:
    turns = draw(st.lists(st.integers(0, 99), max_size=12, unique=True))
    limits = draw(st.lists(st.integers(1, 8), min_size=3, max_size=3))
    services = [draw(st.integers(0, 2)) for _ in turns]
    return [
        Standing(service, limits[service], turn, draw(st.integers(0, 4)))
        for turn, service in zip(turns, services, strict=True)
    ]


@given(rounds(), st.integers(0, 7))
def test_the_oldest_turn_with_a_frame_goes_first(lanes: list[Standing], idle: int) -> None:
    chosen = next_turn(lanes, idle)
    ready = [each.turn for each in lanes if each.takable]
    assert bool(chosen) == bool(ready)
    if chosen:
        assert lanes[chosen[0]].turn == min(ready)


@given(rounds(), st.integers(0, 7))
def test_a_batch_is_of_one_service_and_within_its_limits(lanes: list[Standing], idle: int) -> None:
    chosen = next_turn(lanes, idle)
    assert len({lanes[index].service for index in chosen}) <= 1
    assert all(chosen.count(index) <= lanes[index].takable for index in chosen)
    assert all(len(chosen) <= lanes[index].batch_limit for index in chosen)


@given(rounds(), st.integers(0, 7))
def test_no_lane_has_a_second_frame_before_all_have_one(lanes: list[Standing], idle: int) -> None:
    chosen = next_turn(lanes, idle)
    if len(chosen) > len(set(chosen)):
        service = lanes[chosen[0]].service
        assert set(chosen) == {
            index for index, each in enumerate(lanes) if each.service == service and each.takable
        }


def test_frames_are_spread_over_idle_threads_before_they_share_a_call() -> None:
    lanes = [lane(turn) for turn in range(4)]
    assert next_turn(lanes, idle=3) == [0]
    assert next_turn(lanes, idle=1) == [0, 1]
    assert next_turn(lanes, idle=0) == [0, 1, 2, 3]


def test_a_service_that_gains_nothing_from_batches_gets_one_frame() -> None:
    assert next_turn([lane(1, batch_limit=1), lane(0, batch_limit=1)], idle=0) == [1]


def test_a_lane_without_frames_is_not_waited_for() -> None:
    assert next_turn([lane(0, takable=0), lane(1)], idle=0) == [1]
    assert next_turn([lane(0, takable=0)], idle=0) == []
