"""Whose turn it is: least engine time, then oldest; spread before batched, nobody waited for."""

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from cad.analysis.pipeline.turns import CALL_SECONDS, Claim, Standing, next_turn

FAST = Claim(start=0.0, frame_seconds=0.015, batch_limit=8, is_awake=True)
SLOW = Claim(start=0.0, frame_seconds=0.6, batch_limit=8, is_awake=True)


def lane(turn: int, takable: int = 1, service: int = 0) -> Standing:
    return Standing(service, turn, takable)


CLAIMS = st.lists(
    st.builds(Claim, st.floats(0, 9), st.floats(0, 1), st.integers(1, 8), st.booleans()),
    min_size=3,
    max_size=3,
)


@st.composite
def rounds(draw: st.DrawFn, services: int = 3) -> list[Standing]:
    turns = draw(st.lists(st.integers(0, 99), max_size=12, unique=True))
    return [
        lane(turn, draw(st.integers(0, 4)), draw(st.integers(0, services - 1))) for turn in turns
    ]


@given(CLAIMS, rounds(), st.integers(0, 7))
def test_the_service_with_the_least_engine_time_goes_first(
    claims: list[Claim], lanes: list[Standing], idle: int
) -> None:
    chosen = next_turn(claims, lanes, idle)
    starts = [claims[each.service].start for each in lanes if each.takable]
    assert bool(chosen) == bool(starts)
    if chosen:
        assert claims[lanes[chosen[0]].service].start == min(starts)


@given(CLAIMS, rounds(), st.integers(0, 7))
def test_of_its_lanes_the_oldest_turn_goes_first(
    claims: list[Claim], lanes: list[Standing], idle: int
) -> None:
    for first in next_turn(claims, lanes, idle)[:1]:
        same = [each for each in lanes if each.service == lanes[first].service and each.takable]
        assert lanes[first].turn == min(each.turn for each in same)


@given(CLAIMS, rounds(services=1), st.integers(0, 7), st.booleans())
def test_a_service_alone_is_neither_held_back_nor_cut_short(
    claims: list[Claim], lanes: list[Standing], idle: int, keep_thread: bool
) -> None:
    waiting = sum(each.takable for each in lanes)
    chosen = next_turn(claims[:1], lanes, idle, keep_thread=keep_thread)
    assert len(chosen) == min(-(-waiting // (idle + 1)), claims[0].batch_limit)


@given(CLAIMS, rounds(), st.integers(0, 7), st.booleans())
def test_a_batch_is_of_one_service_and_within_its_limits(
    claims: list[Claim], lanes: list[Standing], idle: int, keep_thread: bool
) -> None:
    chosen = next_turn(claims, lanes, idle, keep_thread=keep_thread)
    assert len({lanes[index].service for index in chosen}) <= 1
    assert all(chosen.count(index) <= lanes[index].takable for index in chosen)
    assert all(len(chosen) <= claims[lanes[index].service].batch_limit for index in chosen)


@given(CLAIMS, rounds(), st.integers(0, 7))
def test_a_call_is_short_where_others_may_want_the_thread(
    claims: list[Claim], lanes: list[Standing], idle: int
) -> None:
    awake = [replace(claim, is_awake=True) for claim in claims]
    chosen = next_turn(awake, lanes, idle)
    if len(chosen) > 1:
        assert len(chosen) * claims[lanes[chosen[0]].service].frame_seconds <= CALL_SECONDS * 1.001


@given(CLAIMS, rounds(), st.integers(0, 7))
def test_no_lane_has_a_second_frame_before_all_have_one(
    claims: list[Claim], lanes: list[Standing], idle: int
) -> None:
    chosen = next_turn(claims, lanes, idle)
    if len(chosen) > len(set(chosen)):
        service = lanes[chosen[0]].service
        assert set(chosen) == {
            index for index, each in enumerate(lanes) if each.service == service and each.takable
        }


def test_frames_are_spread_over_idle_threads_before_they_share_a_call() -> None:
    lanes = [lane(turn) for turn in range(4)]
    assert next_turn([FAST], lanes, idle=3) == [0]
    assert next_turn([FAST], lanes, idle=1) == [0, 1]
    assert next_turn([FAST], lanes, idle=0) == [0, 1, 2, 3]


def test_a_service_that_gains_nothing_from_batches_gets_one_frame() -> None:
    assert next_turn([replace(FAST, batch_limit=1)], [lane(1), lane(0)], idle=0) == [1]


def test_a_lane_without_frames_is_not_waited_for() -> None:
    assert next_turn([FAST], [lane(0, takable=0), lane(1)], idle=0) == [1]
    assert next_turn([FAST], [lane(0, takable=0)], idle=0) == []


def test_the_last_thread_is_kept_for_whoever_has_much_shorter_frames() -> None:
    lanes = [lane(0, service=0)]
    assert next_turn([SLOW, FAST], lanes, idle=0, keep_thread=True) == []
    assert next_turn([SLOW, FAST], lanes, idle=0) == [0]
    assert next_turn([SLOW, replace(FAST, is_awake=False)], lanes, 0, keep_thread=True) == [0]
    assert next_turn([SLOW, replace(SLOW, frame_seconds=0.5)], lanes, 0, keep_thread=True) == [0]
    assert next_turn([FAST, SLOW], lanes, idle=0, keep_thread=True) == [0]
