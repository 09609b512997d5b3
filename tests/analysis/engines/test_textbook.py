"""Boxes of the product equal those of the vendor's plain model run as textbooks do it.

The two must scale alike. A triangle filter over all covered source pixels, applied to luma and
chroma each at their own size, with chroma where H.264 places it, is what libswscale does with
`BILINEAR | ACCURATE_RND` into planes (`gbrp`); into packed BGR it needs `FULL_CHR_H_INT |
FULL_CHR_H_INP` too, and is then the same bit for bit. Converting at full size first and scaling
RGB afterwards is another filter: chroma differs at edges by up to 46 units, boxes by up to 7
pixels.

The INT8 model tells any two filters apart: one unit in 1 % of the pixels moves some boxes by
several pixels, with the plain model as well. For it the textbook therefore gets the same scaled
pixels, the float model also those of an exact filter written here, which libswscale meets to one
unit.
"""

from collections.abc import Mapping

import numpy as np
import onnxruntime
import pytest
from av import VideoFrame
from numpy.typing import NDArray

from benchmarks.installed import model_of
from benchmarks.textbook import SCALING, SIZE, TextbookNanoDet
from cad.analysis.engines.onnx_engine import OnnxEngine
from cad.analysis.engines.surface_engine import BT601
from cad.analysis.ingest.picture import AvPicture
from cad.domain.frames import Boxes
from tests.analysis.engines.conftest import INDICES
from tests.analysis.engines.matching import assert_close
from tests.analysis.engines.surfaces import Plane, yuv_planes

THRESHOLD = 0.4
CHROMA_SITING = 0.25


def detect(engine: OnnxEngine, frame: VideoFrame) -> Boxes:
    picture = AvPicture(frame)
    size = (picture.width, picture.height)
    return engine.infer([picture.planes(engine.layout)], [size], THRESHOLD)[0]


@pytest.mark.parametrize("index", INDICES)
def test_the_float_model_gives_the_boxes_of_the_textbook(
    index: int, frames: Mapping[int, VideoFrame], fp32: OnnxEngine
) -> None:
    plain = TextbookNanoDet(model_of("person_detect_fp32"))
    assert_close(
        detect(fp32, frames[index]), plain.detect(frames[index], THRESHOLD), pixels=0.01, score=1e-5
    )


@pytest.mark.parametrize("index", INDICES)
def test_the_int8_model_gives_the_boxes_of_the_textbook(
    index: int, frames: Mapping[int, VideoFrame], int8: OnnxEngine
) -> None:
    plain = TextbookNanoDet(model_of("person_detect"))
    assert_close(
        detect(int8, frames[index]), plain.detect(frames[index], THRESHOLD), pixels=0.01, score=1e-5
    )


@pytest.mark.parametrize("index", INDICES)
def test_an_exact_filter_gives_the_same_boxes(
    index: int, frames: Mapping[int, VideoFrame], fp32: OnnxEngine
) -> None:
    frame = frames[index]
    plain = TextbookNanoDet(model_of("person_detect_fp32"))
    expected = plain.detect_scaled(exactly_scaled(frame), (frame.width, frame.height), THRESHOLD)
    assert_close(detect(fp32, frame), expected)


@pytest.mark.parametrize("index", INDICES)
def test_a_model_with_suppression_inside_gives_the_boxes_of_the_textbook(
    index: int, frames: Mapping[int, VideoFrame], ssd: OnnxEngine
) -> None:
    frame = frames[index]
    session = onnxruntime.InferenceSession(
        model_of("pedestrian_ssd"), providers=["CPUExecutionProvider"]
    )
    image = frame.reformat(300, 300, "rgb24", interpolation=SCALING).to_ndarray()
    names = ["detection_boxes:0", "detection_scores:0"]
    boxes, scores = session.run(names, {"image_tensor:0": image[None]})
    corners = boxes[0][:, [1, 0, 3, 2]].clip(0, 1) * ((frame.width, frame.height) * 2)
    expected = np.column_stack((corners, scores[0]))
    assert_close(detect(ssd, frame), expected[scores[0] >= THRESHOLD], pixels=0.01, score=1e-5)


def exactly_scaled(frame: VideoFrame) -> NDArray[np.uint8]:
    """Return (H, W, 3) uint8 BGR that fits the model's input, computed in double precision."""
    scale = SIZE / max(frame.width, frame.height)
    width, height = round(frame.width * scale), round(frame.height * scale)
    sitings = (0.0, CHROMA_SITING, CHROMA_SITING)
    scaled = [
        triangle(plane.shape[0], height, 0) @ plane @ triangle(plane.shape[1], width, siting).T
        for plane, siting in zip(yuv_planes(frame), sitings, strict=True)
    ]
    rgb = np.einsum("cp,phw->hwc", BT601[:, :3], np.stack(scaled)) + BT601[:, 3]
    bgr: NDArray[np.uint8] = rgb[..., ::-1].round().clip(0, 255).astype(np.uint8)
    return bgr


def triangle(source: int, target: int, siting: float) -> Plane:
    """Return (target, source): the share of each source pixel in each target pixel."""
    scale = source / target
    centres = (np.arange(target) + 0.5) * scale - 0.5 + siting
    distances = np.abs(np.arange(source) - centres[:, None]) / max(scale, 1)
    weights: Plane = (1 - distances).clip(0)
    weights /= weights.sum(axis=1, keepdims=True)
    return weights
