import pytest

from cad.analysis.engines.decoders.grid import cell_count, make_grid, matching_strides


def test_cells_run_row_by_row_and_stride_by_stride() -> None:
    grid = make_grid(64, 32, (16, 32))
    assert grid.corners[:5].tolist() == [[0, 0], [1, 0], [2, 0], [3, 0], [0, 1]]
    assert grid.strides[:, 0].tolist() == [16] * 8 + [32] * 2
    assert grid.centres[0].tolist() == [8, 8]
    assert grid.centres[-1].tolist() == [48, 16]


@pytest.mark.parametrize(
    ("width", "height", "cells", "strides"),
    [
        (416, 416, 3549, (8, 16, 32)),
        (640, 640, 8400, (8, 16, 32)),
        (1280, 1280, 34000, (8, 16, 32, 64)),
        (640, 640, 34000, (4, 8, 16, 32)),
        (640, 640, 8401, None),
    ],
)
def test_the_number_of_cells_tells_the_strides(
    width: int, height: int, cells: int, strides: tuple[int, ...] | None
) -> None:
    assert matching_strides(width, height, cells) == strides


def test_a_side_that_is_no_multiple_has_a_partial_cell() -> None:
    assert cell_count(100, 60, (32,)) == 4 * 2
    assert len(make_grid(100, 60, (32,)).corners) == 8
