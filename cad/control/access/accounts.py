"""Secrets of users and clients: random, known only by their SHA-256, and replaced with overlap.

A hash without salt or stretching is right for secrets of 256 random bits, which nobody can guess. A
password that a person chose is hashed in memory only, to be compared like the others.
"""

import hashlib
import hmac
import secrets
from dataclasses import replace

from cad.domain.access import Account, HashedSecret, Moment

SECRET_BYTES = 32
OLD_SECRETS = 8
"""How many may be in their grace time at once."""


def new_secret() -> str:
    """Return a random secret, fit for any form and shell."""
    return secrets.token_urlsafe(SECRET_BYTES)


def digest_of(secret: str) -> str:
    """Return what is kept of `secret` (SHA-256, hex)."""
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()


def knows(account: Account, secret: str, grace: float, now: Moment) -> bool:
    """Whether `secret` is one that `account` may use now; all are compared, whichever fits."""
    given = digest_of(secret)
    fits = [
        hmac.compare_digest(given, known.digest)
        for known in account.secrets
        if is_valid(known, grace, now)
    ]
    return any(fits)


def is_valid(secret: HashedSecret, grace: float, now: Moment) -> bool:
    """Whether `secret` is the present one, or was until less than `grace` seconds ago."""
    return secret.retired is None or now.since(secret.retired) < grace


def with_secret(account: Account, secret: str, grace: float, now: Moment) -> Account:
    """Return `account` with `secret` as its present one; the last one enters its grace time."""
    old = (s if s.retired else replace(s, retired=now) for s in account.secrets)
    valid = [s for s in old if is_valid(s, grace, now)]
    new = HashedSecret(digest_of(secret), now)
    return replace(account, secrets=(new, *valid[:OLD_SECRETS]))


def pruned(account: Account, grace: float, now: Moment) -> Account:
    """Return `account` without the secrets whose grace time is over."""
    return replace(account, secrets=tuple(s for s in account.secrets if is_valid(s, grace, now)))
