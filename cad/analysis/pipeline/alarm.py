"""From what a rule reports to an event with its pictures, kept in view until the daemon has it."""

import logging
import math
import queue
import threading
import uuid
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

from cad.analysis.pipeline.contain import Contained
from cad.analysis.pipeline.tracking import Track
from cad.analysis.pipeline.watch import Finding
from cad.base.clock import Clock
from cad.domain.events import RaisedEvent, Target
from cad.domain.faults import Fault
from cad.domain.frames import Frame, Picture
from cad.domain.ids import EventId, TaskId

logger = logging.getLogger(__name__)

SNAPSHOT_LIMIT = 16
"""Pictures that may wait to be compressed; each holds a decoded frame, 3 MB at 1080p."""

UNACKNOWLEDGED_LIMIT = 64
"""Events that may wait for the daemon; each holds two JPEGs, some 300 kB at 1080p."""

CROP_MARGIN = 0.2
"""Share of a target's width and height that its crop shows on each side of it."""

Pixels = tuple[float, float, float, float]


@dataclass(frozen=True, slots=True)
class _Snapshot:
    """A frame about which tasks have something to report."""

    frame: Frame
    findings: Sequence[Finding]
    labels: tuple[str, ...]


class Alarm:
    """Makes events of findings in a thread of its own, in the order in which they came.

    Nothing is ever dropped here: an event whose JPEGs cannot be made goes without. Both bounds work
    through `has_room`: while it is false no further frames are analysed, so at most the frames
    already with the engines come on top.
    """

    def __init__(
        self,
        clock: Clock,
        *,
        emit: Callable[[RaisedEvent], None],
        on_room: Callable[[], None],
        on_fault: Callable[[TaskId, Fault], None],
    ) -> None:
        """Begin without the thread; `start` makes it.

        Args:
            clock: the time.
            emit: takes each event, in the alarm's thread.
            on_room: called when `has_room` may have become true.
            on_fault: takes a task whose event could not be made, in the alarm's thread.
        """
        self._clock, self._emit, self._on_room, self._on_fault = clock, emit, on_room, on_fault
        self._snapshots: queue.SimpleQueue[_Snapshot | None] = queue.SimpleQueue()
        self._lock = threading.Lock()
        self._open: Counter[TaskId] = Counter()
        self._unacknowledged: dict[EventId, TaskId] = {}
        self._thread = threading.Thread(target=self._run, name="alarm", daemon=True)

    @property
    def has_room(self) -> bool:
        """Whether further frames may be analysed."""
        return (
            self._snapshots.qsize() < SNAPSHOT_LIMIT
            and len(self._unacknowledged) < UNACKNOWLEDGED_LIMIT
        )

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def close(self) -> None:
        """Make the events of all that was reported, then end the thread. Blocks."""
        self._snapshots.put(None)
        self._thread.join()

    def report(self, frame: Frame, findings: Sequence[Finding], labels: tuple[str, ...]) -> None:
        """Take what rules report of `frame`; returns at once. `labels` are the classes' names."""
        with self._lock:
            self._open.update(finding.task_id for finding in findings)
        self._snapshots.put(_Snapshot(frame, findings, labels))

    def acknowledge(self, event_id: EventId) -> None:
        """Forget an event that the daemon has stored; one not known is fine."""
        with self._lock:
            task_id = self._unacknowledged.pop(event_id, None)
            if task_id is not None:
                self._settle(task_id)
        self._on_room()

    def open_events(self, task_id: TaskId | None = None) -> int:
        """Return how many events of the task, or of all, the daemon has not stored yet."""
        with self._lock:
            return self._open.total() if task_id is None else self._open[task_id]

    def _run(self) -> None:
        while (snapshot := self._snapshots.get()) is not None:
            self._make_events(snapshot)
            self._on_room()

    def _make_events(self, snapshot: _Snapshot) -> None:
        full = _jpeg(snapshot.frame.picture)
        for finding in snapshot.findings:
            with Contained("event", partial(self._give_up, finding.task_id), self._clock):
                event = compose(snapshot.frame, finding, snapshot.labels, full)
                with self._lock:
                    self._unacknowledged[event.event_id] = event.task_id
                self._emit(event)

    def _give_up(self, task_id: TaskId, fault: Fault) -> None:
        with self._lock:
            self._settle(task_id)
        self._on_fault(task_id, fault)

    def _settle(self, task_id: TaskId) -> None:
        self._open[task_id] -= 1
        if not self._open[task_id]:
            del self._open[task_id]


def compose(frame: Frame, finding: Finding, labels: tuple[str, ...], full: bytes) -> RaisedEvent:
    """Return the event for `finding`; `full` is the JPEG of the whole picture."""
    hit, picture = finding.hit, frame.picture
    width, height = picture.width, picture.height
    return RaisedEvent(
        event_id=EventId(str(uuid.uuid4())),
        task_id=finding.task_id,
        revision=finding.revision,
        rule_index=hit.rule_index,
        area_id=hit.area_id,
        direction=hit.direction,
        received_at=frame.received_at,
        received=frame.received,
        width=width,
        height=height,
        pts=frame.pts,
        targets=tuple(_target(track, labels, width, height) for track in hit.tracks),
        full_image=full,
        crop_image=_jpeg(picture, crop_region(hit.tracks[0].box, width, height)) if full else b"",
    )


def _jpeg(picture: Picture, crop: tuple[int, int, int, int] | None = None) -> bytes:
    """Return a JPEG, empty if none can be made of the picture."""
    try:
        return picture.jpeg(crop)
    except Exception:
        # Whatever a decoder's picture or an encoder has against it: the event is worth more.
        logger.exception("what=snapshot the event goes without its picture")
        return b""


def crop_region(box: Pixels, width: int, height: int) -> tuple[int, int, int, int]:
    """Return x1, y1, x2, y2 of `box` with its margin, inside the picture, in whole pixels."""
    x1, y1, x2, y2 = box
    side, top = CROP_MARGIN * (x2 - x1), CROP_MARGIN * (y2 - y1)
    left, right = _clamp(x1 - side, width), _clamp(x2 + side, width)
    upper, lower = _clamp(y1 - top, height), _clamp(y2 + top, height)
    return math.floor(left), math.floor(upper), math.ceil(right), math.ceil(lower)


def relative_box(box: Pixels, width: int, height: int) -> Pixels:
    """Return x, y, width, height of the part of `box` inside the picture, as fractions of it."""
    left, right = _clamp(box[0], width) / width, _clamp(box[2], width) / width
    upper, lower = _clamp(box[1], height) / height, _clamp(box[3], height) / height
    return left, upper, right - left, lower - upper


def _target(track: Track, labels: tuple[str, ...], width: int, height: int) -> Target:
    return Target(
        track_id=track.track_id,
        label=labels[track.label_index],
        score=track.score,
        box=relative_box(track.box, width, height),
    )


def _clamp(value: float, limit: float) -> float:
    return min(max(value, 0.0), limit)
