from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from av import VideoFrame

from cad.analysis.engines.compiler import check_model, compile_model
from cad.analysis.engines.onnx_engine import OnnxEngine, open_engine
from cad.analysis.engines.session import CPU
from cad.analysis.ingest.picture import AvPicture
from cad.base.errors import BadValueError, UnavailableError
from cad.domain.frames import Planes
from cad.domain.ids import ServiceId
from cad.domain.models import EngineFailedError, ModelSpec, PreparedModel
from cad.domain.packages import ServiceOrder, ServiceSettings
from tests.analysis.engines.test_compiler import HEAD, batch_of_one
from tests.analysis.engines.toys import SIDE, head_model, random_rows, save, spec

GREY: Planes = np.full((3, SIDE, SIDE), 128, dtype=np.uint8)


def order(model: onnx.ModelProto, folder: Path, wanted: ModelSpec, **settings: Any) -> ServiceOrder:
    package = compile_model(check_model(save(model, folder), wanted, CPU), folder)
    prepared = PreparedModel(
        digest=package.digest,
        provider=CPU,
        compiled_dir=str(folder),
        cpu_seconds_per_frame=0.01,
        sample_boxes=0,
    )
    return ServiceOrder(
        service_id=ServiceId("toy"),
        model=wanted,
        settings=replace(ServiceSettings(), **settings),
        prepared=prepared,
    )


def test_settings_go_before_the_manifest(tmp_path: Path) -> None:
    plain = open_engine(order(head_model(HEAD), tmp_path, spec("yolov8")), "cpu")
    settings: dict[str, Any] = {"nms_iou": 0.0, "keep": ("class1",), "max_batch": 2}
    tuned = open_engine(order(head_model(HEAD), tmp_path, spec("yolov8"), **settings), "cpu")
    every, some = (engine.infer([GREY], [(64, 64)], 0.3)[0] for engine in (plain, tuned))
    assert (plain.max_batch, tuned.max_batch) == (8, 2)
    assert set(some[:, 5]) == {1.0}
    assert 0 < len(some) < np.count_nonzero(every[:, 5] == 1)


def test_the_threshold_comes_with_the_call(tmp_path: Path) -> None:
    engine = open_engine(order(head_model(HEAD), tmp_path, spec("yolov8")), "cpu")
    low, high = (engine.infer([GREY], [(64, 64)], threshold)[0] for threshold in (0.2, 0.7))
    assert np.array_equal(low[low[:, 4] >= 0.7], high)
    assert (np.diff(low[:, 4]) <= 0).all()


@pytest.mark.parametrize("model", [head_model(HEAD), batch_of_one()])
def test_each_picture_of_a_batch_gets_its_own_boxes(model: onnx.ModelProto, tmp_path: Path) -> None:
    engine = open_engine(order(model, tmp_path, spec("yolov8")), "cpu")
    once, twice = engine.infer([GREY, GREY], [(64, 64), (128, 128)], 0.3)
    assert len(once) > 5
    assert twice[:, :4] == pytest.approx(2 * once[:, :4])


def test_a_batch_of_pictures_gives_what_each_gives_alone(
    frames: Mapping[int, VideoFrame], fp32: OnnxEngine
) -> None:
    planes = [AvPicture(frame).planes(fp32.layout) for frame in frames.values()][:3]
    size = (768, 576)
    together = fp32.infer(planes, [size] * 3, 0.4)
    for picture, boxes in zip(planes, together, strict=True):
        assert boxes == pytest.approx(fp32.infer([picture], [size], 0.4)[0], abs=1e-2)


def test_threads_share_the_engine(frames: Mapping[int, VideoFrame], int8: OnnxEngine) -> None:
    planes = [AvPicture(frame).planes(int8.layout) for frame in frames.values()]
    alone = [int8.infer([picture], [(768, 576)], 0.4)[0] for picture in planes]
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda picture: int8.infer([picture], [(768, 576)], 0.4)[0], planes))
    assert all(np.array_equal(left, right) for left, right in zip(found, alone, strict=True))


@pytest.mark.parametrize("decoder", ["yolox", "yolov8"])
@pytest.mark.parametrize("number", [np.nan, np.inf, -np.inf, 1e30])
def test_numbers_that_are_no_boxes_give_no_boxes(
    decoder: str, number: float, tmp_path: Path
) -> None:
    rows = random_rows(8 if decoder == "yolox" else 7)
    rows[..., :4] = number
    engine = open_engine(order(head_model({"output": rows}), tmp_path, spec(decoder)), "cpu")
    boxes = engine.infer([GREY], [(64, 64)], 0.3)[0]
    assert np.isfinite(boxes).all()


def test_pictures_of_another_size_fail_the_engine_not_the_process(tmp_path: Path) -> None:
    engine = open_engine(order(head_model(HEAD), tmp_path, spec("yolov8")), "cpu")
    with pytest.raises(EngineFailedError, match="inference failed on CPUExecutionProvider"):
        engine.infer([GREY[:, :32]], [(64, 64)], 0.3)


def test_a_closed_engine_says_so(tmp_path: Path) -> None:
    engine = open_engine(order(head_model(HEAD), tmp_path, spec("yolov8")), "cpu")
    engine.close()
    engine.close()
    with pytest.raises(EngineFailedError, match="closed"):
        engine.infer([GREY], [(64, 64)], 0.3)


def test_a_setting_that_names_no_label_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadValueError, match="keep"):
        open_engine(order(head_model(HEAD), tmp_path, spec("yolov8"), keep=("dog",)), "cpu")


def test_a_package_whose_graph_is_gone_is_unavailable(tmp_path: Path) -> None:
    wanted = order(head_model(HEAD), tmp_path, spec("yolov8"))
    (tmp_path / "model.onnx").write_bytes(b"no graph")
    with pytest.raises(UnavailableError, match="service toy cannot be loaded"):
        open_engine(wanted, "cpu")


def test_demanding_an_absent_device_is_unavailable(tmp_path: Path) -> None:
    wanted = order(head_model(HEAD), tmp_path, spec("yolov8"))
    with pytest.raises(UnavailableError, match="accelerator cuda"):
        open_engine(wanted, "cuda")
