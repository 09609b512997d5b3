"""What is remembered of a management call."""

from dataclasses import dataclass
from datetime import datetime

from cad.domain.access import Means


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditEntry:
    """One call: who, from where, what, about what, with what result.

    Nothing else of what was in it.
    """

    time: datetime
    """Aware, UTC."""
    who: str
    """Name of the account; `unknown` for another name: it may be a mistyped password."""
    means: Means
    source: str
    """Address of a caller on the network, process of one on the local socket."""
    method: str
    path: str
    """Without the query."""
    status: int
    """Of HTTP."""
    code: int
    """Result code (AM-07); 0 = done, or accepted to be done."""
    request_id: str
    subject: str = ""
    """The package, task or other thing that it was about, as `name=value` pairs; no secrets."""
    repeated: int = 0
    """How many more of the same were refused since the entry before, and are not listed."""
