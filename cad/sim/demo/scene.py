"""What the demonstration watches for in the clip of pedestrians."""

from collections.abc import Mapping

from cad.domain.rules import Area, AreaType, Point

INTRUSION = "INTRUSION"
LINE_CROSSING = "LINE_CROSSING"

ALGORITHM = "OPEN-PERSON_DETECT-1.0.0"
FILE_PACKAGE = 1

POLYGON = Area(
    0,
    AreaType.POLYGON,
    (Point(0.25, 0.45), Point(0.75, 0.45), Point(0.95, 0.98), Point(0.05, 0.98)),
)
"""The middle of the place."""

TRIPWIRE = Area(0, AreaType.SINGLE_LINE_BOTH, (Point(0.5, 0.2), Point(0.5, 1.0)))
"""From top to bottom through the middle."""


def intrusion(url: str, events: str, *, live: bool = True) -> Mapping[str, object]:
    """Return an order (G.2) that reports who stays for a second at the crossroads."""
    rule = {
        "eventType": INTRUSION,
        "areas": [_area(POLYGON)],
        "extendParams": {"sensitivity": "中", "durationThreshold": 1},
    }
    return _order(url, events, rule, policy="ALWAYS" if live else "NEVER")


def tripwire(url: str, events: str) -> Mapping[str, object]:
    """Return an order (G.2) that reports who crosses the line either way."""
    rule = {"eventType": LINE_CROSSING, "areas": [_area(TRIPWIRE)]}
    return _order(url, events, rule, policy="ALWAYS")


def areas_of(event_type: str) -> list[Area]:
    """Return the areas of the rule that reports `event_type`, to be drawn."""
    return [POLYGON] if event_type == INTRUSION else [TRIPWIRE]


def _area(area: Area) -> Mapping[str, object]:
    points = [point._asdict() for point in area.points]
    return {"areaid": area.area_id, "areaType": area.kind.value, "points": points}


def _order(
    url: str, events: str, rule: Mapping[str, object], *, policy: str
) -> Mapping[str, object]:
    destinations = {"destinations": {"HTTPDest": {"url": events}}}
    return {
        "algoServiceId": ALGORITHM,
        "restartPolicy": policy,
        "taskInfo": {
            "labels": {"algoCabinName": "person-detect", "version": "1.0.0"},
            "rulesParams": [{**rule, **destinations}],
            "streamOptions": {
                "videoStreamOptions": {"url": url, "resolution": "PIXELS_40W", "analysisFps": 5}
            },
        },
    }
