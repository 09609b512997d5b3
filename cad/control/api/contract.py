"""What a call takes and what it answers, beside its handler: the API's document is made of it."""

from dataclasses import dataclass
from typing import Any

from cad.base.errors import CadError
from cad.wire.model import WireModel


@dataclass(frozen=True, slots=True, kw_only=True)
class Contract:
    """The promises of one call. What every call may answer is not repeated here."""

    clause: str = ""
    """Where the standard prints the call; empty = an extension."""
    takes: tuple[type[WireModel], ...] = ()
    """What the parameters are read as, one or the other; handlers can read nothing else."""
    subject: tuple[str, ...] = ()
    """The parameters that say what a call is about, for the audit log."""
    answers: Any = None
    """The type of the payload, `… | None` if there may be none; None = there is none."""
    refuses: tuple[type[CadError], ...] = ()
    """Families of errors (AM-07)."""
    body_type: str = ""
    """Media type of the request's body; empty = JSON."""
    content_type: str = ""
    """Of an answer that has no envelope around it; empty = it has."""
    summary: str = ""
    """Empty = the first line of the handler's docstring."""


NOTHING = Contract()
"""Takes nothing, answers no payload."""
