"""How wrong secrets are slowed."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cad.control.access import throttle
from cad.control.access.throttle import LoginThrottle, group_of

ADDRESS, OTHER, ACCOUNT = "192.0.2.1", "192.0.2.2", "admin"


def try_wrong(limits: LoginThrottle, times: int, now: float, address: str = ADDRESS) -> float:
    """Try `times` wrong secrets, each as soon as it is let; return when the last one was."""
    for _ in range(times):
        now += limits.wait(address, ACCOUNT, now)
        limits.failed(address, ACCOUNT, now)
    return now


def test_the_delay_doubles_after_the_free_tries() -> None:
    limits, now, waits = LoginThrottle(), 0.0, []
    for _ in range(16):
        limits.failed(ADDRESS, ACCOUNT, now)
        waits.append(limits.wait(ADDRESS, ACCOUNT, now))
        now += waits[-1]
    assert waits == [0] * 5 + [1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300]


def test_a_right_secret_forgets_the_wrong_ones() -> None:
    limits = LoginThrottle()
    now = try_wrong(limits, 5, 0.0)
    limits.passed(ADDRESS, ACCOUNT)
    assert try_wrong(limits, 5, now) == now


def test_time_forgets_the_wrong_ones() -> None:
    limits = LoginThrottle()
    now = try_wrong(limits, 20, 0.0) + throttle.FORGET_AFTER
    assert limits.wait(ADDRESS, ACCOUNT, now) == 0
    assert try_wrong(limits, 5, now) == now


@given(st.integers(0, 2000), st.integers(1, 100))
def test_a_flood_from_one_address_does_not_concern_another(failures: int, step: int) -> None:
    limits = LoginThrottle()
    for number in range(failures):
        limits.failed(ADDRESS, ACCOUNT, number / step)
    assert limits.wait(OTHER, ACCOUNT, failures / step) == 0


def test_many_addresses_together_slow_an_account_for_new_ones_only() -> None:
    limits = LoginThrottle()
    limits.passed(OTHER, ACCOUNT)
    for number in range(20):
        try_wrong(limits, 5, 0.0, f"198.51.100.{number}")
    assert limits.wait("203.0.113.9", ACCOUNT, 0.0) > 0
    assert limits.wait("203.0.113.9", "somebody else", 0.0) == 0
    assert limits.wait(OTHER, ACCOUNT, 0.0) == 0


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("2001:db8::1", "2001:db8::ffff:1", True),
        ("2001:db8::1", "2001:db8:0:1::1", False),
        ("fe80::1%eth0", "fe80::2", True),
        ("::ffff:192.0.2.1", "192.0.2.1", True),
        ("192.0.2.1", "192.0.2.2", False),
        ("", "no address", False),
    ],
)
def test_addresses_of_one_subscriber_count_together(one: str, other: str, *, same: bool) -> None:
    assert (group_of(one) == group_of(other)) is same


@given(st.lists(st.tuples(st.integers(0, 10**6), st.integers(0, 10**6)), max_size=300))
def test_whatever_is_tried_memory_and_delay_are_bounded(tries: list[tuple[int, int]]) -> None:
    limits = LoginThrottle()
    for now, (address, account) in enumerate(tries):
        limits.failed(f"a{address}", f"n{account}", float(now))
        assert 0 <= limits.wait(f"a{address}", f"n{account}", float(now)) <= throttle.LONGEST_DELAY


def test_no_flood_fills_the_memory() -> None:
    limits = LoginThrottle()
    for number in range(throttle.ADDRESSES + 500):
        limits.failed(f"a{number}", f"n{number}", 0.0)
        limits.passed(f"b{number}", "admin")
    assert len(limits._addresses) <= throttle.ADDRESSES
    assert len(limits._accounts) <= throttle.ACCOUNTS
    assert len(limits._accounts["admin"].passed) <= throttle.PASSED
