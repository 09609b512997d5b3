"""Engine time is shared fairly, on virtual time: calls that take their time but no processor."""

import heapq
from collections.abc import Sequence
from dataclasses import dataclass, field

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cad.analysis.pipeline.shares import Account, Charge, Ledger
from cad.analysis.pipeline.turns import Claim, Standing, next_turn

PATIENCE = 2.0
"""Seconds without a frame after which a customer counts as gone."""


@dataclass
class Customer:
    """A service with one lane; frames come at the `arrivals`, and then as many as it takes."""

    seconds: float
    arrivals: list[float] = field(default_factory=list)
    is_greedy: bool = False
    expected: float = 0.0
    had: float = 0.0
    delays: list[float] = field(default_factory=list)
    running: int = 0

    def __post_init__(self) -> None:
        self.account = Account(self.expected or self.seconds)

    def waiting(self, now: float) -> int:
        due = sum(1 for arrival in self.arrivals if arrival <= now)
        return max(due, 9 if self.is_greedy else 0)

    def take(self, now: float, frames: int) -> None:
        self.running += 1
        self.delays += [now - arrival for arrival in self.arrivals[:frames]]
        del self.arrivals[:frames]


class Shop:
    """Serves customers with so many threads, as the scheduler does."""

    def __init__(self, customers: Sequence[Customer], threads: int = 1) -> None:
        self.customers, self.threads, self.ledger = customers, threads, Ledger()
        self.calls: list[tuple[float, int, Customer, Charge]] = []
        """By their end."""
        self.long_calls = self.begun = 0

    def run(self, until: float) -> None:
        """Let time pass from one end of a call or arrival of a frame to the next."""
        now = 0.0
        while now < until:
            while len(self.calls) < self.threads and self._begin(now):
                pass
            coming = [a for each in self.customers for a in each.arrivals if a > now]
            now = min([*coming, *(call[0] for call in self.calls), until])
            while self.calls and self.calls[0][0] <= now:
                self._end(heapq.heappop(self.calls))

    def _begin(self, now: float) -> bool:
        waiting = [each.waiting(now) for each in self.customers]
        ready = {each.account for each, count in zip(self.customers, waiting, strict=True) if count}
        self.ledger.update(ready, {each.account for each in self.customers if each.running})
        standings = [Standing(number, number, count) for number, count in enumerate(waiting)]
        keep = 1 < self.threads <= self.long_calls + 1
        idle = self.threads - len(self.calls) - 1
        chosen = next_turn(self._claims(now), standings, idle, keep_thread=keep)
        if chosen:
            self._serve(self.customers[chosen[0]], len(chosen), now)
        return bool(chosen)

    def _claims(self, now: float) -> list[Claim]:
        return [
            Claim(
                each.account.start,
                each.account.frame_seconds,
                1,
                each.is_greedy or any(abs(arrival - now) < PATIENCE for arrival in each.arrivals),
            )
            for each in self.customers
        ]

    def _serve(self, customer: Customer, frames: int, now: float) -> None:
        customer.take(now, frames)
        charge = self.ledger.begin(customer.account, frames)
        self.long_calls += charge.seconds > 0.2
        self.begun += 1
        heapq.heappush(self.calls, (now + customer.seconds * frames, self.begun, customer, charge))

    def _end(self, call: tuple[float, int, Customer, Charge]) -> None:
        _, _, customer, charge = call
        customer.running -= 1
        customer.had += customer.seconds * charge.frames
        self.long_calls -= charge.seconds > 0.2
        self.ledger.end(charge, customer.seconds * charge.frames)


COSTS = st.floats(0.01, 0.6)
ARRIVALS = st.lists(st.floats(0, 20), max_size=60).map(sorted)


@settings(max_examples=40, deadline=None)
@given(COSTS, COSTS, COSTS, ARRIVALS)
def test_two_that_always_want_more_get_the_same_whoever_comes_and_goes(
    one: float, other: float, third: float, arrivals: list[float]
) -> None:
    first, second = Customer(one, is_greedy=True), Customer(other, is_greedy=True)
    Shop([first, second, Customer(third, arrivals)]).run(until=20)
    assert abs(first.had - second.had) <= one + other + 1e-6


@settings(max_examples=40, deadline=None)
@given(COSTS, COSTS, st.floats(0.1, 10), st.integers(1, 4))
def test_a_wrong_guess_of_the_cost_is_made_good(
    one: float, other: float, factor: float, threads: int
) -> None:
    wrong = Customer(one, is_greedy=True, expected=one * factor)
    right = Customer(other, is_greedy=True)
    Shop([wrong, right], threads).run(until=10)
    if max(one, other) <= 0.2:
        assert abs(wrong.had - right.had) <= (threads + 1) * (1 + factor) * (one + other)


@settings(max_examples=40, deadline=None)
@given(COSTS, ARRIVALS, st.integers(1, 4))
def test_nobody_starves(cost: float, arrivals: list[float], threads: int) -> None:
    rare = Customer(cost, arrivals)
    greedy = [Customer(0.015, is_greedy=True), Customer(0.6, is_greedy=True)]
    Shop([*greedy, rare], threads).run(until=60)
    assert rare.arrivals == []
    assert all(each.had > 5 for each in greedy)


def test_who_was_away_has_saved_up_nothing() -> None:
    steady = Customer(0.01, is_greedy=True)
    late = Customer(0.01, [10.0] * 2000)
    Shop([steady, late]).run(until=12)
    assert late.had == pytest.approx(1.0, abs=0.05)


@pytest.mark.parametrize("threads", [2, 4])
def test_frames_of_one_do_not_wait_for_those_of_another_that_cost_forty_times_as_much(
    threads: int,
) -> None:
    steady = Customer(0.0145, [number / 22.4 for number in range(400)])
    heavy = Customer(0.58, is_greedy=True)
    Shop([heavy, steady], threads).run(until=20)
    assert max(steady.delays) < 0.02
    assert heavy.had > 0.9 * 20 * (threads - 1)


def test_on_one_thread_they_wait_for_one_frame_of_the_other_at_most() -> None:
    steady = Customer(0.0145, [number / 22.4 for number in range(400)])
    Shop([Customer(0.58, is_greedy=True), steady], threads=1).run(until=20)
    assert max(steady.delays) < 0.58 + 0.58 * 22.4 * 0.0145 + 0.02


def test_a_service_alone_has_all_threads() -> None:
    only = Customer(0.58, is_greedy=True)
    Shop([only], threads=3).run(until=20)
    assert only.had > 0.95 * 20 * 3
