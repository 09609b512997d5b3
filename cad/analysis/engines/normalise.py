"""The first nodes of a compiled graph: from pixel values to what the model was trained on."""

import numpy as np
from onnx import TensorProto

from cad.analysis.engines.graph import NodeWriter
from cad.analysis.engines.signature import VendorInput
from cad.domain.models import Layout, ModelInput


def write_input(
    graph: NodeWriter, pixels: str, element: int, spec: ModelInput, vendor: VendorInput
) -> None:
    """Make the vendor's input from `pixels`, (N, 3, H, W) of type `element` in 0..255."""
    value, current = pixels, element
    if any(spec.mean) or any(std != 1 for std in spec.std):
        if current != TensorProto.FLOAT:
            value, current = graph.cast(value, TensorProto.FLOAT), TensorProto.FLOAT
        value = _write_normalisation(graph, value, spec)
    if current != vendor.element:
        value = graph.cast(value, vendor.element)
    if spec.layout is Layout.NHWC:
        value = graph.node("Transpose", value, perm=[0, 2, 3, 1])
    graph.rename(value, vendor.name)


def _write_normalisation(graph: NodeWriter, value: str, spec: ModelInput) -> str:
    """Add (value - mean) / std.

    In this order and in float32, as training code computes it: an INT8 model answers a difference
    in the last bit, which falls on the other side of a quantisation step, with boxes pixels away.
    """
    mean, std = (
        graph.constant(np.array(numbers, dtype=np.float32).reshape(1, 3, 1, 1))
        for numbers in (spec.mean, spec.std)
    )
    return graph.node("Div", graph.node("Sub", value, mean), std)
