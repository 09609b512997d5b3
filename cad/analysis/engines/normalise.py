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
    """Add (value - mean) / std as one multiplication and one addition."""
    scale = 1 / np.array(spec.std).reshape(1, 3, 1, 1)
    offset = -np.array(spec.mean).reshape(1, 3, 1, 1) * scale
    scaled = graph.node("Mul", value, graph.constant(scale.astype(np.float32)))
    if not any(spec.mean):
        return scaled
    return graph.node("Add", scaled, graph.constant(offset.astype(np.float32)))
