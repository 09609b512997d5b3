"""Precision and recall of detections against ground truth."""

import csv
from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Corners = NDArray[np.float64]
"""(n, 4) x1, y1, x2, y2 in pixels."""


class Scores(NamedTuple):
    """How many of the detections and of the objects have found each other."""

    matched: int
    detections: int
    objects: int

    @property
    def precision(self) -> float:
        """Share of the detections that are objects."""
        return self.matched / self.detections if self.detections else 1.0

    @property
    def recall(self) -> float:
        """Share of the objects that were detected."""
        return self.matched / self.objects if self.objects else 1.0

    def plus(self, other: "Scores") -> "Scores":
        """Return the scores of both together."""
        return Scores(*(mine + theirs for mine, theirs in zip(self, other, strict=True)))


def read_ground_truth(path: Path) -> dict[int, Corners]:
    """Return the objects of each picture by its index, from lines `frame,id,x,y,w,h,use`.

    Frames count from 1, so that frame k is picture k - 1; lines with `use` 0 are left out.
    """
    boxes: defaultdict[int, list[tuple[float, ...]]] = defaultdict(list)
    with path.open(newline="") as lines:
        for frame, _, *numbers in csv.reader(lines):
            x, y, width, height, use = map(float, numbers)
            if use:
                boxes[int(frame) - 1].append((x, y, x + width, y + height))
    return {index: np.array(rows) for index, rows in boxes.items()}


def score(
    truth: Mapping[int, Corners], found: Mapping[int, Corners], min_iou: float = 0.5
) -> Scores:
    """Return the scores over the pictures of `truth`; `found` is in descending order of score."""
    total = Scores(0, 0, 0)
    for index, objects in truth.items():
        detections = found[index]
        matched = _count_matches(objects, detections, min_iou)
        total = total.plus(Scores(matched, len(detections), len(objects)))
    return total


def _count_matches(objects: Corners, detections: Corners, min_iou: float) -> int:
    """Give each detection in turn the free object that it overlaps most."""
    free = list(objects)
    matched = 0
    for box in detections:
        overlaps = [intersection_over_union(box, other) for other in free]
        if overlaps and max(overlaps) >= min_iou:
            free.pop(int(np.argmax(overlaps)))
            matched += 1
    return matched


def intersection_over_union(left: Corners, right: Corners) -> float:
    """Return the share of their area that two boxes, (4,) x1, y1, x2, y2, have in common."""
    width = min(left[2], right[2]) - max(left[0], right[0])
    height = min(left[3], right[3]) - max(left[1], right[1])
    shared = max(width, 0.0) * max(height, 0.0)
    areas = sum((box[2] - box[0]) * (box[3] - box[1]) for box in (left, right))
    return float(shared / (areas - shared))
