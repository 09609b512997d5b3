"""What this package needs of others, and what a type of destination has to offer."""

from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

from cad.control.sinks.queue import Outcome
from cad.domain.deliveries import (
    DeadLetter,
    Delivery,
    NewEvent,
    QueueKey,
    Revived,
    Settled,
    StoredEvent,
)
from cad.domain.destinations import Destination
from cad.domain.ids import EventId, TaskId
from cad.domain.views import OutboxView


class OutboxStore(Protocol):
    """Keeps events and where each still has to go. What has returned is on disk."""

    async def add(self, event: NewEvent, document: Callable[[int], bytes]) -> StoredEvent | None:
        """Keep `event` with the document for its sequence; None if its id was kept before."""

    async def queues(self) -> Sequence[QueueKey]:
        """Return every queue in which something waits."""

    async def head(self, queue: QueueKey) -> Delivery | None:
        """Return the oldest delivery that waits in `queue`.

        None also while its event is held: until its pictures are stored.
        """

    async def delivered(self, delivery: Delivery) -> Settled:
        """Forget `delivery`; one that is gone already is no error."""

    async def bury(self, delivery: Delivery, error: str) -> OutboxView:
        """Put `delivery` aside, because of `error`, until it is revived."""

    async def dead(self, limit: int) -> Sequence[DeadLetter]:
        """Return at most `limit` of what was put aside, oldest first."""

    async def revive(self, event_ids: Sequence[EventId] | None) -> Revived:
        """Let what was put aside of `event_ids` wait again; None = all."""

    async def forget(self, task_id: TaskId, *, force: bool) -> OutboxView:
        """Take note that the task is gone; with `force` drop its events."""

    async def sequences(self) -> Mapping[TaskId, int]:
        """Return how many events of each task were stored."""

    async def view(self) -> OutboxView:
        """Return the outbox as it is on disk."""


class Sink(Protocol):
    """Takes events to one destination."""

    @property
    def receiver(self) -> str:
        """Who answers there, as people may read it; one that is slow is slow for all its sinks."""

    async def send(self, delivery: Delivery) -> Outcome:
        """Try once to deliver; whatever goes wrong is part of the outcome."""


class Sinks(Protocol):
    """Makes the sink for a destination, by its type."""

    def __call__(self, destination: Destination) -> Sink:
        """Return the sink for `destination`."""
