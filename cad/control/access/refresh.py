"""Refresh tokens: each is used once and replaced by the next (RFC 6749 §6, RFC 9700 §4.14).

A token is `family.secret`. Whoever shows the secret of an earlier token of a family has stolen it,
or was robbed: the family ends, and its owner logs in with the password again.
"""

import hmac
import secrets
from collections.abc import Iterable
from dataclasses import replace
from typing import NamedTuple

from cad.control.access.accounts import digest_of, new_secret
from cad.domain.access import Moment, RefreshFamily, Scope

LIFETIME = 30 * 24 * 3600.0
"""Seconds without use after which a family ends."""
FAMILIES = 64
"""Of one account; the one that was used least lately makes room."""
FAMILY_BYTES = 16


class Issued(NamedTuple):
    """A family and its valid token."""

    family: RefreshFamily
    token: str


def begin(account: str, scopes: frozenset[Scope], now: Moment) -> Issued:
    """Return a new family."""
    family = RefreshFamily(
        family=secrets.token_hex(FAMILY_BYTES),
        account=account,
        scopes=tuple(sorted(scopes)),
        digest="",
        renewed=now,
    )
    return follow(family, now)


def follow(family: RefreshFamily, now: Moment) -> Issued:
    """Return `family` with its next token."""
    secret = new_secret()
    renewed = replace(family, digest=digest_of(secret), renewed=now)
    return Issued(renewed, f"{family.family}.{secret}")


def family_of(token: str) -> str:
    """Return the name of the family that `token` claims to be of."""
    return token.partition(".")[0]


def is_current(family: RefreshFamily, token: str) -> bool:
    """Whether `token` is the valid one of its family."""
    return hmac.compare_digest(digest_of(token.partition(".")[2]), family.digest)


def is_alive(family: RefreshFamily, now: Moment) -> bool:
    """Whether the family was used lately enough."""
    return now.since(family.renewed) < LIFETIME


def surplus(families: Iterable[RefreshFamily], account: str) -> list[RefreshFamily]:
    """Return the families of `account` beyond what it may have; `families` are oldest first."""
    own = [family for family in families if family.account == account]
    return own[: max(0, len(own) - FAMILIES)]
