"""Who may call this device, and what is kept of the proofs (9.1, AM-34, AM-35)."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum


class Scope(StrEnum):
    """Which interfaces a caller may use (AM-34)."""

    CAP = "cap"
    CCP = "ccp"
    CAD = "cad"
    NORTHBOUND = "northbound"


class AccountKind(StrEnum):
    """What an account is."""

    USER = "user"
    """Who the platform is told at registration (H.6)."""
    CLIENT = "client"
    """Of OAuth2; made on this device."""


class Means(StrEnum):
    """How a caller proved who it is."""

    BASIC = "basic"
    BEARER = "bearer"
    SECRET = "secret"  # noqa: S105 - a means, not a secret
    """At the token endpoint: with a password, a client's secret or a refresh token."""
    LOCAL = "local"
    """By being allowed to open the local socket."""
    NONE = "none"


@dataclass(frozen=True, slots=True)
class Caller:
    """Somebody who proved who they are."""

    name: str
    """Of a user or an OAuth2 client."""
    scopes: frozenset[Scope]
    means: Means


@dataclass(frozen=True, slots=True)
class Moment:
    """When something happened, by both clocks.

    The wall clock of a device jumps: it may start in 1970 and be set right an hour later. Within
    one run of the machine its uptime tells how long ago something was; only across reboots the wall
    clock has to.
    """

    boot: str
    """Which run of the machine, from power-on to power-off."""
    uptime: float
    """Seconds on the monotonic clock of that run."""
    wall: datetime
    """Aware, UTC."""

    def since(self, earlier: "Moment") -> float:
        """Return the seconds from `earlier` to this moment.

        Infinity where they cannot be told, because the wall clock stands before `earlier`: what has
        a lifetime is over then.
        """
        if self.boot == earlier.boot:
            return self.uptime - earlier.uptime
        seconds = (self.wall - earlier.wall).total_seconds()
        return seconds if seconds >= 0 else math.inf


@dataclass(frozen=True, slots=True)
class StoredSigningKey:
    """A key that signs tokens, or did until it was retired."""

    kid: str
    pem: str = field(repr=False)
    """The private key, PKCS #8."""
    made: Moment
    retired: Moment | None = None


@dataclass(frozen=True, slots=True)
class HashedSecret:
    """A random secret of a client, of which only the SHA-256 is known."""

    digest: str = field(repr=False)
    made: Moment
    retired: Moment | None = None
    """When a newer one took its place; it stays valid for a grace time."""


@dataclass(frozen=True, slots=True)
class Account:
    """Somebody who can get tokens: an OAuth2 client, or the user of H.6."""

    name: str
    kind: AccountKind
    scopes: tuple[Scope, ...]
    secrets: tuple[HashedSecret, ...]
    """The newest first."""
    made: Moment


@dataclass(frozen=True, slots=True)
class RefreshFamily:
    """A login that goes on: one refresh token after the other, of which only the last is valid."""

    family: str
    account: str
    scopes: tuple[Scope, ...]
    digest: str = field(repr=False)
    """SHA-256 of the valid token."""
    renewed: Moment


AccessRecord = StoredSigningKey | Account | RefreshFamily


@dataclass(frozen=True, slots=True)
class AccessState:
    """Everything about access that outlives a restart."""

    keys: Sequence[StoredSigningKey] = ()
    accounts: Sequence[Account] = ()
    families: Sequence[RefreshFamily] = ()


@dataclass(frozen=True, slots=True)
class Login:
    """A name and what proves it."""

    name: str
    secret: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class ToldLogins:
    """Under which logins a platform may know this device."""

    platform: str
    """Its address; another platform was told nothing."""
    logins: tuple[Login, ...] = ()
    """The oldest first; more than one until the platform has taken the last."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenRequest:
    """What the token endpoint is asked for (RFC 6749 §4.3, §4.4, §6)."""

    grant_type: str
    client: Login | None = None
    """Who asks; without a secret it is a public client."""
    user: Login | None = None
    refresh_token: str = field(default="", repr=False)
    scope: str = ""
    """Wanted scopes, separated by spaces; empty = all that there are for this account."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Grant:
    """What the token endpoint gives (RFC 6749 §5.1)."""

    account: str
    scopes: frozenset[Scope]
    access_token: str = field(repr=False)
    lifetime: int
    """Of the access token, in seconds."""
    refresh_token: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class NewSecret:
    """A secret that was just made; it is shown this once."""

    account: str
    secret: str = field(repr=False)
    grace: float
    """Seconds for which the one before stays valid; 0 = there was none."""
