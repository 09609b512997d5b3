"""Builds the body of a task order (Table G.8) from what a technician types."""

from collections.abc import Sequence

from cad.base.errors import BadValueError
from cad.domain.rules import AreaType
from cad.domain.tasks import RestartPolicy


def points(text: str, field: str) -> list[dict[str, float]]:
    """Return `"x,y x,y …"` as points.

    Raises:
        BadValueError: names the point that is none.
    """
    return [_point(word, field) for word in text.split()]


def task_order(  # noqa: PLR0913 - one keyword for each option of the command
    *,
    service: str,
    url: str,
    event_type: str,
    destination: str,
    polygons: Sequence[str] = (),
    lines: Sequence[str] = (),
    both_ways: bool = False,
    rate: float = 5.0,
    loop: bool = False,
    restart: RestartPolicy = RestartPolicy.ALWAYS,
) -> dict[str, object]:
    """Return the body of G.2 with one rule over the given areas; none = the whole picture."""
    shapes = [(AreaType.POLYGON, points(text, "--polygon")) for text in polygons]
    for text in lines:
        line = points(text, "--line")
        shapes.append((_line_type(len(line), both_ways=both_ways), line))
    areas = [
        {"areaid": number, "areaType": kind.value, "points": shape}
        for number, (kind, shape) in enumerate(shapes)
    ]
    rule = {
        "eventType": event_type,
        "areas": areas,
        "destinations": {"HTTPDest": {"url": destination}},
    }
    video = {"url": url, "analysisFps": rate, "loop": loop}
    return {
        "algoServiceId": service,
        "restartPolicy": restart.value,
        "taskInfo": {
            "rulesParams": [rule],
            "streamOptions": {"videoStreamOptions": video},
        },
    }


def _point(word: str, field: str) -> dict[str, float]:
    try:
        x, y = (float(part) for part in word.split(","))
    except ValueError:
        raise BadValueError("expected points as x,y x,y …", field=field, given=word) from None
    return {"x": x, "y": y}


def _line_type(count: int, *, both_ways: bool) -> AreaType:
    if count == 2:
        return AreaType.SINGLE_LINE_BOTH if both_ways else AreaType.SINGLE_LINE
    return AreaType.MULTI_LINE_BOTH if both_ways else AreaType.MULTI_LINE
