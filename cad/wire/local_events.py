"""Our own calls about events, under /local/v1/events: what was put aside, and trying it again."""

from typing import Annotated, Self
from zoneinfo import ZoneInfo

from pydantic import Field

from cad.base.clock import local_text
from cad.base.errors import MissingFieldError
from cad.base.redact import redact
from cad.domain.deliveries import DeadLetter
from cad.domain.ids import EventId
from cad.wire.model import Name, WireModel

EVENTS_TAIL = "/local/v1/events/tail"
"""Endless NDJSON: one event document without images per line; empty lines keep it open."""
EVENTS_DEAD = "/local/v1/events/dead"
EVENTS_RESEND = "/local/v1/events/resend"

DEFAULT_LETTERS = 1000
MOST_LETTERS = 10_000
"""Of one answer, and of the ids in one request."""


class DeadRequest(WireModel):
    """Asks for what was put aside."""

    limit: Annotated[int, Field(ge=1, le=MOST_LETTERS)] = DEFAULT_LETTERS


class DeadLetterItem(WireModel):
    """An event that was put aside, for one of its destinations."""

    event_id: str
    task_id: str
    destination: str
    reason: str
    stored_at: str

    @classmethod
    def from_letter(cls, letter: DeadLetter, zone: ZoneInfo) -> Self:
        """Return `letter` as it is answered."""
        return cls(
            event_id=letter.event_id,
            task_id=letter.task_id,
            destination=redact(letter.destination),
            reason=redact(letter.reason),
            stored_at=local_text(letter.stored_at, zone),
        )


class ResendRequest(WireModel):
    """Asks for another round of tries."""

    event_ids: Annotated[list[Name], Field(max_length=MOST_LETTERS)] = Field(default_factory=list)
    all: bool = False
    """Everything that was put aside; `event_ids` does not count then."""

    def wanted(self) -> list[EventId] | None:
        """Return the events that are meant; None = all.

        Raises:
            MissingFieldError: none is named.
        """
        if self.all:
            return None
        if not self.event_ids:
            raise MissingFieldError("eventIds", "ids of events, or all = true")
        return [EventId(event_id) for event_id in self.event_ids]


class ResentItem(WireModel):
    """What became of it."""

    resent: int
    """Deliveries that wait again; an event has one for each destination that refused it."""
