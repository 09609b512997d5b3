"""What an event document looks like, member by member (design, contracts, "Event")."""

import base64
import io
import re
import uuid
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from PIL import Image

Check = Callable[[Any], bool]

ZONE = ZoneInfo("Asia/Shanghai")
LOCAL = re.compile(r"\d{4}-\d{2}-\d{2} \d{2}:\d{2}:\d{2}\.\d{3}")
UTC = re.compile(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}\.\d{3}Z")


def _exactly(wanted: object) -> Check:
    return lambda given: type(given) is type(wanted) and given == wanted


def _whole(lowest: int) -> Check:
    return lambda given: type(given) is int and given >= lowest


def _share(given: object) -> bool:
    return isinstance(given, int | float) and not isinstance(given, bool) and 0 <= given <= 1


def _text(pattern: re.Pattern[str]) -> Check:
    return lambda given: isinstance(given, str) and pattern.fullmatch(given) is not None


def _is_uuid(given: object) -> bool:
    return isinstance(given, str) and str(uuid.UUID(given)) == given


def _seconds(given: object) -> bool:
    return isinstance(given, float | int) and not isinstance(given, bool) and given >= 0


BOX: Mapping[str, Check] = dict.fromkeys(("x", "y", "width", "height"), _share)
TARGET: Mapping[str, Check] = {
    "trackId": _whole(1),
    "label": _exactly("person"),
    "score": _share,
    "box": lambda given: not problems(given, BOX),
    "attributes": _exactly({}),
}
IMAGE: Mapping[str, Check] = {
    "contentType": _exactly("image/jpeg"),
    "data": lambda given: isinstance(given, str),
}


def event_members(
    *, event_type: str, area: Mapping[str, object], is_line: bool, **own: object
) -> Mapping[str, Check]:
    """Return the check of every member that an event has, no more and no less.

    `own` are members with the one value that they must have.
    """
    line = {"direction": lambda given: given in {"LEFT_TO_RIGHT", "RIGHT_TO_LEFT"}}
    return {
        "eventId": _is_uuid,
        "sequence": _whole(1),
        "eventType": _exactly(event_type),
        "ruleIndex": _exactly(0),
        "eventTime": _text(LOCAL),
        "eventTimeUtc": _text(UTC),
        "clockSynchronised": lambda given: isinstance(given, bool),
        "area": _exactly(dict(area)),
        "frame": lambda given: not problems(given, {**_FRAME, "pts": _seconds}),
        "targets": lambda given: bool(given) and not any(problems(t, TARGET) for t in given),
        "images": lambda given: not problems(given, _IMAGES),
        **(line if is_line else {}),
        **{name: _exactly(value) for name, value in own.items()},
    }


_FRAME: Mapping[str, Check] = {"width": _exactly(768), "height": _exactly(576)}
_IMAGES: Mapping[str, Check] = {
    "full": lambda given: not problems(given, IMAGE),
    "crop": lambda given: not problems(given, IMAGE),
}


def problems(given: object, members: Mapping[str, Check]) -> list[str]:
    """Return what is missing, what is too much and what is not as it should be."""
    if not isinstance(given, dict):
        return [f"no object: {given!r}"]
    wrong = [name for name in members if name in given and not members[name](given[name])]
    return [
        *(f"missing: {name}" for name in members.keys() - given.keys()),
        *(f"unknown: {name}" for name in given.keys() - members.keys()),
        *(f"{name}: {str(given[name])[:200]}" for name in wrong),
    ]


def disagreements(event: Mapping[str, Any]) -> list[str]:
    """Return which members of an event contradict each other."""
    wrong = []
    utc = datetime.fromisoformat(event["eventTimeUtc"])
    if utc.astimezone(ZONE).strftime("%Y-%m-%d %H:%M:%S.%f")[:-3] != event["eventTime"]:
        wrong.append("the two times")
    full, crop = (_size(event["images"][name]["data"]) for name in ("full", "crop"))
    if full != (event["frame"]["width"], event["frame"]["height"]):
        wrong.append(f"the picture is {full}")
    if not (0 < crop[0] <= full[0] and 0 < crop[1] <= full[1]):
        wrong.append(f"the crop is {crop}")
    for target in event["targets"]:
        box = target["box"]
        if box["x"] + box["width"] > 1.000002 or box["y"] + box["height"] > 1.000002:
            wrong.append(f"the box {box}")
    return wrong


def _size(data: str) -> tuple[int, int]:
    with Image.open(io.BytesIO(base64.b64decode(data, validate=True))) as picture:
        picture.load()
        return picture.size
