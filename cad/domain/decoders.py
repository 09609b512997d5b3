"""The port of decoders: how the outputs of one family of heads become boxes.

A decoder is a plugin: a `DecoderFactory` under its name in the entry point group `cad.decoders`.
It is bound once to the tensors that a model really has, and refuses those it does not know. It
then works in one of two ways: on numpy arrays after the model (`decode`), or as nodes in the
model's own graph (`write`). Boxes are x1, y1, x2, y2 in pixels of the model's input throughout.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray
from typing_extensions import override

from cad.base.errors import RefusedError, shorten, some_of
from cad.domain.models import ModelSpec

ENTRY_POINT_GROUP = "cad.decoders"

Tensor = NDArray[Any]
Floats = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class TensorInfo:
    """An output of a model as it came out for one picture."""

    name: str
    dtype: str
    """numpy's name of the type, such as `float32`."""
    shape: tuple[int, ...]
    """All axes, the batch axis (1) first."""

    @override
    def __str__(self) -> str:
        return f"{shorten(self.name)} {self.dtype} ({some_of(self.shape, ', ')})"


class OutputMismatchError(RefusedError):
    """The outputs of a model are not those that its decoder knows."""

    code = 40002

    def __init__(self, decoder: str, expected: str, found: Sequence[TensorInfo]) -> None:
        tensors = some_of(found) or "no tensors"
        super().__init__(f"decoder {decoder} expects {expected}; the model gives {tensors}")


class Candidates(NamedTuple):
    """What a picture may show, before overlapping boxes are suppressed; rows belong together."""

    boxes: Floats
    """(n, 4) x1, y1, x2, y2 in pixels of the model's input."""
    scores: Floats
    """(n,) in 0..1, in no order."""
    classes: NDArray[np.intp]
    """(n,) indices into the labels."""


class GraphBoxes(NamedTuple):
    """Names of the tensors that hold the decoded boxes inside a graph."""

    boxes: str
    """(N, M, 4) float32: x1, y1, x2, y2 in pixels of the model's input."""
    scores: str
    """(N, C, M) float32: score of each box for each class; 0 = not offered for that class."""


class GraphWriter(Protocol):
    """Adds nodes of the ONNX operator set to a graph."""

    @property
    def opset(self) -> int:
        """Version of the operator set, at least 18."""

    def constant(self, value: Tensor) -> str:
        """Add a constant and return its name."""

    def node(self, operator: str, *inputs: str, **attributes: float | Sequence[int]) -> str:
        """Add a node with one output and return the output's name."""


class Decoder(Protocol):
    """Turns the outputs of one model into boxes. Any number of threads may call it at once."""

    @property
    def suppressed(self) -> bool:
        """Whether the model has removed overlapping boxes by itself."""

    def decode(self, outputs: Mapping[str, Tensor], picture: int, threshold: float) -> Candidates:
        """Return what scores at least `threshold` in one picture of a batch.

        Args:
            outputs: the model's outputs by name, batch axis first.
            picture: index in the batch.
            threshold: applied before anything else is computed, since few boxes pass it.
        """

    def write(self, graph: GraphWriter) -> GraphBoxes:
        """Express `decode` as nodes; the model's outputs are tensors of the graph by name."""


class DecoderFactory(Protocol):
    """What an entry point of the group `cad.decoders` names."""

    def __call__(self, spec: ModelSpec, outputs: Sequence[TensorInfo]) -> Decoder:
        """Return a decoder bound to a model's outputs.

        Raises:
            OutputMismatchError: these are not the outputs that this decoder knows.
        """
