"""Adding nodes before and after a vendor's graph."""

from collections.abc import Sequence

import numpy as np
import onnx
from onnx import helper, numpy_helper

from cad.domain.decoders import Tensor

BATCH = "N"
"""Name of the dynamic batch axis."""
MIN_IR_VERSION = 4
"""The first in which a constant need not be an input too."""


class NodeWriter:
    """Collects nodes and constants whose names cannot meet those of the vendor's graph."""

    def __init__(self, prefix: str, opset: int) -> None:
        self._prefix, self._count = prefix, 0
        self.opset = opset
        self.nodes: list[onnx.NodeProto] = []
        self.constants: list[onnx.TensorProto] = []

    def constant(self, value: Tensor) -> str:
        """Add a constant and return its name."""
        name = self._next_name("constant")
        self.constants.append(numpy_helper.from_array(np.asarray(value, order="C"), name))
        return name

    def integers(self, *values: int) -> str:
        """Add a constant int64 vector, as axes, sizes and slices want it."""
        return self.constant(np.array(values, dtype=np.int64))

    def integer(self, value: int) -> str:
        """Add a constant int64 scalar."""
        return self.constant(np.array(value, dtype=np.int64))

    def real(self, value: float) -> str:
        """Add a constant float32 scalar."""
        return self.constant(np.array(value, dtype=np.float32))

    def node(self, operator: str, *inputs: str, **attributes: float | str | Sequence[int]) -> str:
        """Add a node with one output and return the output's name."""
        name = self._next_name(operator)
        self.nodes.append(helper.make_node(operator, inputs, [name], name=name, **attributes))
        return name

    def cast(self, tensor: str, element: int) -> str:
        """Add a conversion to the ONNX element type `element`."""
        return self.node("Cast", tensor, to=element)

    def rename(self, tensor: str, name: str) -> None:
        """Make `tensor` known under a name that others expect."""
        self.nodes.append(
            helper.make_node("Identity", [tensor], [name], name=f"{self._prefix}{name}")
        )

    def _next_name(self, kind: str) -> str:
        self._count += 1
        return f"{self._prefix}{kind}_{self._count}"


def standard_opset(model: onnx.ModelProto) -> int:
    """Return the version of the ONNX operator set that `model` uses."""
    versions = [entry.version for entry in model.opset_import if entry.domain in {"", "ai.onnx"}]
    return max(versions, default=1)


def extend(
    model: onnx.ModelProto,
    before: NodeWriter,
    after: NodeWriter,
    inputs: Sequence[onnx.ValueInfoProto],
    outputs: Sequence[onnx.ValueInfoProto],
) -> onnx.ModelProto:
    """Return a copy of `model` between two pieces, with new inputs and outputs.

    `before` must produce every tensor that was an input of `model`. Declared shapes inside are
    dropped: they may contradict the batch axis, and onnxruntime infers its own.
    """
    extended = onnx.ModelProto()
    extended.CopyFrom(model)
    graph = extended.graph
    vendor_nodes = list(graph.node)
    del graph.node[:], graph.input[:], graph.output[:], graph.value_info[:]
    graph.node.extend((*before.nodes, *vendor_nodes, *after.nodes))
    graph.initializer.extend((*before.constants, *after.constants))
    graph.input.extend(inputs)
    graph.output.extend(outputs)
    extended.ir_version = max(extended.ir_version, MIN_IR_VERSION)
    return extended


def free_outputs(model: onnx.ModelProto) -> list[onnx.ValueInfoProto]:
    """Return the outputs of `model` with their types and without their shapes."""
    outputs = []
    for output in model.graph.output:
        element = output.type.tensor_type.elem_type
        outputs.append(helper.make_tensor_value_info(output.name, element, None))
    return outputs
