"""What a vendor's model takes, checked against what its manifest says."""

from dataclasses import dataclass

import onnx
from onnx import TensorProto

from cad.analysis.engines.onnx_file import UnsupportedModelError
from cad.base.errors import shorten, some_of
from cad.domain.models import Layout, ModelInput

ELEMENTS = (TensorProto.FLOAT, TensorProto.FLOAT16, TensorProto.UINT8)
SMALLEST, LARGEST = 8, 4096
"""Pixels of an input's side that can mean a real detector."""


@dataclass(frozen=True, slots=True)
class VendorInput:
    """The one input of a vendor's model."""

    name: str
    element: int
    """ONNX element type: FLOAT, FLOAT16 or UINT8."""


def find_input(model: onnx.ModelProto, wanted: ModelInput) -> VendorInput:
    """Return the model's input if it is as the manifest says.

    Raises:
        UnsupportedModelError: it is not; the message has the tensor as found and as expected.
    """
    _check_numbers(wanted)
    constants = {tensor.name for tensor in model.graph.initializer}
    inputs = [value for value in model.graph.input if value.name not in constants]
    if len(inputs) != 1 or not _fits(inputs[0], wanted):
        found = some_of([*map(_describe, inputs)]) or "no input"
        raise UnsupportedModelError(f"one input {_expectation(wanted)}; the model has {found}")
    element = inputs[0].type.tensor_type.elem_type
    if element == TensorProto.UINT8 and _normalises(wanted):
        raise UnsupportedModelError(
            f"mean 0 and std 1 for a model that takes uint8 ({_describe(inputs[0])})"
        )
    return VendorInput(inputs[0].name, element)


def _check_numbers(wanted: ModelInput) -> None:
    for name, side in (("width", wanted.width), ("height", wanted.height)):
        if not SMALLEST <= side <= LARGEST:
            raise UnsupportedModelError(
                f"{SMALLEST} to {LARGEST} pixels", field=f"model.input.{name}", given=side
            )
    if not all(wanted.std):
        raise UnsupportedModelError("no 0", field="model.input.std", given=wanted.std)


def _normalises(wanted: ModelInput) -> bool:
    return any(wanted.mean) or any(value != 1 for value in wanted.std)


def _fits(value: onnx.ValueInfoProto, wanted: ModelInput) -> bool:
    tensor = value.type.tensor_type
    if tensor.elem_type not in ELEMENTS or not tensor.HasField("shape"):
        return False
    found = [dim.dim_value for dim in tensor.shape.dim]
    # A dynamic axis has no value, which reads as 0; -1 is what some exporters write for it.
    return len(found) == 4 and all(
        actual in {0, -1, expected}
        for actual, expected in zip(found[1:], _axes(wanted), strict=True)
    )


def _axes(wanted: ModelInput) -> tuple[int, int, int]:
    if wanted.layout is Layout.NCHW:
        return 3, wanted.height, wanted.width
    return wanted.height, wanted.width, 3


def _expectation(wanted: ModelInput) -> str:
    axes = ", ".join(map(str, _axes(wanted)))
    return f"of float32, float16 or uint8 ({wanted.layout}: N, {axes})"


def _describe(value: onnx.ValueInfoProto) -> str:
    tensor = value.type.tensor_type
    element = TensorProto.DataType.Name(tensor.elem_type).lower()
    name = shorten(value.name)
    if not tensor.HasField("shape"):
        return f"{name} {element} without a shape"
    axes = [shorten(dim.dim_param) or str(dim.dim_value) for dim in tensor.shape.dim]
    return f"{name} {element} ({some_of(axes, ', ')})"
