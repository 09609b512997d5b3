"""From pixels of a model's input back to pixels of the source picture."""

import numpy as np

from cad.domain.decoders import Candidates
from cad.domain.frames import Boxes, PlaneLayout


def to_source(found: Candidates, layout: PlaneLayout, size: tuple[int, int]) -> Boxes:
    """Return `found` as boxes of the source picture, clipped to it; what lies outside is left out.

    Args:
        found: boxes in pixels of the model's input.
        layout: how the picture was placed there.
        size: width and height of the source picture.
    """
    width, height = size
    left, top, inner_width, inner_height = layout.placement(width, height)
    across, down = width / inner_width, height / inner_height
    corners = found.boxes - np.array((left, top, left, top), np.float64)
    corners *= (across, down, across, down)
    np.maximum(corners, 0, out=corners)
    np.minimum(corners, (width, height, width, height), out=corners)
    boxes = np.empty((len(corners), 6), np.float32)
    boxes[:, :4], boxes[:, 4], boxes[:, 5] = corners, found.scores, found.classes
    visible = (boxes[:, 2] > boxes[:, 0]) & (boxes[:, 3] > boxes[:, 1])
    return boxes[visible]
