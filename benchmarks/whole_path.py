"""The whole path: a worker process as the daemon starts it, on files and cameras."""

import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from benchmarks.installed import CLIP
from benchmarks.speed import CORES, Speed
from cad.domain.ids import StreamId, TaskId
from cad.domain.packages import ServiceOrder
from cad.domain.rules import Area, AreaType, Point, Rule
from cad.domain.streams import StreamSource
from cad.domain.tasks import TaskOrder
from cad.protocols.worker.messages import (
    EventRaised,
    EventStored,
    Frames,
    LoadService,
    News,
    Order,
    Report,
    ServiceLoaded,
    StartTask,
    decode_news,
    encode,
)
from cad.protocols.worker.settings import WorkerSettings, settings_argument

WARM_UP, WINDOW = 1.0, 4.0
"""Seconds; the clip lasts six at full speed of one stream."""

LIVE_WARM_UP = 3.0
"""Seconds until cameras are connected."""

REPEAT = 1.0
"""Seconds between the events of someone who stays, for many samples of the latency."""

LINE = Area(0, AreaType.SINGLE_LINE_BOTH, (Point(0.5, 0.0), Point(0.5, 1.0)))


class WorkerPeer:
    """The daemon's end of a worker: sends orders, waits for news, stores every event."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection, self._frames = connection, Frames()
        self.latencies: list[float] = []
        """Seconds from the arrival of each event's frame to the event's arrival here."""

    def send(self, order: Order) -> None:
        """Send an order."""
        self._connection.sendall(encode(order))

    def news(self) -> Iterator[News]:
        """Yield what the worker says, for ever."""
        while chunk := self._connection.recv(1 << 20):
            for body in self._frames.feed(chunk):
                message = decode_news(body)
                if isinstance(message, EventRaised):
                    self.latencies.append(time.monotonic() - message.event.received)
                    self.send(EventStored(message.event.event_id))
                yield message

    def report_after(self, moment: float) -> Report:
        """Wait for the first report of a time after `moment`, monotonic."""
        for message in self.news():
            if isinstance(message, Report) and message.monotonic >= moment:
                return message
        raise ConnectionError("the worker ended")


@contextmanager
def worker(service: ServiceOrder, tasks: Sequence[TaskOrder]) -> Iterator[WorkerPeer]:
    """Run a worker that serves `service` and has begun with `tasks`."""
    settings = WorkerSettings(
        accelerator="cpu",
        threads=CORES,
        file_dirs=(str(CLIP.parent),),
        rtsp_transport="tcp",
        open_timeout=10.0,
        silence_timeout=10.0,
        pace_files=False,
    )
    ours, theirs = socket.socketpair()
    command = [sys.executable, "-m", "cad.analysis.worker", "--socket-fd", str(theirs.fileno())]
    command += ["--settings", settings_argument(settings)]
    with (
        ours,
        subprocess.Popen(command, pass_fds=[theirs.fileno()], stderr=subprocess.DEVNULL) as process,
    ):
        theirs.close()
        peer = WorkerPeer(ours)
        peer.send(LoadService(service))
        next(message for message in peer.news() if isinstance(message, ServiceLoaded))
        for task in tasks:
            peer.send(StartTask(task))
        try:
            yield peer
        finally:
            process.kill()


def throughput(service: ServiceOrder, streams: int) -> Speed:
    """Return the speed at which every frame of `streams` files is analysed."""
    tasks = [_task(service, number, CLIP.as_uri(), 0.0, None) for number in range(streams)]
    with worker(service, tasks) as peer:
        begin = peer.report_after(time.monotonic() + WARM_UP)
        end = peer.report_after(begin.monotonic + WINDOW)
    frames = end.services[0].frames - begin.services[0].frames
    return Speed(
        frames / (end.monotonic - begin.monotonic), (end.cpu_seconds - begin.cpu_seconds) / frames
    )


def latencies(
    service: ServiceOrder, url: str, streams: int, rate: float, seconds: float
) -> list[float]:
    """Return seconds from a frame's arrival to its event's, `streams` times the camera at `url`."""
    tasks = [_task(service, number, url, rate, REPEAT) for number in range(streams)]
    with worker(service, tasks) as peer:
        peer.report_after(time.monotonic() + LIVE_WARM_UP)
        peer.latencies.clear()
        peer.report_after(time.monotonic() + seconds)
        return peer.latencies


def _task(
    service: ServiceOrder, number: int, url: str, rate: float, repeat: float | None
) -> TaskOrder:
    return TaskOrder(
        task_id=TaskId(f"task-{number}"),
        service_id=service.service_id,
        stream_id=StreamId(f"stream-{number}"),
        source=StreamSource(url=url),
        analysis_rate=rate,
        rules=(
            Rule(event_type="INTRUSION", repeat=repeat),
            Rule(event_type="LINE_CROSSING", areas=(LINE,)),
        ),
    )
