"""What the outbox on disk shows of itself."""

import sqlite3
from collections.abc import Sequence
from datetime import datetime

from cad.domain.deliveries import DeadLetter
from cad.domain.ids import EventId, TaskId
from cad.domain.views import DestinationView, OutboxView


def select_view(connection: sqlite3.Connection) -> OutboxView:
    """Return the outbox as it is."""
    delivered, dropped, stored_bytes = connection.execute(
        "SELECT delivered, dropped, stored_bytes FROM outbox_total"
    ).fetchone()
    destinations = _destinations(connection)
    return OutboxView(
        waiting=sum(each.waiting for each in destinations),
        delivered=delivered,
        dead=sum(each.dead for each in destinations),
        dropped=dropped,
        stored_bytes=stored_bytes,
        oldest_waiting=_oldest_waiting(connection),
        destinations=destinations,
    )


def select_dead(connection: sqlite3.Connection, limit: int) -> Sequence[DeadLetter]:
    """Return at most `limit` of what was put aside, oldest first."""
    rows = connection.execute(
        "SELECT e.event_id, e.task_id, o.label, d.error, e.stored_at FROM outbox_delivery d"
        " JOIN outbox_event e ON e.number = d.event"
        " JOIN outbox_destination o ON o.number = d.destination"
        " WHERE d.error IS NOT NULL ORDER BY d.event, o.label LIMIT ?",
        (limit,),
    )
    return [
        DeadLetter(
            event_id=EventId(event_id),
            task_id=TaskId(task_id),
            destination=label,
            reason=reason,
            stored_at=datetime.fromisoformat(stored_at),
        )
        for event_id, task_id, label, reason, stored_at in rows
    ]


def _destinations(connection: sqlite3.Connection) -> tuple[DestinationView, ...]:
    rows = connection.execute(
        "SELECT label, sum(waiting), sum(dead) FROM outbox_destination GROUP BY label"
        " ORDER BY label"
    )
    return tuple(
        DestinationView(name=label, waiting=waiting, dead=dead) for label, waiting, dead in rows
    )


def _oldest_waiting(connection: sqlite3.Connection) -> datetime | None:
    row = connection.execute(
        "SELECT stored_at FROM outbox_event WHERE number ="
        " (SELECT min(event) FROM outbox_delivery WHERE error IS NULL)"
    ).fetchone()
    return None if row is None else datetime.fromisoformat(row[0])
