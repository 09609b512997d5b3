"""A worker process that speaks the real protocol, analyses nothing, and misbehaves on demand.

What it does with a task is said by the scheme of the task's stream:

* `rtsp`: reports a picture more with each report
* `file`: reports the end of the recording
* `events`: raises as many events as the URL's host says, once
* `die`, `hang`, `garbage`, `deaf`, `stuck`, `stranded`: ends, stops everything, sends no message,
  stops reading orders, reports an inference or a hung stream without end — once, if the URL's path
  names a file, which it makes

A service whose score threshold is 0.99 fails to load; one of 0.98 kills the process. It appends a
line to the file `--notes` for each thing that happens to it.
"""

import argparse
import os
import select
import signal
import socket
import sys
import time
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urlsplit

from cad.domain.faults import Fault, FaultClass
from cad.domain.packages import ServiceOrder
from cad.domain.streams import StreamPhase, StreamStatus
from cad.domain.tasks import FrameCounts, TaskOrder, TaskReport
from cad.protocols.worker.messages import (
    EventRaised,
    EventStored,
    Frames,
    Hello,
    LoadService,
    MoveTasks,
    News,
    Order,
    Report,
    ServiceFailed,
    ServiceLoaded,
    Shutdown,
    StartTask,
    StopTask,
    UnloadService,
    decode_order,
    encode,
)
from cad.protocols.worker.settings import parse_settings
from tests.control.tasks.values import event

PERIOD = 0.1
SECONDS = {"stuck": 31.0, "stranded": 301.0}
"""What is reported of an inference, of a stream."""


class StandIn:
    """The process."""

    def __init__(self, connection: socket.socket, notes: Path) -> None:
        self.socket, self.notes = connection, notes
        self.tasks: dict[str, TaskOrder] = {}
        self.pictures: dict[str, int] = {}
        self.frames, self.open = Frames(), True
        self.deaf, self.raised = False, 0
        self.seconds = dict.fromkeys(SECONDS, 0.0)

    def run(self) -> None:
        self.say(Hello(os.getpid(), "0", ("CPUExecutionProvider",), 2))
        due = time.monotonic()
        while self.open:
            self.hear(max(0.0, due - time.monotonic()))
            if time.monotonic() >= due:
                due = time.monotonic() + PERIOD
                self.say(self.report())

    def hear(self, timeout: float) -> None:
        if self.deaf:
            time.sleep(timeout)
            return
        if not select.select([self.socket], [], [], timeout)[0]:
            return
        chunk = self.socket.recv(1 << 16)
        self.open = bool(chunk)
        for body in self.frames.feed(chunk):
            self.obey(decode_order(body))

    def obey(self, message: Order) -> None:
        match message:
            case LoadService(service=service):
                self.load(service)
            case UnloadService(service_id=service_id):
                self.note(f"unload {service_id}")
            case StartTask(task=task):
                self.note(f"start {task.task_id}")
                self.tasks[task.task_id] = task
                self.misbehave(task)
            case StopTask(task_id=task_id):
                self.note(f"stop {task_id}")
                self.tasks.pop(task_id, None)
                self.pictures.pop(task_id, None)
            case MoveTasks(service_id=service_id, to=to):
                self.note(f"move {service_id} {to}")
            case EventStored(event_id=event_id):
                self.note(f"ack {event_id}")
            case Shutdown():
                self.note("shutdown")
                self.open = "--stubborn" in sys.argv

    def load(self, service: ServiceOrder) -> None:
        self.note(f"load {service.service_id}")
        threshold = service.settings.score_threshold
        if threshold == 0.98:
            os.abort()
        if threshold == 0.99:
            fault = Fault(FaultClass.ENGINE, "output has rank 7", datetime.now(UTC))
            self.say(ServiceFailed(service.service_id, fault))
        else:
            self.say(ServiceLoaded(service.service_id, "CPUExecutionProvider"))

    def misbehave(self, task: TaskOrder) -> None:
        url = urlsplit(task.source.url)
        if url.path and url.scheme not in {"rtsp", "file"}:
            mark = Path(url.path)
            if mark.exists():
                return
            mark.touch()
        match url.scheme:
            case "die":
                sys.stderr.write("segmentation fault soon\npassword=hunter2\n")
                sys.stderr.flush()
                os.abort()
            case "hang":
                os.kill(os.getpid(), signal.SIGSTOP)
            case "garbage":
                self.socket.sendall(b"\x00\x00\x00\x05hello")
            case "deaf":
                self.deaf = True
            case "stuck" | "stranded" as ailment:
                self.seconds[ailment] = SECONDS[ailment]
            case "events":
                for _ in range(int(url.hostname or "1")):
                    self.say(EventRaised(event(self.raised, task.task_id)))
                    self.raised += 1
            case _:
                pass

    def report(self) -> Report:
        streams = {task.stream_id for task in self.tasks.values()}
        return Report(
            monotonic=time.monotonic(),
            streams=tuple(StreamStatus(stream_id=s, phase=StreamPhase.OPEN) for s in streams),
            tasks=tuple(self.task_report(task) for task in self.tasks.values()),
            services=(),
            oldest_inference=self.seconds["stuck"],
            cpu_seconds=time.process_time(),
            resident_bytes=1,
            stranded=self.seconds["stranded"],
        )

    def task_report(self, task: TaskOrder) -> TaskReport:
        number = self.pictures[task.task_id] = self.pictures.get(task.task_id, 0) + 1
        counts = FrameCounts(received=number, decoded=number, analysed=number)
        finished = task.source.scheme in {"file", "events"}
        return TaskReport(task_id=task.task_id, frames=counts, analysed_age=0.05, finished=finished)

    def say(self, news: News) -> None:
        try:
            self.socket.sendall(encode(news))
        except (BrokenPipeError, ConnectionResetError):
            self.open = False

    def note(self, line: str) -> None:
        with self.notes.open("a") as file:
            file.write(f"{os.getpid()} {line}\n")


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--socket-fd", type=int, required=True)
    parser.add_argument("--settings", type=parse_settings, required=True)
    parser.add_argument("--notes", type=Path, required=True)
    parser.add_argument("--stubborn", action="store_true")
    options = parser.parse_args()
    if options.stubborn:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
    with socket.socket(fileno=options.socket_fd) as connection:
        StandIn(connection, options.notes).run()


if __name__ == "__main__":
    main()
