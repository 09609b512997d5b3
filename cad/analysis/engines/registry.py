"""Decoders by name: the entry points of the group `cad.decoders`."""

from collections.abc import Sequence
from importlib.metadata import entry_points

from cad.base.errors import BadValueError
from cad.domain.decoders import ENTRY_POINT_GROUP, Decoder, DecoderFactory, TensorInfo
from cad.domain.models import ModelSpec


def bind_decoder(spec: ModelSpec, outputs: Sequence[TensorInfo]) -> Decoder:
    """Return the decoder that `spec` names, bound to the model's outputs.

    Raises:
        BadValueError: no such decoder is installed, or its plugin cannot be loaded.
        OutputMismatchError: the outputs are not those that the decoder knows.
    """
    return _load(spec.decoder)(spec, outputs)


def _load(name: str) -> DecoderFactory:
    points = entry_points(group=ENTRY_POINT_GROUP)
    if name not in points.names:
        known = ", ".join(sorted(points.names))
        raise BadValueError(f"one of the decoders {known}", field="model.decoder", given=name)
    try:
        factory: DecoderFactory = points[name].load()
    except (ImportError, AttributeError) as error:
        expected = f"a decoder plugin that can be loaded ({error})"
        raise BadValueError(expected, field="model.decoder", given=name) from error
    return factory
