"""Analysis tasks in the database."""

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial

from pydantic import TypeAdapter, ValidationError

from cad.control.store.database import Database
from cad.control.store.outbox import forget_task
from cad.control.store.secrets import SecretBox, SecretKeyError
from cad.domain.destinations import Destination
from cad.domain.ids import ServiceId, StreamId, TaskId
from cad.domain.tasks import TaskRecord, UnreadableTask

_SAVE = """
INSERT INTO task (task_id, service_id, stream_id, state, record, sealed) VALUES (?, ?, ?, ?, ?, ?)
ON CONFLICT (task_id) DO UPDATE SET service_id = excluded.service_id,
    stream_id = excluded.stream_id, state = excluded.state, record = excluded.record,
    sealed = excluded.sealed
"""


@dataclass(frozen=True, slots=True)
class _Sealed:
    """The parts of a record that may hold credentials."""

    url: str
    task_info: str
    destinations: tuple[tuple[Destination, ...], ...]


_records: TypeAdapter[TaskRecord] = TypeAdapter(TaskRecord)
_sealed: TypeAdapter[_Sealed] = TypeAdapter(_Sealed)


class TaskRepository:
    """Keeps tasks; what may hold credentials is encrypted."""

    def __init__(self, database: Database, box: SecretBox) -> None:
        self._database, self._box = database, box

    async def all(self) -> Sequence[TaskRecord | UnreadableTask]:
        """Return every task, oldest first."""
        return [self._task(row) for row in await self._database.read(_select)]

    async def save(self, record: TaskRecord) -> None:
        """Keep `record` in place of the one of the same id, if there is one."""
        order = record.order
        row = (
            record.task_id,
            order.service_id,
            order.stream_id,
            record.state,
            _records.dump_json(_public(record)).decode(),
            self._box.encrypt(_sealed.dump_json(_secrets(record)).decode()),
        )
        await self._database.write(lambda connection: connection.execute(_SAVE, row).rowcount)

    async def delete(self, task_id: TaskId, *, force: bool) -> None:
        """Forget the task, with `force` its events too, all or nothing; an unknown is no error."""
        await self._database.write(partial(_delete, task_id=task_id, force=force))

    def _task(self, row: "_Row") -> TaskRecord | UnreadableTask:
        task_id, service_id, stream_id, text, sealed = row
        try:
            return self._opened(text, sealed)
        except SecretKeyError as error:
            reason = str(error)
        except ValidationError as error:
            finding = error.errors(include_url=False, include_input=False)[0]
            place = ".".join(map(str, finding["loc"]))
            reason = f"its stored record is damaged: {finding['msg']} ({place or 'as a whole'})"
        return UnreadableTask(
            task_id=TaskId(task_id),
            service_id=ServiceId(service_id),
            stream_id=StreamId(stream_id),
            reason=reason,
        )

    def _opened(self, text: str, sealed: bytes) -> TaskRecord:
        record = _records.validate_json(text)
        secrets = _sealed.validate_json(self._box.decrypt(sealed))
        source = replace(record.order.source, url=secrets.url)
        return replace(
            record,
            order=replace(record.order, source=source),
            task_info=secrets.task_info,
            destinations=secrets.destinations,
        )


_Row = tuple[str, str, str, str, bytes]


def _select(connection: sqlite3.Connection) -> list[_Row]:
    return connection.execute(
        "SELECT task_id, service_id, stream_id, record, sealed FROM task ORDER BY number"
    ).fetchall()


def _delete(connection: sqlite3.Connection, *, task_id: TaskId, force: bool) -> None:
    connection.execute("DELETE FROM task WHERE task_id = ?", (task_id,))
    forget_task(connection, task_id, force=force)


def _secrets(record: TaskRecord) -> _Sealed:
    return _Sealed(record.order.source.url, record.task_info, record.destinations)


def _public(record: TaskRecord) -> TaskRecord:
    source = replace(record.order.source, url="")
    order = replace(record.order, source=source)
    return replace(record, order=order, task_info="", destinations=())
