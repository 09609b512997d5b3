"""What the YOLO families share: one output tensor with boxes as centre and size."""

from collections.abc import Sequence

import numpy as np

from cad.domain.decoders import Floats, GraphWriter, TensorInfo


def only_output(outputs: Sequence[TensorInfo]) -> TensorInfo | None:
    """Return the output of a model with one output of rank 3, None of any other model."""
    if len(outputs) != 1 or len(outputs[0].shape) != 3:
        return None
    return outputs[0]


def corners(centred: Floats) -> Floats:
    """Return (n, 4) x1, y1, x2, y2 for (n, 4) centre x, y, width, height."""
    middle, half = centred[:, :2], centred[:, 2:] / 2
    return np.concatenate((middle - half, middle + half), axis=1)


def write_slice(graph: GraphWriter, tensor: str, start: int, end: int) -> str:
    """Add the part `start`:`end` of the last axis."""
    bounds = (np.array([value], dtype=np.int64) for value in (start, end, -1))
    return graph.node("Slice", tensor, *map(graph.constant, bounds))


def write_corners(graph: GraphWriter, middle: str, size: str) -> str:
    """Add x1, y1, x2, y2 from centres (N, M, 2) and sizes (N, M, 2)."""
    half = graph.node("Mul", size, graph.constant(np.array(0.5, dtype=np.float32)))
    return graph.node(
        "Concat", graph.node("Sub", middle, half), graph.node("Add", middle, half), axis=-1
    )


def write_best_class(graph: GraphWriter, scores: str) -> str:
    """Add scores (N, C, M) from (N, M, C) in which only a cell's best class is not 0."""
    best = graph.node("ReduceMax", scores, graph.constant(np.array([-1])), keepdims=1)
    is_best = graph.node("Equal", scores, best)
    nothing = graph.constant(np.array(0, dtype=np.float32))
    return graph.node("Transpose", graph.node("Where", is_best, scores, nothing), perm=[0, 2, 1])
