"""What fails is tried again after growing delays, each thing by itself."""

from itertools import pairwise

from cad.control.tasks.retries import FIRST_DELAY, LONGEST_DELAY, Retries


def tries_in(seconds: int) -> list[int]:
    retries: Retries[str] = Retries()
    return [now for now in range(seconds) if retries.is_due("x", float(now))]


def test_the_first_failure_is_not_tried_again_at_once() -> None:
    retries: Retries[str] = Retries()
    assert not retries.is_due("x", 0.0)
    assert not retries.is_due("x", FIRST_DELAY / 2 - 0.1)
    assert retries.is_due("x", FIRST_DELAY)


def test_delays_grow_to_a_minute_and_tries_never_end() -> None:
    tries = tries_in(1000)
    gaps = [after - before for before, after in pairwise(tries)]
    assert gaps[0] <= 2 * FIRST_DELAY
    assert LONGEST_DELAY / 2 <= gaps[-1] <= LONGEST_DELAY + 1


def test_what_works_again_begins_anew() -> None:
    retries: Retries[str] = Retries()
    for now in range(500):
        retries.is_due("x", float(now))
    retries.forget("x")
    assert not retries.is_due("x", 500.0)
    assert retries.is_due("x", 500.0 + FIRST_DELAY)


def test_one_failure_does_not_delay_another() -> None:
    retries: Retries[str] = Retries()
    for now in range(500):
        retries.is_due("x", float(now))
    retries.is_due("y", 500.0)
    assert retries.is_due("y", 500.0 + FIRST_DELAY)
