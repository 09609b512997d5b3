from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

from cad.analysis.engines.compiler import CheckedModel, check_model, compile_model
from cad.analysis.engines.package import DESCRIPTION, SURFACE_FILE, read_package
from cad.analysis.engines.planes_form import PLANES
from cad.analysis.engines.session import CPU
from cad.base.errors import RefusedError, UnavailableError
from cad.domain.models import Layout, ModelInput, ModelSpec
from tests.analysis.engines.toys import (
    CELLS,
    SIDE,
    Arrays,
    echo_model,
    head_model,
    make_model,
    random_rows,
    save,
    spec,
)

HEAD: Arrays = {"output": random_rows(7)}


def check(model: onnx.ModelProto, folder: Path, wanted: ModelSpec) -> CheckedModel:
    return check_model(save(model, folder), wanted, CPU)


@pytest.mark.parametrize(
    ("axes", "found"),
    [
        (("N", 3, SIDE), r"images float \(N, 3, 64\)"),
        (("N", 1, SIDE, SIDE), r"images float \(N, 1, 64, 64\)"),
        (("N", SIDE, SIDE, 3), r"images float \(N, 64, 64, 3\)"),
        (("N", 3, 32, SIDE), r"images float \(N, 3, 32, 64\)"),
    ],
)
def test_another_input_is_refused_as_found(
    axes: Sequence[int | str], found: str, tmp_path: Path
) -> None:
    with pytest.raises(RefusedError, match=r"NCHW: N, 3, 64, 64.*" + found):
        check(head_model(HEAD, axes=axes), tmp_path, spec("yolov8"))


@pytest.mark.parametrize("axes", [("N", 3, "H", "W"), (1, 3, SIDE, SIDE), (-1, 3, -1, -1)])
def test_dynamic_sizes_become_those_of_the_manifest(
    axes: Sequence[int | str], tmp_path: Path
) -> None:
    checked = check(head_model(HEAD, axes=axes), tmp_path, spec("yolov8"))
    assert [str(output) for output in checked.outputs] == ["output float32 (1, 84, 7)"]


def test_an_input_of_another_type_is_refused(tmp_path: Path) -> None:
    model = echo_model((1, 3, SIDE, SIDE), TensorProto.INT64)
    with pytest.raises(RefusedError, match=r"the model has images int64"):
        check(model, tmp_path, spec("yolov8"))


def test_outputs_that_do_not_match_the_decoder_are_refused_as_found(tmp_path: Path) -> None:
    with pytest.raises(RefusedError, match=r"nanodet expects .*gives output float32 \(1, 84, 7\)"):
        check(head_model(HEAD), tmp_path, spec("nanodet"))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"decoder": "retina"}, r"model\.decoder: one of the decoders nanodet, ssd"),
        ({"task": "segment"}, r"model\.task: one of detect"),
        ({"keep": ("dog",)}, r"keep: names among the model's labels \(given: dog\)"),
        ({"input": ModelInput(width=9000, height=64)}, r"model\.input\.width: 8 to 4096 pixels"),
        ({"input": ModelInput(width=64, height=64, std=(1, 0, 1))}, r"model\.input\.std: no 0"),
    ],
)
def test_a_manifest_that_cannot_be_met_is_refused_by_member(
    changes: dict[str, Any], message: str, tmp_path: Path
) -> None:
    with pytest.raises(RefusedError, match=message):
        check(head_model(HEAD), tmp_path, replace(spec("yolov8"), **changes))


def test_an_unknown_operator_is_refused_in_the_words_of_onnxruntime(tmp_path: Path) -> None:
    model = head_model(HEAD)
    model.graph.node[0].op_type = "Teleport"
    with pytest.raises(RefusedError, match=r"onnxruntime can load.*Teleport"):
        check(model, tmp_path, spec("yolov8"))


def test_a_model_that_fails_while_it_runs_is_refused(tmp_path: Path) -> None:
    image = helper.make_tensor_value_info("images", TensorProto.FLOAT, ["N", 3, SIDE, SIDE])
    sizes = helper.make_tensor("sizes", TensorProto.INT64, [1], [7])
    node = helper.make_node("Reshape", ["images", "sizes"], ["output"])
    result = helper.make_tensor_value_info("output", TensorProto.FLOAT, None)
    model = make_model(helper.make_graph([node], "bad", [image], [result], [sizes]))
    with pytest.raises(RefusedError, match="runs on one picture of 64 × 64"):
        check(model, tmp_path, spec("yolov8"))


@pytest.mark.parametrize("layout", list(Layout))
@pytest.mark.parametrize("element", [TensorProto.FLOAT, TensorProto.FLOAT16])
def test_pixels_arrive_normalised_and_in_the_vendors_layout(
    layout: Layout, element: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("cad.analysis.engines.compiler.bind_decoder", lambda *_: None)
    axes = (1, 3, SIDE, SIDE) if layout is Layout.NCHW else (1, SIDE, SIDE, 3)
    wanted = ModelInput(
        width=SIDE, height=SIDE, layout=layout, mean=(10, 20, 30), std=(2.0, 4.0, 8.0)
    )
    checked = check(echo_model(axes, element), tmp_path, spec("yolov8", input=wanted))
    planes = np.random.default_rng(0).integers(0, 256, (1, 3, SIDE, SIDE), dtype=np.uint8)
    seen = checked.session.run({PLANES: planes})["images_out"]
    expected = (planes - np.reshape([10, 20, 30], (3, 1, 1))) / np.reshape([2, 4, 8], (3, 1, 1))
    expected = expected if layout is Layout.NCHW else expected.transpose(0, 2, 3, 1)
    assert seen == pytest.approx(expected, rel=1e-3)


def test_uint8_models_are_not_normalised(tmp_path: Path) -> None:
    model = echo_model((1, 3, SIDE, SIDE), TensorProto.UINT8)
    wanted = replace(spec("yolov8").input, mean=(1.0, 1.0, 1.0))
    with pytest.raises(RefusedError, match="mean 0 and std 1 for a model that takes uint8"):
        check(model, tmp_path, spec("yolov8", input=wanted))


def batch_of_one() -> onnx.ModelProto:
    """Return a model whose output has one row of pictures whatever goes in."""
    model = head_model(HEAD)
    model.graph.node[0].CopyFrom(helper.make_node("Constant", [], ["batch"], value_ints=[1]))
    return model


@pytest.mark.parametrize(
    ("model", "max_batch", "batched"),
    [(head_model(HEAD), 8, True), (head_model(HEAD), 1, False), (batch_of_one(), 8, False)],
)
def test_whether_a_model_takes_batches_is_tried(
    model: onnx.ModelProto, max_batch: int, batched: bool, tmp_path: Path
) -> None:
    checked = check(model, tmp_path, spec("yolov8", max_batch=max_batch))
    assert compile_model(checked, tmp_path).batched is batched


def test_the_compiled_package_describes_itself(tmp_path: Path) -> None:
    package = compile_model(check(head_model(HEAD), tmp_path, spec("yolov8")), tmp_path)
    assert read_package(tmp_path) == package
    assert (package.provider, package.has_surface) == (CPU, False)
    assert package.outputs[0].shape == (1, CELLS, 7)


@pytest.mark.parametrize("wanted", [False, True])
def test_the_form_for_whole_surfaces_is_written_for_whoever_asks(
    wanted: bool, tmp_path: Path
) -> None:
    checked = check(head_model(HEAD), tmp_path, spec("yolov8"))
    assert compile_model(checked, tmp_path, with_surface=wanted).has_surface is wanted
    assert (tmp_path / SURFACE_FILE).exists() is wanted


@pytest.mark.parametrize("content", [None, b"{", b"{}", b'{"format": 99}'])
def test_a_damaged_package_must_be_prepared_again(content: bytes | None, tmp_path: Path) -> None:
    if content is not None:
        (tmp_path / DESCRIPTION).write_bytes(content)
    with pytest.raises(UnavailableError, match="cannot be read"):
        read_package(tmp_path)


def test_many_tensors_with_long_names_make_a_short_message(tmp_path: Path) -> None:
    outputs = {f"{'n' * 123}{number:03}": random_rows(7) for number in range(60)}
    with pytest.raises(RefusedError, match="and 52 more") as refused:
        check(head_model(outputs), tmp_path, spec("yolov8"))
    assert len(str(refused.value)) < 2000
