"""The compiled package on disk: `compiled.json` beside the graphs that it describes."""

from pathlib import Path

import msgspec

from cad.base.errors import UnavailableError
from cad.domain.decoders import TensorInfo

DESCRIPTION, PLANES_FILE, SURFACE_FILE = "compiled.json", "model.onnx", "surface.onnx"
FORMAT = 1


class CompiledPackage(msgspec.Struct, frozen=True, kw_only=True):
    """What was compiled, and for which device."""

    format: int = FORMAT
    digest: str
    """SHA-256 of the vendor's file, hex."""
    provider: str
    """The execution provider it was compiled for."""
    batched: bool
    """Whether several pictures may go through in one run."""
    outputs: tuple[TensorInfo, ...]
    """The vendor's outputs, as `model.onnx` gives them for one picture."""
    has_surface: bool
    """Whether `surface.onnx` is there."""


def write_package(
    folder: Path, package: CompiledPackage, planes: bytes, surface: bytes | None
) -> None:
    """Write a compiled package; the description comes last, beside graphs that are whole."""
    (folder / PLANES_FILE).write_bytes(planes)
    if surface is not None:
        (folder / SURFACE_FILE).write_bytes(surface)
    (folder / DESCRIPTION).write_bytes(msgspec.json.encode(package))


def read_package(folder: Path) -> CompiledPackage:
    """Return the description in `folder`.

    Raises:
        UnavailableError: it is absent, damaged or of another format; the package must be prepared
            again.
    """
    try:
        package = msgspec.json.decode((folder / DESCRIPTION).read_bytes(), type=CompiledPackage)
    except (OSError, msgspec.MsgspecError) as error:
        raise UnavailableError(f"compiled package {folder.name} cannot be read: {error}") from error
    if package.format != FORMAT:
        raise UnavailableError(
            f"compiled package {folder.name} has format {package.format}, this version {FORMAT}"
        )
    return package
