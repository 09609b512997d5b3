"""The plan of the steps: total, and it always comes to an end."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cad.control.packages.plan import (
    START_LIMIT,
    STEPS,
    Recovery,
    after_crash,
    after_orderly_stop,
    steps_from,
)
from cad.domain.ids import FilePackageId
from cad.domain.packages import JournalEntry, Operation, Step

PLACES = [(operation, step) for operation, steps in STEPS.items() for step in steps]
entries = st.builds(
    lambda place, starts: entry(place[0], place[1], starts),
    st.sampled_from(PLACES),
    st.integers(0, START_LIMIT + 1),
)


def entry(operation: Operation, step: Step, starts: int = 1) -> JournalEntry:
    return JournalEntry(operation=operation, subject=FilePackageId(1), step=step, starts=starts)


def test_every_operation_has_steps_each_once() -> None:
    assert set(STEPS) == set(Operation)
    assert all(steps and len(set(steps)) == len(steps) for steps in STEPS.values())


@given(entries)
def test_what_is_left_of_an_operation_begins_with_its_step_and_ends_it(found: JournalEntry) -> None:
    left = steps_from(found)
    assert left[0] is found.step
    assert left[-1] is STEPS[found.operation][-1]


@given(entries)
def test_an_operation_never_goes_on_behind_where_it_was_cut_off(found: JournalEntry) -> None:
    recovery, resumed = after_crash(found)
    steps = STEPS[found.operation]
    assert steps.index(resumed.step) <= steps.index(found.step)
    assert resumed.starts - found.starts in {0, 1}
    assert recovery is Recovery.RESUME or resumed == found


@pytest.mark.parametrize(
    ("operation", "step"),
    [
        (Operation.PUSH, Step.UNPACK),
        (Operation.PUSH, Step.PUBLISH),
        (Operation.INSTALL, Step.PREPARE),
        (Operation.INSTALL, Step.COMMIT),
    ],
)
def test_a_step_that_brings_the_device_down_again_and_again_is_undone(
    operation: Operation, step: Step
) -> None:
    found, resumptions = entry(operation, step), 0
    while (recovered := after_crash(found))[0] is Recovery.RESUME:
        found, resumptions = recovered[1], resumptions + 1
    assert resumptions == START_LIMIT - 1


@pytest.mark.parametrize(
    ("operation", "step"),
    [
        (Operation.PUSH, Step.DOWNLOAD),
        (Operation.DELETE, Step.REMOVE),
        (Operation.UNINSTALL, Step.WITHDRAW),
        (Operation.UNINSTALL, Step.REMOVE),
    ],
)
def test_downloads_and_removals_always_go_on(operation: Operation, step: Step) -> None:
    found = entry(operation, step, START_LIMIT + 5)
    assert after_crash(found) == (Recovery.RESUME, found)


def test_what_may_be_lost_by_a_power_cut_is_unpacked_again() -> None:
    assert after_crash(entry(Operation.PUSH, Step.VERIFY))[1].step is Step.UNPACK
    assert after_crash(entry(Operation.PUSH, Step.PUBLISH))[1].step is Step.UNPACK


@given(entries)
def test_an_orderly_stop_costs_no_start(found: JournalEntry) -> None:
    stopped = after_orderly_stop(found)
    assert 0 <= stopped.starts <= found.starts
