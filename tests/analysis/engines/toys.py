"""Tiny ONNX models with known outputs, and manifests that fit them."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from cad.domain.decoders import TensorInfo
from cad.domain.models import ModelInput, ModelSpec

SIDE = 64
CELLS = 64 + 16 + 4
"""Of an input of 64 × 64 with the strides 8, 16, 32."""

Arrays = Mapping[str, NDArray[Any]]


def spec(decoder: str, labels: int = 3, **changes: Any) -> ModelSpec:
    """Return the manifest of a model of 64 × 64."""
    names = tuple(f"class{index}" for index in range(labels))
    size = ModelInput(width=SIDE, height=SIDE)
    return replace(ModelSpec(task="detect", decoder=decoder, labels=names, input=size), **changes)


def infos(outputs: Arrays) -> list[TensorInfo]:
    """Return how `outputs` describe themselves."""
    return [TensorInfo(name, str(value.dtype), value.shape) for name, value in outputs.items()]


def head_model(
    outputs: Arrays, *, axes: Sequence[int | str] = ("N", 3, SIDE, SIDE), opset: int = 17
) -> onnx.ModelProto:
    """Return a model that answers every picture of a batch with `outputs` (batch axis 1)."""
    nodes = [
        helper.make_node("Shape", ["images"], ["batch"], end=1),
    ]
    constants = []
    for name, value in outputs.items():
        constants += [
            numpy_helper.from_array(value[0], f"{name}_value"),
            numpy_helper.from_array(np.array(value.shape[1:], dtype=np.int64), f"{name}_axes"),
        ]
        nodes += [
            helper.make_node("Concat", ["batch", f"{name}_axes"], [f"{name}_shape"], axis=0),
            helper.make_node("Expand", [f"{name}_value", f"{name}_shape"], [name]),
        ]
    declared = [helper.make_tensor_value_info(name, TensorProto.FLOAT, None) for name in outputs]
    image = helper.make_tensor_value_info("images", TensorProto.FLOAT, axes)
    graph = helper.make_graph(nodes, "toy", [image], declared, constants)
    return make_model(graph, opset)


def echo_model(axes: Sequence[int | str], element: int = TensorProto.FLOAT) -> onnx.ModelProto:
    """Return a model whose output `images_out` is its input as float32."""
    image = helper.make_tensor_value_info("images", element, axes)
    result = helper.make_tensor_value_info("images_out", TensorProto.FLOAT, None)
    node = helper.make_node("Cast", ["images"], ["images_out"], to=TensorProto.FLOAT)
    return make_model(helper.make_graph([node], "echo", [image], [result]), 17)


def make_model(graph: onnx.GraphProto, opset: int = 17) -> onnx.ModelProto:
    """Return a model of an IR version that every onnxruntime reads."""
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=8)


def save(model: onnx.ModelProto, folder: Path) -> Path:
    """Write `model` into `folder`."""
    path = folder / "model.onnx"
    path.write_bytes(model.SerializeToString())
    return path


def random_rows(columns: int, *, rows: int = CELLS, seed: int = 0) -> NDArray[np.float32]:
    """Return (1, rows, columns) of boxes in pixels (4 columns) and scores of a sparse head."""
    numbers = np.random.default_rng(seed)
    boxes = numbers.uniform(8, SIDE - 8, (rows, 4))
    boxes[:, 2:] = numbers.uniform(6, 30, (rows, 2))
    scores = numbers.beta(0.5, 1.0, (rows, columns - 4))
    return np.concatenate((boxes, scores), axis=1).astype(np.float32)[None]
