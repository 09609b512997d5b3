"""Algorithm packages as the product serves them, without a daemon around."""

from pathlib import Path

from cad.analysis.engines.compiler import check_model, compile_model
from cad.analysis.engines.onnx_engine import OnnxEngine, open_engine
from cad.analysis.engines.session import choose_provider
from cad.domain.models import PreparedModel
from cad.domain.packages import AlgorithmManifest, ServiceOrder, ServiceSettings
from cad.wire.manifest import MANIFEST_NAME, read_manifest

PACKAGES = Path(__file__).parent.parent / "plugins"
CLIP = Path(__file__).parent.parent / "cad" / "sim" / "media" / "pedestrians.mp4"


def manifest_of(package: str) -> AlgorithmManifest:
    """Return the manifest of the algorithm in a folder of `plugins`."""
    text = (PACKAGES / package / MANIFEST_NAME).read_bytes()
    return read_manifest(text).algorithms[0]


def model_of(package: str) -> Path:
    """Return the vendor's plain model."""
    return PACKAGES / package / manifest_of(package).model_path


def compiled_order(package: str, folder: Path, accelerator: str = "cpu") -> ServiceOrder:
    """Compile a package into `folder` and return the order to serve it."""
    manifest = manifest_of(package)
    checked = check_model(model_of(package), manifest.model, choose_provider(accelerator))
    compiled = compile_model(checked, folder)
    prepared = PreparedModel(
        digest=compiled.digest,
        provider=compiled.provider,
        compiled_dir=str(folder),
        cpu_seconds_per_frame=0.0,
        sample_boxes=0,
    )
    return ServiceOrder(
        service_id=manifest.code,
        model=manifest.model,
        settings=ServiceSettings(),
        prepared=prepared,
    )


def open_package(package: str, folder: Path, accelerator: str = "cpu") -> OnnxEngine:
    """Compile a package into `folder` and load it."""
    return open_engine(compiled_order(package, folder, accelerator), accelerator)
