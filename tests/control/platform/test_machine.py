"""The registration machine as a table, and the lease as arithmetic."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cad.control.platform.machine import TRANSITIONS, Command, Event, Lease, Registration
from cad.domain.views import LinkState

IN_USE = [state for state in LinkState if state is not LinkState.DISABLED]


def meaningful(state: LinkState) -> list[Event]:
    return [event for event in Event if (state, event) in TRANSITIONS]


def walk(choices: list[int]) -> list[tuple[Registration, Command | None]]:
    """Take a meaningful event at every step, chosen by number."""
    registration, steps = Registration(), []
    for choice in choices:
        events = meaningful(registration.state)
        registration, command = registration.on(events[choice % len(events)])
        steps.append((registration, command))
    return steps


@pytest.mark.parametrize("state", IN_USE)
def test_every_state_is_reached_and_can_be_left(state: LinkState) -> None:
    assert state in {after for after, _ in TRANSITIONS.values()}
    assert {after for (before, _), (after, _) in TRANSITIONS.items() if before is state} - {state}


@pytest.mark.parametrize("state", IN_USE)
def test_stop_has_a_meaning_everywhere(state: LinkState) -> None:
    after, command = Registration(state).on(Event.STOP)
    assert after.state in {LinkState.OFFLINE, LinkState.LEAVING}
    assert command in {None, Command.UNREGISTER}


@pytest.mark.parametrize(
    ("command", "answers"),
    [
        (Command.REGISTER, {Event.ACCEPTED, Event.REJECTED, Event.UNKNOWN}),
        (Command.KEEP_ALIVE, {Event.BEATS_LOST, Event.UNKNOWN, Event.CREDENTIALS_CHANGED}),
        (Command.BACK_OFF, {Event.START}),
        (Command.UNREGISTER, {Event.ACCEPTED, Event.REJECTED, Event.UNKNOWN}),
    ],
)
def test_every_outcome_of_a_command_has_a_meaning(command: Command, answers: set[Event]) -> None:
    states = {after for after, given in TRANSITIONS.values() if given is command}
    assert len(states) == 1
    assert answers <= set(meaningful(states.pop()))


def test_an_event_without_meaning_is_a_lookup_error() -> None:
    with pytest.raises(LookupError):
        Registration(LinkState.OFFLINE).on(Event.BEATS_LOST)


@given(st.lists(st.integers(0, 20), max_size=40))
def test_stop_ends_offline_from_anywhere(choices: list[int]) -> None:
    steps = walk(choices)
    registration, _ = (steps[-1][0] if steps else Registration()).on(Event.STOP)
    if registration.state is LinkState.LEAVING:
        registration, command = registration.on(Event.REJECTED)
        assert command is None
    assert registration.state is LinkState.OFFLINE


def test_nothing_is_left_to_do_only_after_stop() -> None:
    for (before, event), (_, command) in TRANSITIONS.items():
        assert command is not None or event is Event.STOP or before is LinkState.LEAVING


@pytest.mark.parametrize(("expires", "first"), [(60, 20), (30, 10), (300, 20)])
def test_the_first_keepalive_is_in_time_for_the_default_lease(expires: float, first: float) -> None:
    assert Lease.registered(expires, 100.0).beat_at == 100.0 + first


def test_keepalives_go_out_three_times_in_a_lease() -> None:
    lease = Lease.registered(300, 0.0).answered(20.0)
    assert (lease.beat_at, lease.ends_at) == (120.0, 320.0)


def test_two_missed_keepalives_leave_time_for_more() -> None:
    lease = Lease.registered(60, 0.0).answered(20.0).missed().missed()
    assert lease.beat_at == 60.0
    assert not lease.is_lost(79.9)
    assert lease.is_lost(80.0)


def test_until_the_first_keepalive_is_answered_the_default_lease_counts() -> None:
    lease = Lease.registered(86400, 0.0).missed()
    assert (lease.beat_at, lease.ends_at) == (30.0, 60.0)


@given(st.floats(1, 86400), st.lists(st.booleans(), max_size=30))
def test_a_lease_is_lost_exactly_its_length_after_the_last_answer(
    wanted: float, answers: list[bool]
) -> None:
    lease, last, length = Lease.registered(wanted, 0.0), 0.0, min(wanted, 60.0)
    for is_answered in answers:
        now = lease.beat_at
        if is_answered:
            lease, last, length = lease.answered(now), now, wanted
        else:
            lease = lease.missed()
        assert lease.beat_at > now
    assert lease.ends_at == last + length
