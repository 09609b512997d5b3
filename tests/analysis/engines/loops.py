"""Suppression and the YOLO heads as a textbook writes them: one box at a time, plain floats."""

import math
from collections.abc import Iterator, Sequence
from typing import NamedTuple

Row = Sequence[float]


class Box(NamedTuple):
    """One detection in pixels of the model's input."""

    x1: float
    y1: float
    x2: float
    y2: float
    score: float
    label: int


def yolox(rows: Sequence[Row], side: int, threshold: float) -> Iterator[Box]:
    """Decode rows relative to their cells, strides 8, 16, 32."""
    cells = [
        (column, line, stride)
        for stride in (8, 16, 32)
        for line in range(side // stride)
        for column in range(side // stride)
    ]
    for (column, line, stride), row in zip(cells, rows, strict=True):
        middle = ((row[0] + column) * stride, (row[1] + line) * stride)
        size = (math.exp(row[2]) * stride, math.exp(row[3]) * stride)
        yield from best([*middle, *size], [row[4] * value for value in row[5:]], threshold)


def yolov5(rows: Sequence[Row], threshold: float) -> Iterator[Box]:
    """Decode rows of box, objectness, classes."""
    for row in rows:
        yield from best(row[:4], [row[4] * value for value in row[5:]], threshold)


def yolov8(rows: Sequence[Row], threshold: float) -> Iterator[Box]:
    """Decode rows of box, classes."""
    for row in rows:
        yield from best(row[:4], row[4:], threshold)


def best(box: Row, scores: Sequence[float], threshold: float) -> Iterator[Box]:
    """Yield the box with its best class if that reaches the threshold."""
    x, y, width, height = box
    score = max(scores)
    if score >= threshold:
        corners = (x - width / 2, y - height / 2, x + width / 2, y + height / 2)
        yield Box(*corners, score, list(scores).index(score))


def suppress(boxes: Sequence[Box], iou: float, *, across_classes: bool) -> list[Box]:
    """Return what stays, best first."""
    kept: list[Box] = []
    for box in sorted(boxes, key=lambda box: -box.score):
        rivals = [other for other in kept if across_classes or other.label == box.label]
        if all(overlap(box, other) <= iou for other in rivals):
            kept.append(box)
    return kept


def overlap(left: Box, right: Box) -> float:
    """Return the intersection over union."""
    width = min(left.x2, right.x2) - max(left.x1, right.x1)
    height = min(left.y2, right.y2) - max(left.y1, right.y1)
    shared = max(width, 0.0) * max(height, 0.0)
    areas = sum((box.x2 - box.x1) * (box.y2 - box.y1) for box in (left, right))
    return shared / (areas - shared)
