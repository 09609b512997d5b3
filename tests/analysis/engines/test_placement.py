import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cad.analysis.engines.placement import to_source
from cad.domain.decoders import Candidates
from cad.domain.frames import Align, Color, PlaneLayout, Resize


def layout(resize: Resize, align: Align) -> PlaneLayout:
    return PlaneLayout(
        width=416, height=320, resize=resize, align=align, color=Color.RGB, pad_value=0
    )


def one(*corners: float) -> Candidates:
    box = np.array([corners], dtype=np.float32)
    return Candidates(box, np.array([0.9], dtype=np.float32), np.array([2]))


@given(
    resize=st.sampled_from(Resize),
    align=st.sampled_from(Align),
    width=st.integers(2, 8000),
    height=st.integers(2, 8000),
)
def test_the_placed_picture_comes_back_as_the_whole_source(
    resize: Resize, align: Align, width: int, height: int
) -> None:
    place = layout(resize, align)
    x, y, inner_width, inner_height = place.placement(width, height)
    found = to_source(one(x, y, x + inner_width, y + inner_height), place, (width, height))
    assert found[0] == pytest.approx([0, 0, width, height, 0.9, 2], abs=1e-3 * max(width, height))


def test_boxes_are_clipped_to_the_source() -> None:
    found = to_source(one(-20, 10, 500, 50), layout(Resize.STRETCH, Align.CENTER), (832, 640))
    assert found[0, :4].tolist() == [0, 20, 832, 100]


def test_boxes_in_the_padding_are_left_out() -> None:
    place = layout(Resize.LETTERBOX, Align.TOP_LEFT)
    assert len(to_source(one(10, 250, 60, 300), place, (1920, 1080))) == 0
