"""What a package says of its model (manifest member `model`), and what compiling it gave."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from cad.base.errors import UnavailableError
from cad.domain.frames import Align, Boxes, Color, PlaneLayout, Planes, Resize


class Layout(StrEnum):
    """Order of the axes of the vendor model's input."""

    NCHW = "NCHW"
    NHWC = "NHWC"


class NmsScope(StrEnum):
    """Among which boxes overlapping ones are suppressed."""

    CLASS = "class"
    GLOBAL = "global"


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelInput:
    """How the vendor's plain model wants its pixels."""

    width: int
    height: int
    resize: Resize = Resize.LETTERBOX
    color: Color = Color.RGB
    layout: Layout = Layout.NCHW
    mean: tuple[float, float, float] = (0.0, 0.0, 0.0)
    """Subtracted, in 0..255 units, in the order of `color`."""
    std: tuple[float, float, float] = (1.0, 1.0, 1.0)
    """Divided by, in 0..255 units, in the order of `color`."""
    pad_value: int = 0
    align: Align = Align.TOP_LEFT

    @property
    def plane_layout(self) -> PlaneLayout:
        """The raw planes that a compiled model takes."""
        return PlaneLayout(
            width=self.width,
            height=self.height,
            resize=self.resize,
            align=self.align,
            color=self.color,
            pad_value=self.pad_value,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelSpec:
    """Manifest member `model` of a BIN package."""

    task: str
    """`detect`."""
    decoder: str
    """Name in the entry point group `cad.decoders`."""
    labels: tuple[str, ...]
    """All classes in index order."""
    keep: tuple[str, ...] = ()
    """Names that are reported; empty = all."""
    max_batch: int = 8
    score_threshold: float = 0.4
    nms_iou: float = 0.5
    nms: NmsScope = NmsScope.CLASS
    input: ModelInput
    sample: str = ""
    """Picture inside the archive for the dry run."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PreparedModel:
    """What preparing a package (compile, dry run, measure) gave. Valid for one device only."""

    digest: str
    """SHA-256 of the vendor's model file, hex."""
    provider: str
    """The execution provider that the session really got."""
    compiled_dir: str
    """Absolute path of the compiled package."""
    cpu_seconds_per_frame: float
    """Processor (or device) seconds for one frame: pre-processing, inference and finishing."""
    sample_boxes: int
    """Boxes found on the package's own sample at its own threshold."""


class EngineFailedError(UnavailableError):
    """The engine cannot infer any more (device lost, out of memory); load the service again."""

    code = 50302


class Engine(Protocol):
    """One loaded, compiled model. Any number of threads may call `infer` at once."""

    @property
    def layout(self) -> PlaneLayout:
        """What `infer` takes."""

    @property
    def labels(self) -> tuple[str, ...]:
        """Names of the classes in index order."""

    @property
    def max_batch(self) -> int:
        """Largest number of pictures in one call."""

    @property
    def provider(self) -> str:
        """The execution provider that runs it."""

    def infer(
        self, planes: list[Planes], sizes: list[tuple[int, int]], threshold: float
    ) -> list[Boxes]:
        """Detect objects; one result for each picture, in order.

        Args:
            planes: 1..max_batch pictures as `layout` says.
            sizes: width, height of the source picture of each.
            threshold: boxes of a lower score are left out. Suppression is by descending score, so
                a lower threshold adds boxes and changes none of the others.

        Raises:
            EngineFailedError: the session is lost; the service must be loaded again.
        """

    def close(self) -> None:
        """Release the device. Idempotent; no call may be running."""
