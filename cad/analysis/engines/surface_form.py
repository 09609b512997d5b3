"""The form for a GPU: the decoder's whole NV12 surface in, boxes of the source picture out.

Resizing, colour conversion, normalisation, decoding and suppression are nodes of the graph, so
that no pixel needs to visit host memory. The scaling filter is that of the planes form (a
triangle over all covered source pixels, luma and chroma each from their own size), so that both
forms give the same boxes.
"""

from dataclasses import dataclass

import numpy as np
import onnx
from onnx import TensorProto, helper, version_converter

from cad.analysis.engines.graph import BATCH, NodeWriter, extend, standard_opset
from cad.analysis.engines.normalise import write_input
from cad.analysis.engines.signature import VendorInput
from cad.analysis.engines.suppression import MAX_CANDIDATES
from cad.domain.decoders import Decoder, GraphBoxes
from cad.domain.frames import Align, Color, Resize
from cad.domain.models import ModelInput, ModelSpec, NmsScope

LUMA, CHROMA, COLOUR = "cad.luma", "cad.chroma", "cad.colour"
"""Inputs: (N, H, W) uint8; (N, H/2, W/2, 2) uint8; (3, 4) float32: R, G, B of Y, U, V, 1."""
THRESHOLD, IOU = "cad.threshold", "cad.iou"
"""Inputs: (1,) float32 each."""
DETECTIONS = "cad.detections"
"""Output: (K, 7) float32: index in the batch, x1, y1, x2, y2 in source pixels, score, class."""

MIN_OPSET = 18
"""What decoders may rely on (`GraphWriter`)."""
CHROMA_SITING = 0.25
"""H.264 and H.265 place chroma at the left luma column of its pair: a quarter of a chroma pixel."""


def surface_form(
    model: onnx.ModelProto, spec: ModelSpec, vendor: VendorInput, decoder: Decoder
) -> onnx.ModelProto:
    """Return `model` with the inputs and the output named above."""
    model = _at_least_opset(model, MIN_OPSET)
    before = NodeWriter("cad.in.", standard_opset(model))
    placement = _write_placement(before, spec.input)
    pixels = _write_pixels(before, spec.input, placement)
    write_input(before, pixels, TensorProto.FLOAT, spec.input, vendor)
    after = NodeWriter("cad.out.", before.opset)
    _write_detections(after, spec, decoder, placement)
    output = helper.make_tensor_value_info(DETECTIONS, TensorProto.FLOAT, ["K", 7])
    return extend(model, before, after, _inputs(), [output])


def _at_least_opset(model: onnx.ModelProto, version: int) -> onnx.ModelProto:
    if standard_opset(model) >= version:
        return model
    return version_converter.convert_version(model, version)


def _inputs() -> list[onnx.ValueInfoProto]:
    uint8, float32 = TensorProto.UINT8, TensorProto.FLOAT
    return [
        helper.make_tensor_value_info(LUMA, uint8, [BATCH, "H", "W"]),
        helper.make_tensor_value_info(CHROMA, uint8, [BATCH, "H2", "W2", 2]),
        helper.make_tensor_value_info(COLOUR, float32, [3, 4]),
        helper.make_tensor_value_info(THRESHOLD, float32, [1]),
        helper.make_tensor_value_info(IOU, float32, [1]),
    ]


@dataclass(frozen=True, slots=True)
class _Placement:
    """Where the picture lies in the model's input; names of int64 vectors (rows, columns)."""

    source: str
    inner: str
    """Size after scaling."""
    offset: str
    """Rows above, columns to the left."""


def _write_placement(graph: NodeWriter, spec: ModelInput) -> _Placement:
    """Add what `PlaneLayout.placement` computes, for the size that the surface happens to have."""
    source = graph.node("Shape", LUMA, start=1)
    outer = graph.integers(spec.height, spec.width)
    if spec.resize is Resize.STRETCH:
        return _Placement(source, outer, graph.integers(0, 0))
    inner = _write_inner_size(graph, source, outer)
    if spec.align is Align.TOP_LEFT:
        return _Placement(source, inner, graph.integers(0, 0))
    free = graph.node("Sub", outer, inner)
    return _Placement(source, inner, graph.node("Div", free, graph.integers(2)))


def _write_inner_size(graph: NodeWriter, source: str, outer: str) -> str:
    # In double precision, as Python computes it: the two forms must round to the same pixel.
    real, limit = (graph.cast(value, TensorProto.DOUBLE) for value in (source, outer))
    factors = graph.node("Div", limit, real)
    scale = graph.node("ReduceMin", factors, graph.integers(0), keepdims=1)
    rounded = graph.node("Round", graph.node("Mul", real, scale))
    bounded = graph.node("Min", graph.cast(rounded, TensorProto.INT64), outer)
    return graph.node("Max", bounded, graph.integers(1))


def _write_pixels(graph: NodeWriter, spec: ModelInput, placement: _Placement) -> str:
    """Add (N, 3, H, W) float32 planes in 0..255, scaled, converted and padded."""
    luma = graph.node("Unsqueeze", LUMA, graph.integers(1))
    chroma = graph.node("Transpose", CHROMA, perm=[0, 3, 1, 2])
    scaled = (
        _write_resize(graph, luma, placement, siting=0),
        _write_resize(graph, chroma, placement, siting=CHROMA_SITING),
    )
    colours = _write_colours(graph, graph.node("Concat", *scaled, axis=1), spec.color)
    return _write_padding(graph, colours, spec, placement)


def _write_resize(graph: NodeWriter, plane: str, placement: _Placement, siting: float) -> str:
    """Add (N, planes, rows, columns) float32 at the inner size.

    Filtering is two matrix products: unlike Resize with a filter, every provider has them, and
    they can place chroma where it lies.
    """
    shape = graph.node("Shape", plane, start=2)
    inner = placement.inner
    down = _write_filter(graph, shape, inner, axis=0, siting=0)
    across = _write_filter(graph, shape, inner, axis=1, siting=siting)
    pixels = graph.node("MatMul", down, graph.cast(plane, TensorProto.FLOAT))
    return graph.node("MatMul", pixels, graph.node("Transpose", across, perm=[1, 0]))


def _write_filter(graph: NodeWriter, source: str, target: str, axis: int, siting: float) -> str:
    """Add (target, source) float32: what each source pixel gives to each target pixel of an axis.

    A triangle as wide as the source pixels that one target pixel covers, at least one.
    """
    sizes = [graph.node("Gather", size, graph.integer(axis)) for size in (source, target)]
    given, wanted = (graph.cast(size, TensorProto.FLOAT) for size in sizes)
    scale = graph.node("Div", given, wanted)
    half, one = graph.real(0.5), graph.real(1)
    middle = graph.node("Mul", graph.node("Add", _write_range(graph, sizes[1]), half), scale)
    centres = graph.node("Add", middle, graph.real(siting - 0.5))
    column = graph.node("Unsqueeze", centres, graph.integers(1))
    away = graph.node("Abs", graph.node("Sub", _write_range(graph, sizes[0]), column))
    reach = graph.node("Div", away, graph.node("Max", scale, one))
    weights = graph.node("Relu", graph.node("Sub", one, reach))
    total = graph.node("ReduceSum", weights, graph.integers(1), keepdims=1)
    return graph.node("Div", weights, total)


def _write_range(graph: NodeWriter, size: str) -> str:
    """Add (`size`,) float32: 0, 1, 2 and so on; `size` is a scalar."""
    numbers = graph.node("Range", graph.integer(0), size, graph.integer(1))
    return graph.cast(numbers, TensorProto.FLOAT)


def _write_colours(graph: NodeWriter, yuv: str, order: Color) -> str:
    """Add the colour matrix as a 1 × 1 convolution, rounded as uint8 planes are."""
    matrix = COLOUR
    if order is Color.BGR:
        matrix = graph.node("Gather", COLOUR, graph.integers(2, 1, 0), axis=0)
    factors, bias = (
        graph.node("Slice", matrix, graph.integers(start), graph.integers(end), graph.integers(1))
        for start, end in ((0, 3), (3, 4))
    )
    kernel = graph.node("Reshape", factors, graph.integers(3, 3, 1, 1))
    mixed = graph.node("Conv", yuv, kernel, graph.node("Reshape", bias, graph.integers(3)))
    return graph.node("Round", graph.node("Clip", mixed, graph.real(0), graph.real(255)))


def _write_padding(graph: NodeWriter, pixels: str, spec: ModelInput, placement: _Placement) -> str:
    outer = graph.integers(spec.height, spec.width)
    free = graph.node("Sub", outer, placement.inner)
    behind = graph.node("Sub", free, placement.offset)
    pads = graph.node("Concat", placement.offset, behind, axis=0)
    value = graph.real(spec.pad_value)
    return graph.node("Pad", pixels, pads, value, graph.integers(2, 3))


def _write_detections(
    graph: NodeWriter, spec: ModelSpec, decoder: Decoder, placement: _Placement
) -> None:
    decoded = decoder.write(graph)
    classes = ""
    if spec.nms is NmsScope.GLOBAL and not decoder.suppressed:
        classes = graph.node("ArgMax", decoded.scores, axis=1, keepdims=0)
        best = graph.node("ReduceMax", decoded.scores, graph.integers(1), keepdims=1)
        decoded = GraphBoxes(decoded.boxes, best)
    picks = _write_suppression(graph, decoded, decoder)
    graph.rename(_write_rows(graph, decoded, picks, classes, placement), DETECTIONS)


def _write_suppression(graph: NodeWriter, decoded: GraphBoxes, decoder: Decoder) -> str:
    """Add (K, 3) int64: index in the batch, row of the scores, cell."""
    # What the model has suppressed stays: no two boxes overlap by more than all.
    iou = graph.constant(np.array([1], dtype=np.float32)) if decoder.suppressed else IOU
    most = graph.integers(MAX_CANDIDATES)
    return graph.node("NonMaxSuppression", decoded.boxes, decoded.scores, most, iou, THRESHOLD)


def _write_rows(
    graph: NodeWriter, decoded: GraphBoxes, picks: str, classes: str, placement: _Placement
) -> str:
    """Add (K, 7) from `picks`; `classes` (N, M) has the class of a cell if the rows do not."""
    picture, row, cell = (
        graph.node("Gather", picks, graph.integers(column), axis=1) for column in range(3)
    )
    place = graph.node("Concat", picture, cell, axis=1)
    boxes = _write_source_boxes(graph, graph.node("GatherND", decoded.boxes, place), placement)
    scores = graph.node("GatherND", decoded.scores, picks)
    if classes:
        row = graph.node("Unsqueeze", graph.node("GatherND", classes, place), graph.integers(1))
    return graph.node(
        "Concat",
        graph.cast(picture, TensorProto.FLOAT),
        boxes,
        graph.node("Unsqueeze", scores, graph.integers(1)),
        graph.cast(row, TensorProto.FLOAT),
        axis=1,
    )


def _write_source_boxes(graph: NodeWriter, boxes: str, placement: _Placement) -> str:
    """Add (K, 4) in pixels of the source, clipped to it."""
    corners = graph.integers(1, 0, 1, 0)  # rows, columns → x, y, x, y
    source, inner, offset = (
        graph.cast(graph.node("Gather", vector, corners), TensorProto.FLOAT)
        for vector in (placement.source, placement.inner, placement.offset)
    )
    moved = graph.node("Sub", boxes, offset)
    scaled = graph.node("Div", graph.node("Mul", moved, source), inner)
    nothing = graph.real(0)
    return graph.node("Min", graph.node("Max", scaled, nothing), source)
