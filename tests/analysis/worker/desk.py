"""The daemon's end of a worker's socket, for tests."""

import asyncio
import socket
from typing import TypeVar

from cad.analysis.worker.link import Link
from cad.domain.tasks import TaskReport
from cad.protocols.worker.messages import (
    EventRaised,
    EventStored,
    Frames,
    News,
    Order,
    Report,
    decode_news,
    encode,
)
from tests.waiting import until

N = TypeVar("N")


class Desk:
    """Sends orders to a worker and keeps all news of it; acknowledges events unless told not to."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer = reader, writer
        self.news: list[News] = []
        self.stores_events = True
        self.closed = asyncio.Event()

    @classmethod
    async def at(cls, end: socket.socket) -> "Desk":
        return cls(*await asyncio.open_connection(sock=end))

    async def listen(self) -> None:
        frames = Frames()
        while chunk := await self._reader.read(65536):
            for body in frames.feed(chunk):
                self._take(decode_news(body))
        self.closed.set()

    def send(self, *orders: Order) -> None:
        for order in orders:
            self._writer.write(encode(order))

    def send_bytes(self, data: bytes) -> None:
        self._writer.write(data)

    async def hang_up(self) -> None:
        self._writer.close()
        await self._writer.wait_closed()

    def store_all(self) -> None:
        """Acknowledge what was not, and from now on everything at once."""
        self.stores_events = True
        self.send(*(EventStored(each.event.event_id) for each in self.events))

    def all(self, kind: type[N]) -> list[N]:
        return [each for each in self.news if isinstance(each, kind)]

    @property
    def events(self) -> list[EventRaised]:
        return self.all(EventRaised)

    def task(self, task_id: str) -> TaskReport | None:
        """The latest report of a task."""
        latest = [task for report in self.all(Report)[-1:] for task in report.tasks]
        return next((task for task in latest if task.task_id == task_id), None)

    async def first(self, kind: type[N]) -> N:
        await until(lambda: self.all(kind))
        return self.all(kind)[0]

    async def finished(self, task_id: str, deadline: float = 30.0) -> TaskReport:
        """Wait until the task is reported as finished."""

        def is_finished() -> bool:
            report = self.task(task_id)
            return report is not None and report.finished

        await until(is_finished, deadline)
        report = self.task(task_id)
        assert report is not None
        return report

    def _take(self, news: News) -> None:
        self.news.append(news)
        if isinstance(news, EventRaised) and self.stores_events:
            self.send(EventStored(news.event.event_id))


async def connected_link() -> tuple[Link, Desk]:
    """Return both ends of a new socket pair."""
    ours, theirs = socket.socketpair()
    return await Link.over(theirs.detach()), await Desk.at(ours)
