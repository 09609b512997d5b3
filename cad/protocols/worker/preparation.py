"""What the daemon and the child that prepares a package say to each other.

The child reads one `PrepareRequest` as JSON from standard input and writes JSON lines to standard
output: any number of `PrepareStep`, then one `Prepared` or `PrepareRefused`.
"""

import msgspec

from cad.domain.models import ModelSpec, PreparedModel


class PrepareRequest(msgspec.Struct, frozen=True):
    """Compile, dry-run and measure one model."""

    model_path: str
    spec: ModelSpec
    sample_path: str
    """Empty = the package brought no sample; a grey picture is used."""
    output_dir: str
    """Absolute; exists, is empty, and becomes the compiled package."""
    accelerator: str
    """`auto`, `cpu` or `cuda`."""


class PrepareStep(msgspec.Struct, frozen=True, tag=True):
    """A step begins: `check`, `compile`, `dry_run`, `measure`."""

    step: str


class Prepared(msgspec.Struct, frozen=True, tag=True):
    """The package can be served."""

    model: PreparedModel


class PrepareRefused(msgspec.Struct, frozen=True, tag=True):
    """The model is not what its manifest says, or not supported."""

    step: str
    message: str
    """Names what was found: tensors with shapes and types, and what the decoder expects."""


PrepareNews = PrepareStep | Prepared | PrepareRefused
