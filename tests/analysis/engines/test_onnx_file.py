import contextlib
from pathlib import Path

import numpy as np
import onnx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from onnx import TensorProto, helper

from cad.analysis.engines import onnx_file
from cad.analysis.engines.onnx_file import UnsupportedModelError, read_model
from cad.base.errors import RefusedError, TooLargeError
from tests.analysis.engines.toys import echo_model, head_model, make_model, random_rows, save

AXES = ("N", 3, 64, 64)


def with_external_data(folder: Path, location: str) -> Path:
    """Write a model whose constant lies in the file `location`."""
    model = head_model({"output": random_rows(7)})
    tensor = model.graph.initializer[0]
    (folder / "weights.bin").write_bytes(tensor.raw_data)
    tensor.ClearField("raw_data")
    tensor.data_location = TensorProto.EXTERNAL
    tensor.external_data.add(key="location", value=location)
    return save(model, folder)


def with_operator(operator: str, domain: str) -> onnx.ModelProto:
    """Return a model in whose loop body a node of `domain` hides."""
    body = helper.make_graph([helper.make_node(operator, [], ["z"], domain=domain)], "b", [], [])
    model = echo_model(AXES)
    node = helper.make_node("If", ["c"], ["y"], then_branch=body, else_branch=body)
    model.graph.node.append(node)
    return model


@pytest.mark.parametrize("content", [b"", b"this is no model\n", b"\x00" * 100, b"\x08\x08"])
def test_a_file_that_is_no_model_is_refused(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "model.onnx"
    path.write_bytes(content)
    with pytest.raises(UnsupportedModelError, match=r"an ONNX model.*model\.onnx"):
        read_model(path)


def test_a_file_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UnsupportedModelError, match=r"there is no file model\.onnx"):
        read_model(tmp_path / "model.onnx")


@given(content=st.binary(max_size=300))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_garbage_is_only_ever_refused(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "model.onnx"
    path.write_bytes(content)
    with pytest.raises(RefusedError):
        read_model(path)


@given(data=st.data())
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60)
def test_a_damaged_model_is_read_or_refused(data: st.DataObject, tmp_path: Path) -> None:
    content = bytearray(head_model({"output": random_rows(7)}).SerializeToString())
    for position in data.draw(st.lists(st.integers(0, len(content) - 1), min_size=1, max_size=5)):
        content[position] = data.draw(st.integers(0, 255))
    path = tmp_path / "model.onnx"
    path.write_bytes(content)
    with contextlib.suppress(RefusedError):
        assert read_model(path).graph.node


def test_a_file_beyond_the_limit_is_not_opened(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "model.onnx"
    with path.open("wb") as file:
        file.truncate(onnx_file.MAX_BYTES + 1)
    with pytest.raises(TooLargeError, match=r"model\.onnx has 1073741825 bytes"):
        read_model(path)


def test_operators_of_others_are_refused_by_name(tmp_path: Path) -> None:
    model = make_model(with_operator("FlashDetect", "vendor.ops").graph)
    with pytest.raises(UnsupportedModelError, match=r"the model uses vendor\.ops\.FlashDetect"):
        read_model(save(model, tmp_path))


def test_external_data_in_the_models_folder_is_taken_in(tmp_path: Path) -> None:
    model = read_model(with_external_data(tmp_path, "weights.bin"))
    tensor = model.graph.initializer[0]
    assert tensor.data_location == TensorProto.DEFAULT
    assert np.array_equal(onnx.numpy_helper.to_array(tensor), random_rows(7)[0])


@pytest.mark.parametrize("location", ["/etc/hostname", "../weights.bin", "a/../../x", "", "."])
def test_external_data_outside_is_refused_with_its_path(location: str, tmp_path: Path) -> None:
    with pytest.raises(UnsupportedModelError, match="external data inside the package"):
        read_model(with_external_data(tmp_path, location))


def test_a_link_out_of_the_folder_is_outside(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to("/etc/hostname")
    with pytest.raises(UnsupportedModelError, match=r"external data inside the package.*'link'"):
        read_model(with_external_data(tmp_path, "link"))


def test_external_data_that_is_missing_is_named(tmp_path: Path) -> None:
    with pytest.raises(UnsupportedModelError, match=r"output_value needs 'other\.bin'"):
        read_model(with_external_data(tmp_path, "other.bin"))


def test_external_data_shorter_than_its_tensor_is_refused(tmp_path: Path) -> None:
    path = with_external_data(tmp_path, "weights.bin")
    model = onnx.load(path, load_external_data=False)
    model.graph.initializer[0].external_data.add(key="length", value="9999999")
    with pytest.raises(UnsupportedModelError, match="readable external data"):
        read_model(save(model, tmp_path))
