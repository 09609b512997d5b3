"""From a vendor's plain ONNX model and its manifest to a compiled package.

Two calls, so that a refusal says where it happened: `check_model` answers whether this device can
run the model at all, `compile_model` writes the forms that suit the device.
"""

import hashlib
import logging
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnx

from cad.analysis.engines.labels import kept_classes
from cad.analysis.engines.onnx_file import UnsupportedModelError, read_model
from cad.analysis.engines.package import CompiledPackage, write_package
from cad.analysis.engines.planes_form import PLANES, planes_form
from cad.analysis.engines.registry import bind_decoder
from cad.analysis.engines.session import ModelRejectedError, Session
from cad.analysis.engines.signature import VendorInput, find_input
from cad.analysis.engines.surface_form import surface_form
from cad.base.errors import BadValueError
from cad.domain.decoders import Decoder, Tensor, TensorInfo
from cad.domain.models import EngineFailedError, ModelSpec

logger = logging.getLogger(__name__)

TASKS = ("detect",)
SAME = 0.02
"""Largest difference, relative to the largest value, between a picture alone and in a batch."""


@dataclass(frozen=True)
class CheckedModel:
    """A vendor's model that runs here and whose outputs its decoder knows."""

    digest: str
    model: onnx.ModelProto
    spec: ModelSpec
    vendor: VendorInput
    planes: bytes
    """The planes form, serialised."""
    session: Session
    """The planes form, loaded."""
    outputs: tuple[TensorInfo, ...]
    decoder: Decoder


def check_model(path: Path, spec: ModelSpec, provider: str) -> CheckedModel:
    """Load the model at `path`, run it once on an empty picture and bind its decoder.

    Raises:
        RefusedError: the model is not what `spec` says or not supported; the message names what
            was found.
    """
    if spec.task not in TASKS:
        raise BadValueError(f"one of {', '.join(TASKS)}", field="model.task", given=spec.task)
    kept_classes(spec)
    model = read_model(path)
    vendor = find_input(model, spec.input)
    planes = planes_form(model, spec.input, vendor).SerializeToString()
    session = _load(planes, provider)
    outputs = _probe(session, spec)
    return CheckedModel(
        digest=hashlib.sha256(path.read_bytes()).hexdigest(),
        model=model,
        spec=spec,
        vendor=vendor,
        planes=planes,
        session=session,
        outputs=outputs,
        decoder=bind_decoder(spec, outputs),
    )


def compile_model(
    checked: CheckedModel, output_dir: Path, *, with_surface: bool = False
) -> CompiledPackage:
    """Write the package for the device of `checked` into `output_dir`; return its description.

    Workers decode into memory and serve the planes form. `with_surface` writes, if the model can
    have it, also the form for a decoder that leaves pictures on the card (`surface_engine`).
    """
    surface = compile_surface(checked) if with_surface else None
    package = CompiledPackage(
        digest=checked.digest,
        provider=checked.session.provider,
        batched=_takes_batches(checked.session, checked.spec),
        outputs=checked.outputs,
        has_surface=surface is not None,
    )
    write_package(output_dir, package, checked.planes, surface)
    return package


def _load(planes: bytes, provider: str) -> Session:
    try:
        return Session(planes, provider)
    except ModelRejectedError as error:
        raise UnsupportedModelError(
            f"a model that onnxruntime can load; it says: {error}"
        ) from error


def _probe(session: Session, spec: ModelSpec) -> tuple[TensorInfo, ...]:
    """Return the outputs as they really are: what a file declares may be missing or wrong."""
    empty = np.zeros((1, 3, spec.input.height, spec.input.width), dtype=np.uint8)
    try:
        outputs = session.run({PLANES: empty})
    except EngineFailedError as error:
        size = f"{spec.input.width} × {spec.input.height}"
        raise UnsupportedModelError(
            f"a model that runs on one picture of {size}; {error}"
        ) from error
    return tuple(_describe(name, value) for name, value in outputs.items())


def _describe(name: str, value: object) -> TensorInfo:
    if not isinstance(value, np.ndarray):
        return TensorInfo(name, type(value).__name__, ())
    return TensorInfo(name, str(value.dtype), value.shape)


def _takes_batches(session: Session, spec: ModelSpec) -> bool:
    """Return whether two pictures at once give what each gives alone.

    Tried instead of believed: a batch axis may be declared dynamic and yet be fixed inside, or the
    other way round.
    """
    if spec.max_batch == 1:
        return False
    shape = (2, 3, spec.input.height, spec.input.width)
    pictures = np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)
    try:
        together = session.run({PLANES: pictures})
        alone = [session.run({PLANES: pictures[i : i + 1]}) for i in range(2)]
    except EngineFailedError as error:
        logger.info("the model takes one picture at a time: %s", error)
        return False
    return all(
        _same(value, np.concatenate([one[name] for one in alone]))
        for name, value in together.items()
    )


def _same(left: Tensor, right: Tensor) -> bool:
    if left.shape != right.shape:
        return False
    allowed = SAME * float(np.abs(right[np.isfinite(right)]).max(initial=0))
    return bool(np.allclose(left, right, rtol=0, atol=allowed, equal_nan=True))


def compile_surface(checked: CheckedModel) -> bytes | None:
    """Return the surface form, None if the model cannot have one: its planes form serves then."""
    try:
        model = surface_form(checked.model, checked.spec, checked.vendor, checked.decoder)
        surface: bytes = model.SerializeToString()
        Session(surface, checked.session.provider)
    except (ModelRejectedError, RuntimeError, ValueError) as error:
        logger.warning("no form of this model takes whole surfaces: %s", error)
        return None
    return surface
