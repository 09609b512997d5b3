"""Who may call, and who did: what `cadctl access` and `cadctl audit` ask on the local socket."""

import re
from datetime import datetime, timedelta
from typing import Annotated, Self
from zoneinfo import ZoneInfo

from pydantic import Field

from cad.base.clock import local_text
from cad.base.errors import BadValueError
from cad.domain.access import Account, AccountKind, Means, NewSecret, Scope
from cad.domain.audit import AuditEntry
from cad.wire.model import Name, Text, WireModel
from cad.wire.times import read_time

ACCOUNTS = "/local/v1/access/accounts"
ROTATE_KEYS = "/local/v1/access/keys:rotate"
AUDIT = "/local/v1/audit"

DEFAULT_ENTRIES = 1000
MOST_ENTRIES = 20_000

_AGE = re.compile(r"(\d{1,9})(s|m|min|h|d)")
_SECONDS = {"s": 1, "m": 60, "min": 60, "h": 3600, "d": 86400}


class AccountItem(WireModel):
    """Somebody who can get tokens."""

    name: str
    kind: AccountKind
    scopes: list[Scope]
    created: str
    old_secrets: int
    """How many were replaced and are still valid."""

    @classmethod
    def from_account(cls, account: Account, zone: ZoneInfo) -> Self:
        """Return `account` as it is answered."""
        return cls(
            name=account.name,
            kind=account.kind,
            scopes=list(account.scopes),
            created=local_text(account.made.wall, zone),
            old_secrets=sum(secret.retired is not None for secret in account.secrets),
        )


class AddClientRequest(WireModel):
    """Asks for a new client."""

    name: Annotated[str, Field(pattern=r"^[A-Za-z0-9._-]{1,128}$")]
    scopes: Annotated[tuple[Scope, ...], Field(min_length=1)] = (Scope.CAD,)


class AccountRequest(WireModel):
    """Names an account."""

    name: Name


class SecretItem(WireModel):
    """A new secret, shown once."""

    name: str
    secret: Annotated[str, Field(repr=False)]
    old_valid_seconds: int

    @classmethod
    def from_secret(cls, made: NewSecret) -> Self:
        """Return `made` as it is answered."""
        return cls(name=made.account, secret=made.secret, old_valid_seconds=round(made.grace))


class AuditRequest(WireModel):
    """Asks for entries of the audit log."""

    since: Text | None = None
    """A time (AM-14), or an age: `90s`, `15m`, `2h`, `7d`."""
    limit: Annotated[int, Field(ge=1, le=MOST_ENTRIES)] = DEFAULT_ENTRIES

    def begin(self, now: datetime, zone: ZoneInfo) -> datetime | None:
        """Return from when on entries are wanted, aware, UTC; None = all.

        Raises:
            BadValueError: `since` is neither a time nor an age.
        """
        if self.since is None:
            return None
        try:
            age = _AGE.fullmatch(self.since.strip())
            if age is None:
                return read_time(self.since, zone)
            return now - timedelta(seconds=int(age[1]) * _SECONDS[age[2]])
        except (ValueError, OverflowError):
            raise BadValueError(
                "expected a time such as 2026-11-22 10:00:00, or an age such as 15m, 2h, 7d",
                field="since",
                given=self.since,
            ) from None


class AuditItem(WireModel):
    """One call."""

    time: str
    who: str
    means: Means
    source: str
    method: str
    path: str
    status: int
    code: int
    request_id: str
    subject: str = ""
    repeated: int

    @classmethod
    def from_entry(cls, entry: AuditEntry, zone: ZoneInfo) -> Self:
        """Return `entry` as it is answered."""
        return cls(
            time=local_text(entry.time, zone),
            who=entry.who,
            means=entry.means,
            source=entry.source,
            method=entry.method,
            path=entry.path,
            status=entry.status,
            code=entry.code,
            request_id=entry.request_id,
            subject=entry.subject,
            repeated=entry.repeated,
        )
