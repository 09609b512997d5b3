"""Events until they are delivered: bounded, in order, each kept once for all its destinations."""

import sqlite3
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from functools import partial

from pydantic import TypeAdapter

from cad.base.clock import Clock
from cad.control.store.database import Database
from cad.domain.deliveries import Delivery, NewEvent, QueueKey, StoredEvent
from cad.domain.destinations import Destination
from cad.domain.ids import EventId, TaskId
from cad.domain.views import OutboxView

REMEMBERED = 100_000
"""Events that are known when they are offered again."""

MIB = 1024 * 1024

_destinations: TypeAdapter[Destination] = TypeAdapter(Destination)


class OutboxRepository:
    """Keeps events and where each still has to go. What has returned is on disk."""

    def __init__(self, database: Database, *, limit_mb: float, clock: Clock) -> None:
        self._database, self._clock = database, clock
        self._limit = int(limit_mb * MIB)

    async def add(self, event: NewEvent, document: Callable[[int], bytes]) -> StoredEvent | None:
        """Keep `event`; None if one of its id was kept before.

        If there is no more room, the oldest events go. `document` makes the JSON for a sequence; it
        runs in the database's thread.
        """
        return await self._database.write(
            partial(_add, event=event, document=document, limit=self._limit, now=self._clock.now())
        )

    async def queues(self) -> Sequence[QueueKey]:
        """Return every queue in which something waits."""
        return await self._database.read(_queues)

    async def head(self, queue: QueueKey) -> Delivery | None:
        """Return the oldest delivery that waits in `queue`."""
        return await self._database.read(partial(_head, queue=queue))

    async def delivered(self, delivery: Delivery) -> OutboxView:
        """Forget `delivery`, and its event when that has arrived everywhere."""
        return await self._database.write(partial(_delivered, delivery=delivery))

    async def bury(self, delivery: Delivery, error: str) -> OutboxView:
        """Put `delivery` aside, because of `error`, until it is revived."""
        return await self._database.write(partial(_bury, delivery=delivery, error=error))

    async def revive(self, event_ids: Sequence[EventId]) -> tuple[Sequence[QueueKey], OutboxView]:
        """Let what was put aside of `event_ids` wait again, in its old place; return its queues."""
        return await self._database.write(partial(_revive, event_ids=event_ids))

    async def forget(self, task_id: TaskId, *, force: bool) -> OutboxView:
        """Take note that the task is gone, for good when its events are; with `force` they go."""
        return await self._database.write(partial(_forget, task_id=task_id, force=force))

    async def sequences(self) -> Mapping[TaskId, int]:
        """Return how many events of each task were stored."""
        return await self._database.read(_sequences)

    async def view(self) -> OutboxView:
        """Return the outbox as it is on disk."""
        return await self._database.read(_view)


def _add(
    connection: sqlite3.Connection,
    *,
    event: NewEvent,
    document: Callable[[int], bytes],
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
        _insert_deliveries(connection, number, event.task_id, destinations)
    return StoredEvent(
        sequence=sequence,
        document=text,
        queues=tuple(QueueKey(event.task_id, destination) for destination in destinations),
        dropped=tuple(_make_room(connection, limit)),
        view=_view(connection),
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
) -> None:
    for destination in destinations:
        text = _text(destination)
        connection.execute(
            "INSERT INTO outbox_destination (destination) VALUES (?) ON CONFLICT DO NOTHING",
            (text,),
        )
        connection.execute(
            "INSERT INTO outbox_delivery (event, destination, task_id)"
            " SELECT ?, number, ? FROM outbox_destination WHERE destination = ?",
            (number, task_id, text),
        )
        connection.execute("UPDATE outbox_total SET waiting = waiting + 1")


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
    waiting, dead = connection.execute(
        "SELECT count(*) - count(error), count(error) FROM outbox_delivery WHERE event = ?",
        (number,),
    ).fetchone()
    size, task_id = connection.execute(
        "DELETE FROM outbox_event WHERE number = ? RETURNING size, task_id", (number,)
    ).fetchone()
    connection.execute(
        "UPDATE outbox_total SET stored_bytes = stored_bytes - ?, waiting = waiting - ?,"
        " dead = dead - ?",
        (size, waiting, dead),
    )
    _clear_forgotten(connection, task_id)
    return int(waiting + dead)


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


def _queues(connection: sqlite3.Connection) -> Sequence[QueueKey]:
    rows = connection.execute(
        "SELECT DISTINCT d.task_id, o.destination FROM outbox_delivery d"
        " JOIN outbox_destination o ON o.number = d.destination WHERE d.error IS NULL"
    )
    return [QueueKey(TaskId(task_id), _destination(text)) for task_id, text in rows]


def _head(connection: sqlite3.Connection, *, queue: QueueKey) -> Delivery | None:
    row = connection.execute(
        "SELECT e.number, e.event_id, e.document, i.full_image, i.crop_image"
        " FROM outbox_delivery d JOIN outbox_event e ON e.number = d.event"
        " JOIN outbox_image i ON i.event = e.number"
        " WHERE d.task_id = ? AND d.error IS NULL AND d.destination ="
        " (SELECT number FROM outbox_destination WHERE destination = ?)"
        " ORDER BY d.event LIMIT 1",
        (queue.task_id, _text(queue.destination)),
    ).fetchone()
    if row is None:
        return None
    number, event_id, document, full_image, crop_image = row
    return Delivery(
        number=number,
        event_id=EventId(event_id),
        queue=queue,
        document=document,
        full_image=full_image,
        crop_image=crop_image,
    )


def _delivered(connection: sqlite3.Connection, *, delivery: Delivery) -> OutboxView:
    removed = connection.execute(
        "DELETE FROM outbox_delivery WHERE event = ? AND error IS NULL AND destination ="
        " (SELECT number FROM outbox_destination WHERE destination = ?)",
        (delivery.number, _text(delivery.queue.destination)),
    ).rowcount
    if removed:
        connection.execute(
            "UPDATE outbox_total SET waiting = waiting - 1, delivered = delivered + 1"
        )
        left = "SELECT count(*) FROM outbox_delivery WHERE event = ?"
        if connection.execute(left, (delivery.number,)).fetchone()[0] == 0:
            _remove_event(connection, delivery.number)
    return _view(connection)


def _bury(connection: sqlite3.Connection, *, delivery: Delivery, error: str) -> OutboxView:
    buried = connection.execute(
        "UPDATE outbox_delivery SET error = ? WHERE event = ? AND error IS NULL AND destination ="
        " (SELECT number FROM outbox_destination WHERE destination = ?)",
        (error, delivery.number, _text(delivery.queue.destination)),
    ).rowcount
    connection.execute(
        "UPDATE outbox_total SET waiting = waiting - ?1, dead = dead + ?1", (buried,)
    )
    return _view(connection)


def _revive(
    connection: sqlite3.Connection, *, event_ids: Sequence[EventId]
) -> tuple[Sequence[QueueKey], OutboxView]:
    revived = 0
    for event_id in event_ids:
        revived += connection.execute(
            "UPDATE outbox_delivery SET error = NULL WHERE error IS NOT NULL AND event IN"
            " (SELECT number FROM outbox_event WHERE event_id = ?)",
            (event_id,),
        ).rowcount
    connection.execute(
        "UPDATE outbox_total SET waiting = waiting + ?1, dead = dead - ?1", (revived,)
    )
    return _queues(connection), _view(connection)


def _forget(connection: sqlite3.Connection, *, task_id: TaskId, force: bool) -> OutboxView:
    connection.execute("UPDATE outbox_task SET forgotten = 1 WHERE task_id = ?", (task_id,))
    if force:
        rows = connection.execute("SELECT number FROM outbox_event WHERE task_id = ?", (task_id,))
        for (number,) in rows.fetchall():
            _remove_event(connection, number)
    _clear_forgotten(connection, task_id)
    return _view(connection)


def _sequences(connection: sqlite3.Connection) -> Mapping[TaskId, int]:
    rows = connection.execute("SELECT task_id, sequence FROM outbox_task WHERE NOT forgotten")
    return {TaskId(task_id): sequence for task_id, sequence in rows}


def _view(connection: sqlite3.Connection) -> OutboxView:
    waiting, delivered, dead, dropped, stored_bytes = connection.execute(
        "SELECT waiting, delivered, dead, dropped, stored_bytes FROM outbox_total"
    ).fetchone()
    oldest = connection.execute(
        "SELECT stored_at FROM outbox_event WHERE number ="
        " (SELECT min(event) FROM outbox_delivery WHERE error IS NULL)"
    ).fetchone()
    return OutboxView(
        waiting=waiting,
        delivered=delivered,
        dead=dead,
        dropped=dropped,
        stored_bytes=stored_bytes,
        oldest_waiting=None if oldest is None else datetime.fromisoformat(oldest[0]),
    )


def _text(destination: Destination) -> str:
    return _destinations.dump_json(destination).decode()


def _destination(text: str) -> Destination:
    return _destinations.validate_json(text)
