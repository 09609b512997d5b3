"""What a real detector saw in the clip of pedestrians: recorded boxes, and who is where.

The boxes are those of NanoDet-g (person, score from 0.1, IoU 0.6), one set for each of the 795
pictures of the clip, which has 768 × 576 pixels and ten pictures a second.
"""

from pathlib import Path

import numpy as np

from cad.domain.frames import Boxes

WIDTH, HEIGHT, RATE, PICTURES = 768, 576, 10, 795

_RECORDED = Path(__file__).parents[2] / "vectors" / "pedestrians_detections.npz"


def detections() -> list[Boxes]:
    """Return the boxes of every picture."""
    with np.load(_RECORDED) as recorded:
        frame = recorded["frame"]
        place, score = recorded["box"] / 8, recorded["score"][:, None] / 255
    rows = np.hstack([place, score, np.zeros_like(score)]).astype(np.float32)
    return [rows[frame == number] for number in range(PICTURES)]
