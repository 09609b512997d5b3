"""The form for a CPU: raw uint8 planes at the model's size in, the vendor's outputs out.

libswscale has scaled and placed the picture, numpy finishes: a tenth of a millisecond for the few
boxes that pass the threshold, against several for NonMaxSuppression over all of them in the
graph.
"""

import onnx
from onnx import TensorProto, helper

from cad.analysis.engines.graph import BATCH, NodeWriter, extend, free_outputs, standard_opset
from cad.analysis.engines.normalise import write_input
from cad.analysis.engines.signature import VendorInput
from cad.domain.models import ModelInput

PLANES = "cad.planes"
"""Input: (N, 3, H, W) uint8 in the manifest's colour order."""


def planes_form(model: onnx.ModelProto, spec: ModelInput, vendor: VendorInput) -> onnx.ModelProto:
    """Return `model` with the input `PLANES` and its own outputs."""
    before = NodeWriter("cad.in.", standard_opset(model))
    write_input(before, PLANES, TensorProto.UINT8, spec, vendor)
    planes = helper.make_tensor_value_info(
        PLANES, TensorProto.UINT8, [BATCH, 3, spec.height, spec.width]
    )
    nothing = NodeWriter("cad.out.", before.opset)
    return extend(model, before, nothing, [planes], free_outputs(model))
