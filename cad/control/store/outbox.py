"""Events until they are delivered: bounded, in order, each kept once for all its destinations.

Where the pictures of an event go into an object store, that delivery holds the others of the event:
they begin when it is done. An event that is held also holds those behind it in its queues.
"""

import json
import logging
import sqlite3
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from functools import partial

from cad.base.clock import Clock
from cad.control.store.database import Database
from cad.control.store.destinations import DestinationSeal
from cad.control.store.outbox_figures import select_dead, select_view
from cad.control.store.secrets import SecretBox, SecretKeyError
from cad.domain.deliveries import (
    DeadLetter,
    Delivery,
    NewEvent,
    QueueKey,
    Revived,
    Settled,
    StoredEvent,
)
from cad.domain.destinations import BucketDestination, Destination
from cad.domain.ids import EventId, TaskId
from cad.domain.views import OutboxView

logger = logging.getLogger(__name__)

REMEMBERED = 100_000
"""Events that are known when they are offered again."""

MIB = 1024 * 1024

_DELETE_WAITING = (
    "DELETE FROM outbox_delivery WHERE event = :event AND error IS NULL"
    " AND destination = (SELECT number FROM outbox_destination WHERE mac = :mac)"
)
_BURY_WAITING = (
    "UPDATE outbox_delivery SET error = :error WHERE event = :event AND error IS NULL"
    " AND destination = (SELECT number FROM outbox_destination WHERE mac = :mac)"
)
_DROP_IMAGES = (
    "UPDATE outbox_image SET full_image = iif(:full, x'', full_image),"
    " crop_image = iif(:crop, x'', crop_image) WHERE event = :event"
)
_REVIVE = (
    "UPDATE outbox_delivery SET error = NULL WHERE error IS NOT NULL AND (:ids IS NULL OR event IN"
    " (SELECT number FROM outbox_event WHERE event_id IN (SELECT value FROM json_each(:ids))))"
)


class OutboxRepository:
    """Keeps events and where each still has to go. What has returned is on disk."""

    def __init__(
        self, database: Database, box: SecretBox, *, limit_mb: float, clock: Clock
    ) -> None:
        self._database, self._clock = database, clock
        self._seal = DestinationSeal(box)
        self._limit = int(limit_mb * MIB)

    async def add(self, event: NewEvent, document: Callable[[int], bytes]) -> StoredEvent | None:
        """Keep `event`; None if one of its id was kept before.

        If there is no more room, the oldest events go. `document` makes the JSON for a sequence; it
        runs in the database's thread.
        """
        work = partial(_add, event=event, document=document, seal=self._seal)
        return await self._database.write(partial(work, limit=self._limit, now=self._clock.now()))

    async def queues(self) -> Sequence[QueueKey]:
        """Return every queue in which something waits."""
        return await self._database.read(partial(_queues, seal=self._seal))

    async def head(self, queue: QueueKey) -> Delivery | None:
        """Return the oldest delivery that waits in `queue`; None also if its event is held."""
        mac = self._seal.mac(queue.destination)
        return await self._database.read(partial(_head, queue=queue, mac=mac))

    async def delivered(self, delivery: Delivery) -> Settled:
        """Forget `delivery`, and its event when that has arrived everywhere."""
        return await self._database.write(partial(_delivered, delivery=delivery, seal=self._seal))

    async def bury(self, delivery: Delivery, error: str) -> OutboxView:
        """Put `delivery` aside, because of `error`, until it is revived."""
        mac = self._seal.mac(delivery.queue.destination)
        return await self._database.write(partial(_bury, delivery=delivery, mac=mac, error=error))

    async def dead(self, limit: int) -> Sequence[DeadLetter]:
        """Return at most `limit` of what was put aside, oldest first."""
        return await self._database.read(partial(select_dead, limit=limit))

    async def revive(self, event_ids: Sequence[EventId] | None) -> Revived:
        """Let what was put aside of `event_ids` wait again, in its old place; None = all."""
        return await self._database.write(partial(_revive, event_ids=event_ids, seal=self._seal))

    async def forget(self, task_id: TaskId, *, force: bool) -> OutboxView:
        """Take note that the task is gone, for good when its events are; with `force` they go."""
        return await self._database.write(partial(_forget, task_id=task_id, force=force))

    async def sequences(self) -> Mapping[TaskId, int]:
        """Return how many events of each task were stored."""
        return await self._database.read(_sequences)

    async def view(self) -> OutboxView:
        """Return the outbox as it is on disk."""
        return await self._database.read(select_view)


# Events come


def _add(  # noqa: PLR0913 - what `OutboxRepository.add` has, by name
    connection: sqlite3.Connection,
    *,
    event: NewEvent,
    document: Callable[[int], bytes],
    seal: DestinationSeal,
    limit: int,
    now: datetime,
) -> StoredEvent | None:
    number = _remember(connection, event.event_id)
    if number is None:
        return None
    sequence = _next_sequence(connection, event.task_id)
    text = document(sequence)
    destinations = tuple(dict.fromkeys(event.destinations))
    if destinations:
        _insert(connection, number, event, text, now)
        _insert_deliveries(connection, number, event.task_id, destinations, seal)
    queues = tuple(QueueKey(event.task_id, destination) for destination in destinations)
    dropped = tuple(_make_room(connection, limit))
    return StoredEvent(
        sequence=sequence,
        document=text,
        queues=_queues(connection, seal=seal) if dropped else queues,
        dropped=dropped,
        view=select_view(connection),
    )


def _remember(connection: sqlite3.Connection, event_id: EventId) -> int | None:
    """Return the number of a new event, None if it is known."""
    added = connection.execute(
        "INSERT INTO outbox_seen (event_id) VALUES (?) ON CONFLICT DO NOTHING", (event_id,)
    )
    if added.rowcount == 0:
        return None
    number = int(added.lastrowid or 0)
    connection.execute("DELETE FROM outbox_seen WHERE number <= ?", (number - REMEMBERED,))
    return number


def _next_sequence(connection: sqlite3.Connection, task_id: TaskId) -> int:
    row = connection.execute(
        "INSERT INTO outbox_task (task_id, sequence) VALUES (?, 1)"
        " ON CONFLICT (task_id) DO UPDATE SET sequence = sequence + 1 RETURNING sequence",
        (task_id,),
    ).fetchone()
    return int(row[0])


def _insert(
    connection: sqlite3.Connection, number: int, event: NewEvent, document: bytes, now: datetime
) -> None:
    size = len(document) + len(event.full_image) + len(event.crop_image)
    connection.execute(
        "INSERT INTO outbox_event (number, event_id, task_id, stored_at, size, document)"
        " VALUES (?, ?, ?, ?, ?, ?)",
        (number, event.event_id, event.task_id, now.isoformat(), size, document),
    )
    connection.execute(
        "INSERT INTO outbox_image (event, full_image, crop_image) VALUES (?, ?, ?)",
        (number, event.full_image, event.crop_image),
    )
    connection.execute("UPDATE outbox_total SET stored_bytes = stored_bytes + ?", (size,))


def _insert_deliveries(
    connection: sqlite3.Connection,
    number: int,
    task_id: TaskId,
    destinations: Iterable[Destination],
    seal: DestinationSeal,
) -> None:
    for destination in destinations:
        mac, holds = seal.mac(destination), isinstance(destination, BucketDestination)
        connection.execute(
            "INSERT INTO outbox_destination (mac, label, sealed) VALUES (?, ?, ?)"
            " ON CONFLICT DO NOTHING",
            (mac, destination.name, seal.close(destination)),
        )
        connection.execute(
            "INSERT INTO outbox_delivery (event, destination, task_id, holds)"
            " SELECT ?, number, ?, ? FROM outbox_destination WHERE mac = ?",
            (number, task_id, holds, mac),
        )


# Events go


def _queues(connection: sqlite3.Connection, *, seal: DestinationSeal) -> tuple[QueueKey, ...]:
    rows = connection.execute(
        "SELECT DISTINCT d.task_id, o.sealed FROM outbox_delivery d"
        " JOIN outbox_destination o ON o.number = d.destination WHERE d.error IS NULL"
    )
    return tuple(_queue_keys(rows, seal))


def _queue_keys(rows: Iterable[tuple[str, bytes]], seal: DestinationSeal) -> Iterator[QueueKey]:
    """Yield the queue of each task and sealed destination; what cannot be opened waits on."""
    for task_id, sealed in rows:
        try:
            yield QueueKey(TaskId(task_id), seal.open(sealed))
        except SecretKeyError as error:
            logger.error("events of task %s cannot be delivered: %s", task_id, error)  # noqa: TRY400 - the sentence says it all


def _head(connection: sqlite3.Connection, *, queue: QueueKey, mac: str) -> Delivery | None:
    row = connection.execute(
        "SELECT e.number, e.event_id, e.document, i.full_image, i.crop_image, NOT d.holds AND"
        " EXISTS (SELECT 1 FROM outbox_delivery h WHERE h.event = d.event AND h.holds)"
        " FROM outbox_delivery d JOIN outbox_event e ON e.number = d.event"
        " JOIN outbox_image i ON i.event = e.number"
        " WHERE d.task_id = ? AND d.error IS NULL AND d.destination ="
        " (SELECT number FROM outbox_destination WHERE mac = ?)"
        " ORDER BY d.event LIMIT 1",
        (queue.task_id, mac),
    ).fetchone()
    if row is None:
        return None
    number, event_id, document, full_image, crop_image, is_held = row
    if is_held:
        return None
    return Delivery(
        number=number,
        event_id=EventId(event_id),
        queue=queue,
        document=document,
        full_image=full_image,
        crop_image=crop_image,
    )


def _delivered(
    connection: sqlite3.Connection, *, delivery: Delivery, seal: DestinationSeal
) -> Settled:
    destination = delivery.queue.destination
    row = {"event": delivery.number, "mac": seal.mac(destination)}
    removed = connection.execute(_DELETE_WAITING, row).rowcount
    released: tuple[QueueKey, ...] = ()
    if removed:
        connection.execute("UPDATE outbox_total SET delivered = delivered + 1")
        if isinstance(destination, BucketDestination):
            released = _waiting_queues(connection, delivery.number, seal)
            _drop_images(connection, delivery.number, destination)
        if not _has_deliveries(connection, delivery.number):
            _remove_event(connection, delivery.number)
    return Settled(released=released, view=select_view(connection))


def _waiting_queues(
    connection: sqlite3.Connection, number: int, seal: DestinationSeal
) -> tuple[QueueKey, ...]:
    """Return where the event still has to go."""
    rows = connection.execute(
        "SELECT d.task_id, o.sealed FROM outbox_delivery d JOIN outbox_destination o"
        " ON o.number = d.destination WHERE d.event = ? AND d.error IS NULL",
        (number,),
    )
    return tuple(_queue_keys(rows, seal))


def _drop_images(connection: sqlite3.Connection, number: int, stored_in: BucketDestination) -> None:
    """Drop the pictures that are in a bucket now; the others travel in the event."""
    full_size, crop_size = connection.execute(
        "SELECT length(full_image), length(crop_image) FROM outbox_image WHERE event = ?", (number,)
    ).fetchone()
    row = {"full": bool(stored_in.full), "crop": bool(stored_in.crop), "event": number}
    connection.execute(_DROP_IMAGES, row)
    freed = full_size * row["full"] + crop_size * row["crop"]
    connection.execute("UPDATE outbox_event SET size = size - ? WHERE number = ?", (freed, number))
    connection.execute("UPDATE outbox_total SET stored_bytes = stored_bytes - ?", (freed,))


def _has_deliveries(connection: sqlite3.Connection, number: int) -> bool:
    left = "SELECT EXISTS (SELECT 1 FROM outbox_delivery WHERE event = ?)"
    return bool(connection.execute(left, (number,)).fetchone()[0])


def _bury(
    connection: sqlite3.Connection, *, delivery: Delivery, mac: str, error: str
) -> OutboxView:
    connection.execute(_BURY_WAITING, {"event": delivery.number, "mac": mac, "error": error})
    return select_view(connection)


def _revive(
    connection: sqlite3.Connection, *, event_ids: Sequence[EventId] | None, seal: DestinationSeal
) -> Revived:
    ids = None if event_ids is None else json.dumps(event_ids)
    count = connection.execute(_REVIVE, {"ids": ids}).rowcount
    return Revived(count=count, queues=_queues(connection, seal=seal), view=select_view(connection))


# Events are dropped


def _make_room(connection: sqlite3.Connection, limit: int) -> Iterable[EventId]:
    """Drop the oldest events until the rest fits; one event alone may always stay."""
    while _stored_bytes(connection) > limit:
        rows = connection.execute(
            "SELECT number, event_id FROM outbox_event ORDER BY number LIMIT 2"
        ).fetchall()
        if len(rows) < 2:
            return
        number, event_id = rows[0]
        removed = _remove_event(connection, number)
        connection.execute("UPDATE outbox_total SET dropped = dropped + ?", (removed,))
        yield EventId(event_id)


def _stored_bytes(connection: sqlite3.Connection) -> int:
    return int(connection.execute("SELECT stored_bytes FROM outbox_total").fetchone()[0])


def _remove_event(connection: sqlite3.Connection, number: int) -> int:
    """Delete an event with all that belongs to it; return how many deliveries it still had."""
    deliveries = connection.execute(
        "DELETE FROM outbox_delivery WHERE event = ?", (number,)
    ).rowcount
    size, task_id = connection.execute(
        "DELETE FROM outbox_event WHERE number = ? RETURNING size, task_id", (number,)
    ).fetchone()
    connection.execute("UPDATE outbox_total SET stored_bytes = stored_bytes - ?", (size,))
    _clear_forgotten(connection, task_id)
    return deliveries


def _clear_forgotten(connection: sqlite3.Connection, task_id: str) -> None:
    """Forget a deleted task with its last event, and destinations that nothing goes to now."""
    cleared = connection.execute(
        "DELETE FROM outbox_task WHERE task_id = ?1 AND forgotten"
        " AND NOT EXISTS (SELECT 1 FROM outbox_event WHERE task_id = ?1)",
        (task_id,),
    ).rowcount
    if cleared:
        connection.execute(
            "DELETE FROM outbox_destination WHERE NOT EXISTS (SELECT 1 FROM outbox_delivery"
            " WHERE outbox_delivery.destination = outbox_destination.number)"
        )


def forget_task(connection: sqlite3.Connection, task_id: TaskId, *, force: bool) -> None:
    """Mark a task as gone, and with `force` drop its events; part of a transaction."""
    connection.execute("UPDATE outbox_task SET forgotten = 1 WHERE task_id = ?", (task_id,))
    if force:
        rows = connection.execute("SELECT number FROM outbox_event WHERE task_id = ?", (task_id,))
        for (number,) in rows.fetchall():
            _remove_event(connection, number)
    _clear_forgotten(connection, task_id)


def _forget(connection: sqlite3.Connection, *, task_id: TaskId, force: bool) -> OutboxView:
    forget_task(connection, task_id, force=force)
    return select_view(connection)


def _sequences(connection: sqlite3.Connection) -> Mapping[TaskId, int]:
    rows = connection.execute("SELECT task_id, sequence FROM outbox_task WHERE NOT forgotten")
    return {TaskId(task_id): sequence for task_id, sequence in rows}
