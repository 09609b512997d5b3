"""Pictures and an engine that keep the contracts of the domain without decoding or inferring."""

import io
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from typing_extensions import override

from cad.analysis.pipeline.service import CPU_PROVIDER, Service
from cad.domain.frames import Align, Boxes, Color, Frame, PlaneLayout, Planes, Resize
from cad.domain.ids import ServiceId
from cad.domain.models import ModelInput, ModelSpec, PreparedModel
from cad.domain.packages import ServiceOrder, ServiceSettings

LAYOUT = PlaneLayout(
    width=8, height=8, resize=Resize.STRETCH, align=Align.CENTER, color=Color.RGB, pad_value=0
)
NOTHING: Boxes = np.zeros((0, 6), np.float32)


@dataclass
class Shade:
    """A picture of one shade, which is also its number; it counts how often it is scaled."""

    number: int
    width: int = 640
    height: int = 480
    conversions: int = 0

    def planes(self, layout: PlaneLayout) -> Planes:
        self.conversions += 1
        return np.full((3, layout.height, layout.width), self.number % 256, np.uint8)

    def jpeg(self, crop: tuple[int, int, int, int] | None = None) -> bytes:
        x1, y1, x2, y2 = crop or (0, 0, self.width, self.height)
        target = io.BytesIO()
        Image.new("L", (x2 - x1, y2 - y1), self.number % 256).save(target, "JPEG")
        return target.getvalue()


class Torn(Shade):
    """A picture that cannot be scaled."""

    @override
    def planes(self, layout: PlaneLayout) -> Planes:
        raise ValueError("no such pixel format")


class Smeared(Shade):
    """A picture of which no JPEG can be made."""

    @override
    def jpeg(self, crop: tuple[int, int, int, int] | None = None) -> bytes:
        raise OSError("encoder error -2")


def frame(number: int, fps: float = 10.0, picture: Shade | None = None) -> Frame:
    seconds = number / fps
    moment = datetime(2026, 11, 22, 2, 0, tzinfo=UTC)
    return Frame(picture or Shade(number), seconds, moment, seconds)


def person(x: float, y: float, score: float = 0.9) -> list[float]:
    """One row of boxes: a person of 40 × 100 pixels whose foot point is x, y."""
    return [x - 20, y - 100, x + 20, y, score, 0]


def nobody(number: int) -> list[list[float]]:
    return []


def somebody(number: int) -> list[list[float]]:
    return [person(320, 240)]


@dataclass
class ShadeEngine:
    """An engine that sees in each picture what `sees` says for its number."""

    sees: Callable[[int], list[list[float]]] = nobody
    before: Callable[[int], None] = lambda number: None
    """Called with the number of each picture before its result is given; may block or raise."""
    max_batch: int = 8
    provider: str = CPU_PROVIDER
    layout: PlaneLayout = LAYOUT
    labels: tuple[str, ...] = ("person", "car")
    calls: list[list[int]] = field(default_factory=list)
    thresholds: list[float] = field(default_factory=list)
    closed: bool = False
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def infer(
        self, planes: list[Planes], sizes: list[tuple[int, int]], threshold: float
    ) -> list[Boxes]:
        assert 1 <= len(planes) == len(sizes) <= self.max_batch
        assert not self.closed
        numbers = [int(each[0, 0, 0]) for each in planes]
        with self._lock:
            self.calls.append(numbers)
            self.thresholds.append(threshold)
        for number in numbers:
            self.before(number)
        return [self._boxes(number, threshold) for number in numbers]

    def close(self) -> None:
        self.closed = True

    @property
    def seen(self) -> list[int]:
        """The numbers of all pictures, in the order in which they came."""
        return [number for call in self.calls for number in call]

    def _boxes(self, number: int, threshold: float) -> NDArray[np.float32]:
        rows = [row for row in self.sees(number) if row[4] >= threshold]
        return np.array(rows, np.float32).reshape(-1, 6)


def order(
    name: str = "person", settings: ServiceSettings | None = None, seconds: float = 0.01
) -> ServiceOrder:
    """An order to serve a person detector."""
    return ServiceOrder(
        service_id=ServiceId(name),
        model=ModelSpec(
            task="detect",
            decoder="none",
            labels=("person", "car"),
            input=ModelInput(width=8, height=8),
        ),
        settings=settings or ServiceSettings(),
        prepared=PreparedModel(
            digest="",
            provider=CPU_PROVIDER,
            compiled_dir="/nowhere",
            cpu_seconds_per_frame=seconds,
            sample_boxes=1,
        ),
    )


def service(engine: ShadeEngine, name: str = "person", seconds: float = 0.01) -> Service:
    return Service(order(name, seconds=seconds), engine)


def until(met: Callable[[], object], seconds: float = 10.0) -> None:
    """Wait for a condition that another thread brings about."""
    deadline = time.monotonic() + seconds
    while not met():
        assert time.monotonic() < deadline, "the condition was not met in time"
        time.sleep(0.001)
