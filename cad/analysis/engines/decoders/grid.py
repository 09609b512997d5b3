"""The cells that anchor-free heads predict for: one per stride and place, row by row."""

from dataclasses import dataclass

import numpy as np

from cad.domain.decoders import Floats

STRIDE_SETS = ((8, 16, 32), (8, 16, 32, 64), (4, 8, 16, 32))
"""Strides in the order in which heads concatenate their cells; the first that fits is taken."""


@dataclass(frozen=True, slots=True)
class Grid:
    """Every cell of a head, in the order of the model's output."""

    corners: Floats
    """(M, 2) column and row of each cell on its own stride's grid."""
    strides: Floats
    """(M, 1) pixels of the model's input per cell."""

    @property
    def centres(self) -> Floats:
        """(M, 2) x, y of the middle of each cell in pixels of the model's input."""
        return (self.corners + np.float32(0.5)) * self.strides


def cell_count(width: int, height: int, strides: tuple[int, ...]) -> int:
    """Return how many cells an input of `width` × `height` pixels has."""
    return sum(-(-width // stride) * -(-height // stride) for stride in strides)


def matching_strides(width: int, height: int, cells: int) -> tuple[int, ...] | None:
    """Return the usual strides that make `cells` cells, None if none does."""
    for strides in STRIDE_SETS:
        if cell_count(width, height, strides) == cells:
            return strides
    return None


def expected_counts(width: int, height: int, anchors: int = 1) -> str:
    """Return in words how many cells an input of this size may have."""
    counts = (anchors * cell_count(width, height, strides) for strides in STRIDE_SETS)
    return " or ".join(map(str, counts))


def make_grid(width: int, height: int, strides: tuple[int, ...]) -> Grid:
    """Return the cells of all `strides`, one stride after the other."""
    corners, steps = [], []
    for stride in strides:
        rows, columns = np.mgrid[: -(-height // stride), : -(-width // stride)]
        corners.append(np.stack((columns, rows), axis=-1).reshape(-1, 2))
        steps.append(np.full((columns.size, 1), stride))
    return Grid(
        np.concatenate(corners).astype(np.float32), np.concatenate(steps).astype(np.float32)
    )
