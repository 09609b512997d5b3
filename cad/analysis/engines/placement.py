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
    scale = np.tile((width / inner_width, height / inner_height), 2)
    corners = (found.boxes - np.tile((left, top), 2)) * scale
    np.clip(corners, 0, np.tile((width, height), 2), out=corners)
    columns = (corners, found.scores[:, None], found.classes[:, None])
    boxes = np.concatenate(columns, axis=1).astype(np.float32)
    visible = (boxes[:, 2] > boxes[:, 0]) & (boxes[:, 3] > boxes[:, 1])
    return boxes[visible]
