"""What follows an attempt, in virtual time."""

from itertools import count

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cad.control.sinks.queue import (
    MAX_REFUSALS,
    RETRY_AFTER_LIMIT,
    DeliveryQueue,
    Outcome,
    Step,
    Verdict,
)

DELIVERED, FAILED, REFUSED, BROKEN = (Outcome(verdict) for verdict in Verdict)


def queue() -> DeliveryQueue:
    """Return a queue whose delays are 1, 2, 3 … seconds."""
    return DeliveryQueue(lambda: (float(number) for number in count(1)))


def test_after_a_delivery_the_next_one_is_due_at_once() -> None:
    course = queue()
    assert course.take(DELIVERED, 100.0, 1) is Step.FORGET
    assert course.due == 0.0


@pytest.mark.parametrize("failure", [FAILED, BROKEN], ids=lambda outcome: outcome.verdict.name)
def test_failures_are_retried_for_ever_with_growing_delays(failure: Outcome) -> None:
    course = queue()
    assert {course.take(failure, 100.0, 1) for _ in range(1000)} == {Step.KEEP}
    assert (course.due, course.failures) == (1100.0, 1000)


def test_a_success_starts_the_delays_over() -> None:
    course = queue()
    for outcome in (FAILED, FAILED, DELIVERED, FAILED):
        course.take(outcome, 100.0, 1)
    assert (course.due, course.failures) == (101.0, 1)


def test_an_event_is_put_aside_after_five_refusals() -> None:
    course = queue()
    steps = [course.take(REFUSED, 100.0, 1) for _ in range(MAX_REFUSALS + 1)]
    assert steps == [Step.KEEP] * 4 + [Step.BURY, Step.KEEP]


def test_refusals_are_counted_for_each_event() -> None:
    course = queue()
    steps = [course.take(REFUSED, 100.0, number) for number in (1, 1, 1, 2, 2, 1, 1, 1, 1)]
    assert set(steps) == {Step.KEEP}
    assert course.take(REFUSED, 100.0, 1) is Step.BURY


def test_failures_between_refusals_do_not_count_as_tries() -> None:
    course = queue()
    outcomes = [REFUSED, FAILED] * 4 + [REFUSED]
    assert [course.take(outcome, 0.0, 1) for outcome in outcomes] == [Step.KEEP] * 8 + [Step.BURY]


@pytest.mark.parametrize(
    ("asked", "due"), [(0.5, 101.0), (30.0, 130.0), (1e9, 100.0 + RETRY_AFTER_LIMIT)]
)
def test_the_receiver_may_ask_for_patience_within_bounds(asked: float, due: float) -> None:
    course = queue()
    course.take(Outcome(Verdict.FAILED, "429", asked), 100.0, 1)
    assert course.due == due


@given(st.lists(st.sampled_from([DELIVERED, FAILED, REFUSED, BROKEN])))
def test_only_five_refusals_part_with_an_event_that_was_not_delivered(
    outcomes: list[Outcome],
) -> None:
    course, refusals = queue(), 0
    for outcome in outcomes:
        refusals += outcome is REFUSED
        step = course.take(outcome, 0.0, 1)
        assert (step is Step.FORGET) == (outcome is DELIVERED)
        assert (step is Step.BURY) == (refusals == MAX_REFUSALS)
        refusals = 0 if step is not Step.KEEP else refusals
