"""How fast wrong secrets may be tried: pure, and bounded in memory.

Every address may be wrong a few times; then it has to wait, longer each time. While it waits even a
right secret is not looked at. Other addresses are not concerned, so a flood from one of them locks
nobody else out. Against many addresses that try one account together the account has a limit of its
own, to which each address adds only so much; addresses that have logged in to it before pass.
"""

import ipaddress
from collections import OrderedDict
from dataclasses import dataclass, field
from typing import TypeVar

T = TypeVar("T")

FREE_TRIES = 5
"""Wrong secrets in a row that cost an address nothing."""
FIRST_DELAY = 1.0
LONGEST_DELAY = 300.0
"""Seconds; the delay doubles from the first to this one."""
FORGET_AFTER = 900.0
"""Seconds without a wrong secret after which an address or an account is as good as new."""
ACCOUNT_TRIES = 50
"""Wrong secrets of all addresses together, as far as they count, that cost an account nothing."""
SHARE = 10
"""Of one address in the account's count."""
ADDRESSES, ACCOUNTS, PASSED = 4096, 256, 64
"""How many are remembered; beyond, those that were heard of longest ago are forgotten."""
IPV6_PREFIX = 64
"""Bits; a subscriber has at least so many addresses."""


@dataclass(slots=True)
class _Record:
    """What is known of an address."""

    failures: int = 0
    last: float = 0.0

    def wait_until(self) -> float:
        return self.last + _delay(self.failures - FREE_TRIES)


@dataclass(slots=True)
class _AccountRecord:
    """What is known of an account."""

    shares: OrderedDict[str, int] = field(default_factory=OrderedDict)
    passed: OrderedDict[str, None] = field(default_factory=OrderedDict)
    last: float = 0.0

    def wait_until(self) -> float:
        return self.last + _delay(sum(self.shares.values()) - ACCOUNT_TRIES)


class LoginThrottle:
    """Counts wrong secrets by address and by account; `now` is in seconds and only grows."""

    def __init__(self) -> None:
        self._addresses: OrderedDict[str, _Record] = OrderedDict()
        self._accounts: OrderedDict[str, _AccountRecord] = OrderedDict()

    def wait(self, address: str, account: str, now: float) -> float:
        """Return how many seconds `address` has to wait before it may try `account`; 0 = none."""
        source = group_of(address)
        self._forget(source, account, now)
        waits = [0.0]
        if source in self._addresses:
            waits.append(self._addresses[source].wait_until() - now)
        known = self._accounts.get(account)
        if known is not None and source not in known.passed:
            waits.append(known.wait_until() - now)
        return max(waits)

    def failed(self, address: str, account: str, now: float) -> None:
        """Take note of a wrong secret."""
        source = group_of(address)
        record = self._addresses.setdefault(source, _Record())
        record.failures, record.last = record.failures + 1, now
        _remember(self._addresses, source, ADDRESSES)
        known = self._accounts.setdefault(account, _AccountRecord())
        known.shares[source] = min(known.shares.get(source, 0) + 1, SHARE)
        known.last = now
        _remember(known.shares, source, PASSED)
        _remember(self._accounts, account, ACCOUNTS)

    def passed(self, address: str, account: str) -> None:
        """Take note of a right secret: what was wrong before from this address is forgotten."""
        source = group_of(address)
        self._addresses.pop(source, None)
        known = self._accounts.setdefault(account, _AccountRecord())
        known.shares.pop(source, None)
        known.passed[source] = None
        _remember(known.passed, source, PASSED)
        _remember(self._accounts, account, ACCOUNTS)

    def _forget(self, source: str, account: str, now: float) -> None:
        record = self._addresses.get(source)
        if record is not None and now - record.last >= FORGET_AFTER:
            del self._addresses[source]
        known = self._accounts.get(account)
        if known is not None and now - known.last >= FORGET_AFTER:
            known.shares.clear()


def group_of(address: str) -> str:
    """Return what counts as one address: an IPv4 address, or the network of an IPv6 one."""
    try:
        found = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return address
    if isinstance(found, ipaddress.IPv6Address):
        if found.ipv4_mapped is not None:
            return str(found.ipv4_mapped)
        return str(ipaddress.ip_network((found, IPV6_PREFIX), strict=False))
    return str(found)


def _delay(excess: int) -> float:
    """Return the seconds to wait after the `excess`th wrong secret beyond the free ones."""
    if excess <= 0:
        return 0.0
    return min(FIRST_DELAY * 2.0 ** min(excess - 1, 30), LONGEST_DELAY)


def _remember(table: OrderedDict[str, T], key: str, limit: int) -> None:
    """Mark `key` as heard of last, and forget the first of `table` if it has grown too long."""
    table.move_to_end(key)
    if len(table) > limit:
        table.popitem(last=False)
