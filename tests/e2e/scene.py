"""The orders of the tests, and what events they lead to."""

import copy
from collections.abc import Mapping
from typing import Any

from cad.sim.demo.scene import ALGORITHM, INTRUSION, LINE_CROSSING, intrusion, tripwire
from tests.e2e.box import CODE
from tests.e2e.documents import Check, event_members

LABELS = {"site": "crossroads"}
INTRUSION_AREA = {"areaid": 0, "areaType": "POLYGON"}
LINE_AREA = {"areaid": 0, "areaType": "SINGLE_LINE_BOTH"}

Order = dict[str, Any]


def intrusion_order(url: str, events: str, *, live: bool = True) -> Order:
    """Who stays for a second at the crossroads, with labels of the caller's."""
    return _labelled(intrusion(url, events, live=live))


def tripwire_order(url: str, events: str) -> Order:
    """Who crosses the line either way, with labels of the caller's."""
    return _labelled(tripwire(url, events))


def looped(order: Order, rate: float = 5) -> Order:
    """A file that begins again at its end, `rate` frames a second analysed."""
    changed = copy.deepcopy(order)
    video = changed["taskInfo"]["streamOptions"]["videoStreamOptions"]
    video.update({"loop": True, "analysisFps": rate})
    return changed


def with_policy(order: Order, policy: str) -> Order:
    return {**order, "restartPolicy": policy}


def intrusion_members(task: str, url: str) -> Mapping[str, Check]:
    """Every member of an event of `intrusion_order`."""
    return event_members(
        event_type=INTRUSION, area=INTRUSION_AREA, is_line=False, **_common(task, url)
    )


def tripwire_members(task: str, url: str) -> Mapping[str, Check]:
    """Every member of an event of `tripwire_order`."""
    return event_members(
        event_type=LINE_CROSSING, area=LINE_AREA, is_line=True, **_common(task, url)
    )


def _common(task: str, url: str) -> dict[str, object]:
    return {
        "deviceCode": CODE,
        "taskId": task,
        "algoServiceId": ALGORITHM,
        "algoPackageCode": ALGORITHM,
        "streamUrl": url,
        "labels": LABELS,
    }


def _labelled(order: Mapping[str, object]) -> Order:
    changed: Order = copy.deepcopy(dict(order))
    changed["taskInfo"]["rulesParams"][0]["labels"] = dict(LABELS)
    return changed
