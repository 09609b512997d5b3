"""Both forms of a compiled model give the same boxes."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from av import VideoFrame
from msgspec.structs import replace as replace_struct
from numpy.typing import NDArray
from onnx import TensorProto

from benchmarks.installed import manifest_of, model_of
from cad.analysis.engines.compiler import check_model, compile_model, compile_surface
from cad.analysis.engines.onnx_engine import open_engine
from cad.analysis.engines.package import write_package
from cad.analysis.engines.session import CPU
from cad.analysis.engines.surface_engine import open_surface_engine
from cad.analysis.ingest.picture import AvPicture
from cad.base.errors import UnavailableError
from cad.domain.frames import Align, Boxes, Color, Resize
from cad.domain.ids import ServiceId
from cad.domain.models import ModelSpec, NmsScope, PreparedModel
from cad.domain.packages import ServiceOrder, ServiceSettings
from tests.analysis.engines.conftest import INDICES
from tests.analysis.engines.matching import assert_close
from tests.analysis.engines.surfaces import nv12
from tests.analysis.engines.toys import CELLS, Arrays, head_model, random_rows, save, spec

THRESHOLD = 0.4


class BothForms:
    """One model compiled both ways."""

    def __init__(self, model: Path, spec: ModelSpec, folder: Path) -> None:
        checked = check_model(model, spec, CPU)
        package = replace_struct(compile_model(checked, folder), has_surface=True)
        write_package(folder, package, checked.planes, compile_surface(checked))
        order = order_of(spec, folder)
        self.planes = open_engine(order, "cpu")
        self.surface = open_surface_engine(order, "cpu")

    def detect(self, frame: VideoFrame) -> tuple[Boxes, Boxes]:
        """Return the boxes of the planes form and of the surface form."""
        picture = AvPicture(frame)
        size = (picture.width, picture.height)
        planes = self.planes.infer([picture.planes(self.planes.layout)], [size], THRESHOLD)
        return planes[0], self.surface.infer(*nv12(frame), THRESHOLD)[0]


def order_of(spec: ModelSpec, folder: Path) -> ServiceOrder:
    prepared = PreparedModel(
        digest="", provider=CPU, compiled_dir=str(folder), cpu_seconds_per_frame=0, sample_boxes=0
    )
    return ServiceOrder(
        service_id=ServiceId("both"), model=spec, settings=ServiceSettings(), prepared=prepared
    )


@pytest.fixture(scope="module")
def nanodet(tmp_path_factory: pytest.TempPathFactory) -> BothForms:
    """Return the float model that ships."""
    manifest = manifest_of("person_detect_fp32").model
    return BothForms(model_of("person_detect_fp32"), manifest, tmp_path_factory.mktemp("both"))


@pytest.mark.parametrize("index", INDICES)
def test_a_picture_of_the_clip(
    index: int, frames: Mapping[int, VideoFrame], nanodet: BothForms
) -> None:
    assert_close(*nanodet.detect(frames[index]))


@pytest.mark.parametrize("index", INDICES[::3])
def test_a_centred_letterbox_with_grey_borders(
    index: int, frames: Mapping[int, VideoFrame], tmp_path: Path
) -> None:
    manifest = manifest_of("person_detect_fp32").model
    wanted = replace(manifest.input, align=Align.CENTER, pad_value=114)
    both = BothForms(model_of("person_detect_fp32"), replace(manifest, input=wanted), tmp_path)
    assert_close(*both.detect(frames[index]))


@pytest.mark.parametrize("index", INDICES[::3])
def test_suppression_in_the_vendors_graph(
    index: int, frames: Mapping[int, VideoFrame], tmp_path: Path
) -> None:
    both = BothForms(model_of("pedestrian_ssd"), manifest_of("pedestrian_ssd").model, tmp_path)
    assert_close(*both.detect(frames[index]))


def yolox_rows() -> NDArray[np.float32]:
    rows = np.random.default_rng(2).uniform(-1, 1, (1, CELLS, 8)).astype(np.float32)
    rows[..., 4:] = np.abs(rows[..., 4:]) ** 0.3
    return rows


HEADS: Mapping[str, Arrays] = {
    "yolox": {"output": yolox_rows()},
    "yolov5": {"output": random_rows(8, rows=3 * CELLS)},
    "yolov8": {"output": random_rows(7).transpose(0, 2, 1)},
    "nanodet": {
        "scores": random_rows(7)[..., 4:],
        "dist": np.random.default_rng(3).uniform(-1, 4, (1, CELLS, 32)).astype(np.float32),
    },
}


@pytest.mark.parametrize("scope", list(NmsScope))
@pytest.mark.parametrize("decoder", list(HEADS))
def test_every_decoder_says_the_same_in_the_graph(
    decoder: str, scope: NmsScope, tmp_path: Path, frames: Mapping[int, VideoFrame]
) -> None:
    model = save(head_model(HEADS[decoder]), tmp_path)
    planes, surface = BothForms(model, spec(decoder, nms=scope), tmp_path).detect(frames[0])
    assert len(planes) > 5
    assert surface[np.lexsort(surface.T)] == pytest.approx(planes[np.lexsort(planes.T)], abs=1e-2)


@pytest.mark.parametrize("resize", list(Resize))
@pytest.mark.parametrize("color", list(Color))
def test_surfaces_of_any_size_in_one_session(
    resize: Resize, color: Color, tmp_path: Path, frames: Mapping[int, VideoFrame]
) -> None:
    wanted = spec("yolov8", input=replace(spec("yolov8").input, resize=resize, color=color))
    both = BothForms(save(head_model(HEADS["yolov8"]), tmp_path), wanted, tmp_path)
    for width, height in ((768, 576), (1280, 720), (350, 288)):
        planes, surface = both.detect(frames[0].reformat(width, height))
        assert surface[:, :4] == pytest.approx(planes[:, :4], abs=0.1)


def test_a_batch_of_surfaces_keeps_its_order(
    frames: Mapping[int, VideoFrame], nanodet: BothForms
) -> None:
    surfaces = [nv12(frames[index]) for index in (0, 520)]
    luma, chroma = (np.concatenate(parts) for parts in zip(*surfaces, strict=True))
    together = nanodet.surface.infer(luma, chroma, THRESHOLD)
    for boxes, surface in zip(together, surfaces, strict=True):
        assert_close(boxes, nanodet.surface.infer(*surface, THRESHOLD)[0], pixels=0.1)


def test_a_package_compiled_for_a_cpu_has_no_surface_form(tmp_path: Path) -> None:
    model = save(head_model(HEADS["yolov8"]), tmp_path)
    compile_model(check_model(model, spec("yolov8"), CPU), tmp_path)
    with pytest.raises(UnavailableError, match="service both was not compiled for surfaces"):
        open_surface_engine(order_of(spec("yolov8"), tmp_path), "cpu")


def test_a_model_that_cannot_take_surfaces_is_served_without(tmp_path: Path) -> None:
    half = {"output": random_rows(7).astype(np.float16)}
    model = head_model(half)
    model.graph.output[0].type.tensor_type.elem_type = TensorProto.FLOAT16
    assert compile_surface(check_model(save(model, tmp_path), spec("yolov8"), CPU)) is None
