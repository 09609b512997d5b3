"""Events drawn on their pictures."""

import io

import pytest
from PIL import Image

from cad.base.errors import BadValueError
from cad.domain.rules import Area, AreaType, Point
from cad.sim.annotate import AREA, FOOT, TARGET, annotate
from cad.wire.event import EventDocument
from tests.sim.platform.test_receiver import event

TARGETS = [
    {
        "trackId": 7,
        "label": "person",
        "score": 0.91,
        "box": {"x": 0.5, "y": 0.25, "width": 0.1, "height": 0.5},
    }
]
SQUARE = (Point(0.1, 0.2), Point(0.4, 0.2), Point(0.4, 0.8), Point(0.1, 0.8))


def picture() -> bytes:
    file = io.BytesIO()
    Image.new("RGB", (640, 360), (90, 90, 90)).save(file, "JPEG")
    return file.getvalue()


def drawn(*areas: Area) -> Image.Image:
    document = EventDocument.read(event(targets=TARGETS, direction="LEFT_TO_RIGHT"))
    return Image.open(io.BytesIO(annotate(document, picture(), areas)))


def is_near(image: Image.Image, x: float, y: float, colour: tuple[int, int, int]) -> bool:
    pixel = image.getpixel((round(x * 640), round(y * 360)))
    assert isinstance(pixel, tuple)
    return all(abs(a - b) < 80 for a, b in zip(pixel, colour, strict=True))


def test_target_and_foot_point_are_marked() -> None:
    image = drawn()
    assert image.size == (640, 360)
    assert is_near(image, 0.5, 0.5, TARGET)
    assert is_near(image, 0.55, 0.75, FOOT)


@pytest.mark.parametrize("kind", AreaType)
def test_every_kind_of_area_is_drawn(kind: AreaType) -> None:
    image = drawn(Area(0, kind, SQUARE))
    assert is_near(image, 0.25, 0.2, AREA)
    assert is_near(image, 0.1, 0.5, AREA) == (kind is AreaType.POLYGON)


def test_an_area_in_pixels_is_drawn_at_its_place() -> None:
    points = tuple(Point(x * 640, y * 360) for x, y in SQUARE)
    assert is_near(drawn(Area(0, AreaType.POLYGON, points, in_pixels=True)), 0.1, 0.5, AREA)


def test_what_is_no_picture_is_refused() -> None:
    with pytest.raises(BadValueError, match="JPEG"):
        annotate(EventDocument.read(event()), b"GIF89a", [])
