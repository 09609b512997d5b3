"""Reading a vendor's ONNX file, which is hostile input."""

from collections.abc import Iterator
from pathlib import Path, PurePosixPath

import onnx
from google.protobuf.message import DecodeError  # type: ignore[import-untyped]  # no stubs
from onnx import external_data_helper

from cad.base.errors import RefusedError, TooLargeError, shorten, some_of

MAX_BYTES = 1024**3
"""Of the model with its external data. Protocol Buffers end at 2 GiB; the graph is held twice."""
ALLOWED_DOMAINS = frozenset({"", "ai.onnx", "ai.onnx.ml", "com.microsoft"})
"""Whose operators onnxruntime has built in."""


class UnsupportedModelError(RefusedError):
    """The model is not one that this device can run; the message says what was found."""

    code = 40002


def read_model(path: Path) -> onnx.ModelProto:
    """Return the model at `path` with its external data inside.

    Raises:
        UnsupportedModelError: it is absent, no ONNX model, damaged, refers to files outside its own
            folder, or uses operators that onnxruntime does not have.
        TooLargeError: it is larger than `MAX_BYTES`.
    """
    if not path.is_file():
        raise UnsupportedModelError(f"an ONNX model; there is no file {path.name}")
    _check_size(path, path.stat().st_size)
    model = _parse(path)
    _check_operators(model)
    _take_in_external_data(model, path)
    return model


def _parse(path: Path) -> onnx.ModelProto:
    try:
        model = onnx.load(path, load_external_data=False)
    except (DecodeError, ValueError) as error:
        raise UnsupportedModelError(
            f"an ONNX model; {path.name} is no such file ({_first_line(error)})"
        ) from error
    # Protocol Buffers take many a random file for a message without known members.
    if not model.graph.node or not model.opset_import:
        raise UnsupportedModelError(f"an ONNX model with a graph; {path.name} has none")
    return model


def _check_operators(model: onnx.ModelProto) -> None:
    own = {function.domain for function in model.functions}
    foreign = {
        f"{node.domain}.{node.op_type}"
        for node in _nodes(model)
        if node.domain not in ALLOWED_DOMAINS | own
    }
    if foreign:
        names = some_of([shorten(name) for name in sorted(foreign)], ", ")
        raise UnsupportedModelError(f"standard operators only; the model uses {names}")


def _take_in_external_data(model: onnx.ModelProto, path: Path) -> None:
    """Load the tensors that lie in files of their own, each of them inside the model's folder."""
    outside = [tensor for tensor in _tensors(model) if tensor.data_location == tensor.EXTERNAL]
    files = {_external_file(tensor, path.parent) for tensor in outside}
    total = path.stat().st_size + sum(file.stat().st_size for file in files)
    _check_size(path, total)
    for tensor in outside:
        try:
            external_data_helper.load_external_data_for_tensor(tensor, str(path.parent))
        except (ValueError, OSError, onnx.checker.ValidationError) as error:
            raise UnsupportedModelError(
                f"readable external data; tensor {shorten(tensor.name)}: {_first_line(error)}"
            ) from error
        tensor.data_location = tensor.DEFAULT
        del tensor.external_data[:]


def _external_file(tensor: onnx.TensorProto, folder: Path) -> Path:
    location = {entry.key: entry.value for entry in tensor.external_data}.get("location", "")
    name, given = PurePosixPath(location), shorten(repr(location))
    file = folder / name
    outside = not location or name.is_absolute() or ".." in name.parts
    if outside or folder.resolve() not in file.resolve().parents:
        raise UnsupportedModelError(
            f"external data inside the package; tensor {shorten(tensor.name)} is at {given}"
        )
    if not file.is_file():
        raise UnsupportedModelError(
            f"all external data in the package; tensor {shorten(tensor.name)} needs {given}"
        )
    return file


def _check_size(path: Path, size: int) -> None:
    if size > MAX_BYTES:
        raise TooLargeError(f"{path.name} has {size} bytes, at most {MAX_BYTES} are taken")


def _graphs(graph: onnx.GraphProto) -> Iterator[onnx.GraphProto]:
    yield graph
    yield from _inner_graphs(graph.node)


def _inner_graphs(nodes: Iterator[onnx.NodeProto]) -> Iterator[onnx.GraphProto]:
    for node in nodes:
        for attribute in node.attribute:
            for inner in (attribute.g, *attribute.graphs):
                if inner.node:
                    yield from _graphs(inner)


def _nodes(model: onnx.ModelProto) -> Iterator[onnx.NodeProto]:
    """Yield every node, those of loops, branches and functions included."""
    for graph in _graphs(model.graph):
        yield from graph.node
    for function in model.functions:
        yield from function.node
        for graph in _inner_graphs(function.node):
            yield from graph.node


def _tensors(model: onnx.ModelProto) -> Iterator[onnx.TensorProto]:
    """Yield every stored tensor: initialisers and the attributes of nodes."""
    for graph in (model.graph, *_inner_graphs(model.graph.node)):
        yield from graph.initializer
        for sparse in graph.sparse_initializer:
            yield from (sparse.values, sparse.indices)
    for node in _nodes(model):
        for attribute in node.attribute:
            yield from (attribute.t, *attribute.tensors)


def _first_line(error: Exception) -> str:
    return str(error).strip().partition("\n")[0]
