"""The engine for pictures that a GPU's decoder has left on the device: see `surface_form`."""

from pathlib import Path

import numpy as np

from cad.analysis.engines.labels import kept_classes
from cad.analysis.engines.package import SURFACE_FILE, read_package
from cad.analysis.engines.session import ModelRejectedError, Session, choose_provider
from cad.analysis.engines.settings import effective_spec
from cad.analysis.engines.surface_form import CHROMA, COLOUR, DETECTIONS, IOU, LUMA, THRESHOLD
from cad.base.errors import UnavailableError
from cad.domain.decoders import Floats, Tensor
from cad.domain.frames import Boxes, Planes
from cad.domain.models import ModelSpec
from cad.domain.packages import ServiceOrder


def _limited_range(red: float, blue: float) -> Floats:
    """Return what makes R, G, B of limited range Y, U, V, 1, given the weights in luma."""
    green = 1 - red - blue
    y, c = 255 / 219, 255 / 112
    from_v, from_u = c * (1 - red), c * (1 - blue)
    rows = np.array(
        [
            [y, 0, from_v],
            [y, -from_u * blue / green, -from_v * red / green],
            [y, from_u, 0],
        ]
    )
    bias = -rows @ np.array([16, 128, 128])
    return np.column_stack((rows, bias)).astype(np.float32)


BT601 = _limited_range(0.299, 0.114)
BT709 = _limited_range(0.2126, 0.0722)
"""Colour matrices (ITU-T H.273), (3, 4) float32."""


class SurfaceEngine:
    """One compiled model that takes NV12 surfaces. Any number of threads may call `infer`."""

    def __init__(self, spec: ModelSpec, session: Session) -> None:
        self._session = session
        self._iou = np.array([spec.nms_iou], dtype=np.float32)
        self._kept = kept_classes(spec)
        self.provider = session.provider

    def infer(
        self, luma: Planes, chroma: Planes, threshold: float, colour: Floats = BT601
    ) -> list[Boxes]:
        """Detect objects in surfaces of one size; one result for each, in order.

        Args:
            luma: (N, H, W) uint8.
            chroma: (N, H/2, W/2, 2) uint8, U and V.
            threshold: boxes of a lower score are left out.
            colour: (3, 4) float32: R, G, B from Y, U, V, 1.

        Raises:
            EngineFailedError: the session is lost.
        """
        inputs: dict[str, Tensor] = {
            LUMA: luma,
            CHROMA: chroma,
            COLOUR: colour,
            THRESHOLD: np.array([threshold], dtype=np.float32),
            IOU: self._iou,
        }
        rows = self._session.run(inputs)[DETECTIONS]
        return [self._pick(rows[rows[:, 0] == picture, 1:]) for picture in range(len(luma))]

    def _pick(self, boxes: Boxes) -> Boxes:
        """Return the boxes that are reported and inside the picture, by descending score."""
        wanted = (boxes[:, 2] > boxes[:, 0]) & (boxes[:, 3] > boxes[:, 1])
        if self._kept is not None:
            wanted &= np.isin(boxes[:, 5], self._kept)
        boxes = boxes[wanted]
        return boxes[np.argsort(-boxes[:, 4], kind="stable")]


def open_surface_engine(order: ServiceOrder, accelerator: str) -> SurfaceEngine:
    """Load the surface form of the compiled package of `order`.

    Raises:
        UnavailableError: the package was compiled for a CPU, or the device does not take it.
        RefusedError: the settings contradict the model.
    """
    folder = Path(order.prepared.compiled_dir)
    if not read_package(folder).has_surface:
        raise UnavailableError(f"service {order.service_id} was not compiled for surfaces")
    try:
        session = Session((folder / SURFACE_FILE).read_bytes(), choose_provider(accelerator))
    except (ModelRejectedError, OSError) as error:
        raise UnavailableError(f"service {order.service_id} cannot be loaded: {error}") from error
    return SurfaceEngine(effective_spec(order.model, order.settings), session)
