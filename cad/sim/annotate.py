"""Draws an event on its picture: area or line, targets with their boxes and foot points."""

import io
from collections.abc import Sequence
from dataclasses import replace
from functools import cache

from PIL import Image, ImageDraw, ImageFont

from cad.base.errors import BadValueError
from cad.domain.rules import Area, AreaType, Point
from cad.wire.event import EventBox, EventDocument, EventTarget

AREA = (255, 196, 0)
TARGET = (0, 220, 90)
FOOT = (255, 48, 48)
QUALITY = 90

Corner = tuple[float, float]


def annotate(event: EventDocument, jpeg: bytes, areas: Sequence[Area]) -> bytes:
    """Return `jpeg`, the full picture of `event`, as a JPEG with what was seen drawn on it.

    `areas` are the areas of the event's rule.

    Raises:
        BadValueError: `jpeg` is no picture.
    """
    canvas = _decoded(jpeg)
    draw = ImageDraw.Draw(canvas)
    for area in areas:
        _draw_area(draw, canvas.size, _as_fractions(area, event))
    for target in event.targets:
        _draw_target(draw, canvas.size, target)
    _draw_label(draw, (4, 4), _headline(event), AREA)
    drawn = io.BytesIO()
    canvas.save(drawn, "JPEG", quality=QUALITY)
    return drawn.getvalue()


def _decoded(jpeg: bytes) -> Image.Image:
    try:
        with Image.open(io.BytesIO(jpeg), formats=["JPEG"]) as picture:
            return picture.convert("RGB")
    except OSError as error:
        raise BadValueError("expected a JPEG", field="images.full.data") from error


def _headline(event: EventDocument) -> str:
    direction = f" {event.direction.value}" if event.direction else ""
    return f"{event.event_type}{direction}  {event.event_time}"


def _draw_area(draw: ImageDraw.ImageDraw, size: tuple[int, int], area: Area) -> None:
    corners = [_pixels(point, size) for point in area.points]
    if area.kind is AreaType.POLYGON:
        draw.polygon(corners, outline=AREA, width=_stroke(size))
    else:
        draw.line(corners, fill=AREA, width=_stroke(size))


def _draw_target(draw: ImageDraw.ImageDraw, size: tuple[int, int], target: EventTarget) -> None:
    left, top, right, bottom = _edges(target.box, size)
    draw.rectangle((left, top, right, bottom), outline=TARGET, width=_stroke(size))
    foot, radius = (left + right) / 2, 2 * _stroke(size)
    draw.ellipse((foot - radius, bottom - radius, foot + radius, bottom + radius), fill=FOOT)
    label = f"{target.label} #{target.track_id} {target.score:.2f}"
    _draw_label(draw, (left, max(top - 16, 0)), label, TARGET)


def _draw_label(
    draw: ImageDraw.ImageDraw, corner: Corner, text: str, colour: tuple[int, int, int]
) -> None:
    """Write `text` in `colour` on black, so that it can be read on any picture."""
    draw.rectangle(draw.textbbox(corner, text, font=_font()), fill=(0, 0, 0))
    draw.text(corner, text, fill=colour, font=_font())


@cache
def _font() -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    return ImageFont.load_default(13)


def _as_fractions(area: Area, event: EventDocument) -> Area:
    """Return `area` with points in fractions of the picture (AM-110)."""
    if not area.in_pixels:
        return area
    width, height = event.frame.width, event.frame.height
    points = tuple(Point(x / width, y / height) for x, y in area.points)
    return replace(area, points=points, in_pixels=False)


def _pixels(point: Point, size: tuple[int, int]) -> Corner:
    return point.x * size[0], point.y * size[1]


def _edges(box: EventBox, size: tuple[int, int]) -> tuple[float, float, float, float]:
    """Return left, top, right and bottom in pixels."""
    width, height = size
    left, top = box.x * width, box.y * height
    return left, top, left + box.width * width, top + box.height * height


def _stroke(size: tuple[int, int]) -> int:
    """Return a line width that shows on a picture of this size."""
    return max(2, size[0] // 480)
