"""Events on their way to their destinations, as the outbox keeps them."""

from dataclasses import dataclass, field
from datetime import datetime

from cad.domain.destinations import Destination
from cad.domain.ids import EventId, TaskId
from cad.domain.views import OutboxView


@dataclass(frozen=True, slots=True)
class QueueKey:
    """What has an order of its own: the events of one task for one destination."""

    task_id: TaskId
    destination: Destination = field(repr=False)  # may hold credentials


@dataclass(frozen=True, slots=True, kw_only=True)
class NewEvent:
    """An event that is to be kept."""

    event_id: EventId
    task_id: TaskId
    destinations: tuple[Destination, ...]
    full_image: bytes = field(repr=False)
    crop_image: bytes = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredEvent:
    """What became of a `NewEvent`."""

    sequence: int
    """Its place among the events of its task, from 1, without gaps."""
    document: bytes
    """JSON without images."""
    queues: tuple[QueueKey, ...]
    """Where it waits now; with `dropped`, every queue: one of those may have held others back."""
    dropped: tuple[EventId, ...]
    """Events that had to make room for it, oldest first."""
    view: OutboxView


@dataclass(frozen=True, slots=True, kw_only=True)
class Settled:
    """What follows from a delivery that has arrived."""

    released: tuple[QueueKey, ...]
    """Where the event may go now that its pictures are stored."""
    view: OutboxView


@dataclass(frozen=True, slots=True, kw_only=True)
class Revived:
    """What follows from letting wait again what was put aside."""

    count: int
    """Deliveries that wait again."""
    queues: tuple[QueueKey, ...]
    view: OutboxView


@dataclass(frozen=True, slots=True, kw_only=True)
class DeadLetter:
    """An event that was put aside, for one of its destinations."""

    event_id: EventId
    task_id: TaskId
    destination: str
    """Its name, without credentials."""
    reason: str
    stored_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """An event that waits for one of its destinations."""

    number: int
    """Of the event, growing in the order of storing, never used again."""
    event_id: EventId
    queue: QueueKey
    document: bytes = field(repr=False)
    """JSON without images."""
    full_image: bytes = field(repr=False)
    crop_image: bytes = field(repr=False)
