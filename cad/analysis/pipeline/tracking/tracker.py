"""The life of tracked objects: found, confirmed, lost for a while, ended."""

from collections.abc import Callable
from dataclasses import dataclass
from itertools import count

import numpy as np
from numpy.typing import NDArray

from cad.analysis.pipeline.tracking.association import assign, overlaps
from cad.analysis.pipeline.tracking.motion import Array, Motion, Rows
from cad.analysis.pipeline.tracking.rhythm import Rhythm
from cad.domain.frames import Boxes

LEAST_FIT = 0.2
"""Overlap that a box of a high score needs with where its object is expected."""
LEAST_WIDE_FIT = 0.25
"""The same when both are grown by the doubt about the place."""
LEAST_WEAK_FIT = 0.5
"""The same for a box of a low score: it may be no object at all."""
MARGIN_LIMIT = 0.25
"""A box grows by its doubt before it is compared, at most by this fraction of its height."""

SELDOM = 0.9
"""Seconds between pictures from which nobody waits for the second sight of an object: one a second,
less what pictures lie off their moment."""
CLEAR = 0.1
"""How far above the score that begins a track one must be to be believed at first sight."""

TENTATIVE = 0
"""The id of an object that is not believed yet; the second sight gives it one."""


@dataclass(frozen=True, slots=True)
class Track:
    """An object as it was seen in one picture."""

    track_id: int
    """From 1, unique and never used again during the life of its tracker."""
    box: tuple[float, float, float, float]
    """x1, y1, x2, y2 in pixels of the source picture, as detected."""
    score: float
    label_index: int


@dataclass(slots=True)
class _Objects:
    """What is known of n objects besides their motion; element i of each is the same object."""

    ids: NDArray[np.int64]
    labels: NDArray[np.int64]
    seen: Array
    """When each was seen last."""

    def take(self, rows: Rows) -> "_Objects":
        return _Objects(self.ids[rows], self.labels[rows], self.seen[rows])

    def join(self, other: "_Objects") -> "_Objects":
        return _Objects(
            np.concatenate([self.ids, other.ids]),
            np.concatenate([self.labels, other.labels]),
            np.concatenate([self.seen, other.seen]),
        )


class Tracker:
    """Follows the objects of one stream."""

    def __init__(self, high: float, low: float = 0.1) -> None:
        """Begin with an empty scene.

        Args:
            high: score from which a box may begin a track.
            low: score from which a box may continue one.
        """
        self._high, self._low, self._rhythm = high, low, Rhythm()
        self._next_id = count(1)
        self._time = 0.0
        self._clear()

    def update(self, boxes: Boxes, time: float) -> list[Track]:
        """Take the boxes of the next picture; return the confirmed objects seen in it.

        Args:
            boxes: (n, 6) as `Boxes` says.
            time: seconds on the stream's time line. A step back is a new scene: all tracks end.
        """
        self._advance(time)
        boxes = boxes[boxes[:, 4] >= self._low]
        rows, columns = self._associate(boxes)
        self._see(rows, boxes[columns], time)
        fresh = boxes[:, 4] >= self._high
        fresh[columns] = False
        tracks = _tracks(self._objects.ids[rows], boxes[columns])
        self._drop_false_starts(rows)
        return tracks + self._begin(boxes[fresh], time)

    def _clear(self) -> None:
        none = np.zeros(0, np.int64)
        self._objects = _Objects(none, none, np.zeros(0))
        self._motion = Motion.start(np.zeros((0, 4)))

    def _advance(self, time: float) -> None:
        """End what was out of sight for too long and move the rest to `time`."""
        if time < self._time:
            self._clear()
        self._rhythm.note(time)
        self._keep(np.flatnonzero(time - self._objects.seen <= self._rhythm.lost_seconds))
        self._motion.predict(max(0.0, time - self._time))
        self._time = time

    def _keep(self, rows: Rows) -> None:
        if len(rows) < len(self._objects.ids):
            self._objects, self._motion = self._objects.take(rows), self._motion.take(rows)

    def _associate(self, boxes: Boxes) -> tuple[Rows, Rows]:
        """Return the rows of objects and of boxes that belong together."""
        detected = boxes[:, :4].astype(np.float64)
        allowed = self._objects.labels[:, None] == boxes[:, 5].astype(np.int64)
        strong = boxes[:, 4] >= self._high
        near = overlaps(expected := self._motion.boxes, detected)
        known = (self._objects.ids != TENTATIVE)[:, None]

        def wide() -> Array:
            return overlaps(expected, detected, self._margin())

        stages: tuple[tuple[Callable[[], Array], NDArray[np.bool_], float], ...] = (
            (lambda: near, allowed & strong, LEAST_FIT),
            (wide, allowed & strong, LEAST_WIDE_FIT),
            (lambda: near, allowed & known & ~strong, LEAST_WEAK_FIT),
        )
        rows, columns = np.zeros(0, np.intp), np.zeros(0, np.intp)
        for fit, admitted, least in stages:
            admitted[rows], admitted[:, columns] = False, False
            if not admitted.any():
                continue
            more_rows, more_columns = assign(np.where(admitted, fit(), 0.0), least)
            rows = np.concatenate([rows, more_rows])
            columns = np.concatenate([columns, more_columns])
        return rows, columns

    def _margin(self) -> Array:
        """Return (n, 2) by how much a box is grown where it has to be sought wide."""
        return np.minimum(self._motion.doubt, MARGIN_LIMIT * self._motion.position[:, 3:])

    def _see(self, rows: Rows, boxes: Boxes, time: float) -> None:
        self._motion.correct(rows, boxes[:, :4].astype(np.float64))
        self._objects.seen[rows] = time
        for row in rows[self._objects.ids[rows] == TENTATIVE]:
            self._objects.ids[row] = next(self._next_id)

    def _drop_false_starts(self, seen: Rows) -> None:
        """Forget objects that were not seen a second time at once."""
        wanted = self._objects.ids != TENTATIVE
        wanted[seen] = True
        self._keep(np.flatnonzero(wanted))

    def _begin(self, boxes: Boxes, time: float) -> list[Track]:
        """Take `boxes` as objects seen for the first time; return those believed at once."""
        if not len(boxes):
            return []
        clear = boxes[:, 4] >= self._high + CLEAR
        believed = clear & (self._rhythm.interval >= SELDOM)
        ids = np.array([next(self._next_id) if each else TENTATIVE for each in believed])
        begun = _Objects(ids, boxes[:, 5].astype(np.int64), np.full(len(boxes), time))
        self._objects = self._objects.join(begun)
        self._motion = self._motion.join(Motion.start(boxes[:, :4].astype(np.float64)))
        return _tracks(ids[believed], boxes[believed])


def _tracks(ids: NDArray[np.int64], boxes: Boxes) -> list[Track]:
    return [
        Track(track_id, (x1, y1, x2, y2), score, int(label))
        for track_id, (x1, y1, x2, y2, score, label) in zip(
            ids.tolist(), boxes.tolist(), strict=True
        )
    ]
