"""The engine of BIN packages: a compiled model on onnxruntime, finished in numpy."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from cad.analysis.engines.labels import kept_classes
from cad.analysis.engines.package import PLANES_FILE, CompiledPackage, read_package
from cad.analysis.engines.placement import to_source
from cad.analysis.engines.planes_form import PLANES
from cad.analysis.engines.registry import bind_decoder
from cad.analysis.engines.session import ModelRejectedError, Session, choose_provider
from cad.analysis.engines.settings import effective_spec
from cad.analysis.engines.suppression import by_score, suppress
from cad.base.errors import UnavailableError
from cad.domain.decoders import Decoder, Tensor
from cad.domain.frames import Boxes, PlaneLayout, Planes
from cad.domain.models import EngineFailedError, ModelSpec
from cad.domain.packages import ServiceOrder


class OnnxEngine:
    """One compiled model. Any number of threads may call `infer` at once on its session."""

    def __init__(
        self, spec: ModelSpec, session: Session, decoder: Decoder, package: CompiledPackage
    ) -> None:
        self._spec, self._decoder, self._batched = spec, decoder, package.batched
        self._session: Session | None = session
        kept = kept_classes(spec)
        self._is_kept = np.isin(np.arange(len(spec.labels)), kept) if kept is not None else None
        self.layout: PlaneLayout = spec.input.plane_layout
        self.labels = spec.labels
        self.max_batch = spec.max_batch
        self.provider = session.provider

    def infer(
        self, planes: list[Planes], sizes: list[tuple[int, int]], threshold: float
    ) -> list[Boxes]:
        """Detect objects; one result for each picture, in order.

        Args:
            planes: 1..max_batch pictures as `layout` says.
            sizes: width, height of the source picture of each.
            threshold: boxes of a lower score are left out.

        Raises:
            EngineFailedError: the session is lost or the engine is closed.
        """
        if self._batched:
            outputs = self._run(_as_batch(planes))
            return [
                self._finish(outputs, picture, size, threshold)
                for picture, size in enumerate(sizes)
            ]
        return [
            self._finish(self._run(picture[None]), 0, size, threshold)
            for picture, size in zip(planes, sizes, strict=True)
        ]

    def close(self) -> None:
        """Release the device. Idempotent; no call may be running."""
        self._session = None

    def _run(self, batch: Tensor) -> dict[str, Tensor]:
        if self._session is None:
            raise EngineFailedError("the engine is closed")
        return self._session.run({PLANES: batch})

    def _finish(
        self, outputs: dict[str, Tensor], picture: int, size: tuple[int, int], threshold: float
    ) -> Boxes:
        # A model may give infinities and NaN, of which no boxes come.
        with np.errstate(over="ignore", invalid="ignore"):
            return self._boxes(outputs, picture, size, threshold)

    def _boxes(
        self, outputs: dict[str, Tensor], picture: int, size: tuple[int, int], threshold: float
    ) -> Boxes:
        found = self._decoder.decode(outputs, picture, threshold)
        if self._decoder.suppressed:
            found = by_score(found)
        else:
            found = suppress(found, self._spec.nms_iou, self._spec.nms)
        boxes = to_source(found, self.layout, size)
        return boxes if self._is_kept is None else boxes[self._is_kept[boxes[:, 5].astype(np.intp)]]


def open_engine(order: ServiceOrder, accelerator: str) -> OnnxEngine:
    """Load the compiled package of `order` on the best device that `accelerator` allows.

    Raises:
        UnavailableError: the compiled package or the device is not there, or does not take the
            model.
        RefusedError: the settings contradict the model.
    """
    spec = effective_spec(order.model, order.settings)
    folder = Path(order.prepared.compiled_dir)
    package = read_package(folder)
    decoder = bind_decoder(spec, package.outputs)
    try:
        model, provider = (folder / PLANES_FILE).read_bytes(), choose_provider(accelerator)
        session = Session(model, provider, cache=folder)
    except (ModelRejectedError, OSError) as error:
        raise UnavailableError(f"service {order.service_id} cannot be loaded: {error}") from error
    return OnnxEngine(spec, session, decoder, package)


def _as_batch(planes: Sequence[Planes]) -> Tensor:
    """Return (N, 3, H, W) uint8; a single picture is not copied."""
    return planes[0][None] if len(planes) == 1 else np.stack(planes)
