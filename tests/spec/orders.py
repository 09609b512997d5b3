"""Orders of tasks to vary."""

import copy
from typing import Any

from tests.spec import example

URL = "rtsp://camera:s3cret@10.1.2.3:554/live"
TASKS = ["/CAP/AlgoTasks", "/CAD/machine/algoTasks"]


def order(**changes: Any) -> Any:
    """Return the example of G.2 with a stream and a destination that this device serves.

    Each change names a member of the rule, or `url`, `video` (members of videoStreamOptions).
    """
    body = copy.deepcopy(example("G.2-create-task.request"))
    rule, video = rule_of(body), video_of(body)
    rule["destinations"] = {"HTTPDest": {"url": "http://up:s3cret@127.0.0.1:9/events"}}
    video["url"] = changes.pop("url", URL)
    video.update(changes.pop("video", {}))
    rule.update(changes)
    return body


def rule_of(body: Any) -> Any:
    return body["taskInfo"]["rulesParams"][0]


def video_of(body: Any) -> Any:
    return body["taskInfo"]["streamOptions"]["videoStreamOptions"]


def points(*pairs: tuple[float, float]) -> list[dict[str, float]]:
    return [{"x": x, "y": y} for x, y in pairs]


def area(kind: str, *pairs: tuple[float, float]) -> dict[str, Any]:
    return {"areaid": 0, "areaType": kind, "points": points(*pairs)}
