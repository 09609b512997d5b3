"""From Table G.8 to a task (AM-102..AM-111)."""

import contextlib
import json
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cad.base.errors import BadValueError, MissingFieldError, RefusedError
from cad.domain.destinations import HttpDestination
from cad.domain.rules import Area, AreaType, Point
from cad.domain.streams import Transport
from cad.domain.tasks import NewTask, RestartPolicy
from cad.wire.new_task import read_new_task
from tests.spec.orders import area, order, points, rule_of, video_of

ZONE = ZoneInfo("Asia/Shanghai")


def read(body: Any) -> NewTask:
    return read_new_task(body, ZONE)


@pytest.mark.row("CAP-25")
def test_the_printed_order_becomes_a_task() -> None:
    task = read(order())
    assert task.service_id == "megvii/cloud/megcity-a2_2"
    assert task.restart_policy is RestartPolicy.ALWAYS
    assert (task.cabin_name, task.version) == ("megcity-a2", "2.0.1")
    [rule] = task.rules
    assert (rule.event_type, rule.duration, rule.repeat) == ("ILLEGAL_ADV", 1, 720)
    assert rule.score_offset == pytest.approx(0.15)
    corners = (Point(0, 1), Point(1, 1), Point(1, 0), Point(0, 0))
    assert rule.areas == (Area(0, AreaType.POLYGON, corners),)
    assert task.destinations == ((HttpDestination("http://up:s3cret@127.0.0.1:9/events"),),)


def test_the_whole_order_is_kept_for_the_echo() -> None:
    kept = json.loads(read(order(custom={"a": 1})).task_info)
    assert rule_of({"taskInfo": kept})["custom"] == {"a": 1}
    assert kept["streamOptions"]["videoStreamOptions"]["resolution"] == "PIXELS_200W"
    assert kept["rulesParams"][0]["areas"][0]["areaid"] == 0


def test_what_the_device_does_not_need_may_be_absent() -> None:
    body = order()
    del body["taskInfo"]["labels"], rule_of(body)["areas"], video_of(body)["resolution"]
    del rule_of(body)["extendParams"], rule_of(body)["labels"], rule_of(body)["masks"]
    task = read(body)
    assert (task.cabin_name, task.rules[0].areas, task.rules[0].repeat) == ("", (), None)


@pytest.mark.parametrize(
    "path",
    [
        "algoServiceId",
        "restartPolicy",
        "taskInfo",
        "taskInfo.rulesParams",
        "taskInfo.streamOptions",
        "taskInfo.streamOptions.videoStreamOptions",
        "taskInfo.streamOptions.videoStreamOptions.url",
        "taskInfo.rulesParams[0].destinations",
        "taskInfo.rulesParams[0].eventType",
        "taskInfo.rulesParams[0].areas[0].areaType",
        "taskInfo.rulesParams[0].areas[0].points",
        "taskInfo.rulesParams[0].areas[0].points[0].x",
    ],
)
@pytest.mark.parametrize("how", ["absent", "null"])
def test_a_missing_member_is_named(path: str, how: str) -> None:
    body = order()
    *parents, last = path.replace("[0]", ".0").split(".")
    place = body
    for step in parents:
        place = place[int(step) if step == "0" else step]
    place[last] = None
    if how == "absent":
        del place[last]
    with pytest.raises(MissingFieldError) as error:
        read(body)
    assert error.value.field == path


@pytest.mark.parametrize("member", ["eventType", "extendParams", "labels", "masks"])
def test_a_member_of_the_rule_is_found_inside_destinations(member: str) -> None:
    body = order(labels={"gate": "3"}, masks=[area("POLYGON", (0, 0), (0, 1), (1, 1))])
    wanted = read(body)
    rule = rule_of(body)
    rule["destinations"][member] = rule.pop(member)
    assert read(body).rules == wanted.rules


@pytest.mark.parametrize("member", ["eventType", "extendParams", "masks"])
def test_a_member_of_the_rule_is_found_inside_task_info(member: str) -> None:
    body = order()
    wanted = read(body)
    body["taskInfo"][member] = rule_of(body).pop(member)
    assert read(body).rules == wanted.rules


def test_the_rule_itself_wins_over_other_places() -> None:
    body = order()
    body["taskInfo"]["eventType"] = rule_of(body)["destinations"]["eventType"] = "OTHER"
    assert read(body).rules[0].event_type == "ILLEGAL_ADV"


@pytest.mark.parametrize(
    ("kind", "count", "good"),
    [
        ("POLYGON", 2, False),
        ("POLYGON", 3, True),
        ("SINGLE_LINE", 1, False),
        ("SINGLE_LINE", 2, True),
        ("SINGLE_LINE_BOTH", 3, False),
        ("MULTI_LINE", 2, False),
        ("MULTI_LINE_BOTH", 3, True),
        ("POLYGON", 129, False),
    ],
)
@pytest.mark.row("CAP-26")
def test_the_number_of_points_fits_the_type(kind: str, count: int, *, good: bool) -> None:
    pairs = [(number / 300, (number / 300) ** 2) for number in range(count)]
    body = order(areas=[area(kind, *pairs)])
    with contextlib.nullcontext() if good else pytest.raises(BadValueError, match=r"points"):
        assert len(read(body).rules[0].areas[0].points) == count


@pytest.mark.parametrize("kind", ["POLYGON", "SINGLE_LINE", "MULTI_LINE"])
def test_points_in_one_place_make_no_area(kind: str) -> None:
    same = [(0.5, 0.5)] * (2 if kind == "SINGLE_LINE" else 3)
    with pytest.raises(BadValueError, match="not 1 different"):
        read(order(areas=[area(kind, *same)]))


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -0.1, 1e9, "x", None, []])
def test_a_coordinate_that_is_none_is_refused(value: Any) -> None:
    body = order()
    rule_of(body)["areas"][0]["points"][1]["y"] = value
    with pytest.raises(RefusedError, match=r"areas\[0\]\.points\[1\]\.y"):
        read(body)


def test_a_value_over_one_means_pixels() -> None:
    rule = read(order(areas=[area("POLYGON", (0, 0), (1920, 0), (1920, 1080))])).rules[0]
    assert rule.areas[0].in_pixels


def test_an_area_without_an_id_has_its_place_and_masks_are_polygons() -> None:
    corners = points((0, 0), (0, 1), (1, 1))
    line = {"areaType": "SINGLE_LINE", "points": corners[:2]}
    rule = read(order(areas=[line, line], masks=[{"points": corners}])).rules[0]
    assert [line.area_id for line in rule.areas] == [0, 1]
    assert rule.masks[0].kind is AreaType.POLYGON


@pytest.mark.parametrize(
    ("sensitivity", "offset"), [("低", 0.15), ("medium", 0.0), ("HIGH", -0.15), ("", 0.0)]
)
@pytest.mark.row("CAP-27")
def test_sensitivity_moves_the_threshold(sensitivity: str, offset: float) -> None:
    rule = read(order(extendParams={"sensitivity": sensitivity})).rules[0]
    assert rule.score_offset == pytest.approx(offset)


@pytest.mark.parametrize(
    "parameters",
    [
        {"sensitivity": "extreme"},
        {"durationThreshold": -1},
        {"repeatAlarmIntervalThreshold": float("inf")},
        {"other": float("nan")},
    ],
)
def test_a_parameter_that_means_nothing_is_refused(parameters: Any) -> None:
    with pytest.raises(BadValueError):
        read(order(extendParams=parameters))


def test_the_extension_members_of_a_stream_are_read() -> None:
    task = read(order(video={"analysisFps": 0, "transport": "udp", "activityGating": "off"}))
    assert (task.analysis_rate, task.source.transport) == (0, Transport.UDP)
    assert read(order(url="file:///media/a b.mp4", video={"loop": True})).source.loop


def test_playback_is_refused_by_name() -> None:
    video = {"startTime": "2026-11-22 10:00:00", "endTime": "2026-11-22T03:00:00Z"}
    with pytest.raises(BadValueError, match="playback by time is not served"):
        read(order(video=video))


@pytest.mark.parametrize(
    ("url", "video", "field"),
    [
        ("rtsp://h/x", {"loop": True}, "loop"),
        ("file:///x", {"transport": "tcp"}, "transport"),
        ("rtsp://h/x", {"transport": "sctp"}, "transport"),
        ("rtsp://h/x", {"analysisFps": -1}, "analysisFps"),
        ("rtsp://h/x", {"analysisFps": 5e-324}, "analysisFps"),
        ("rtsp://h/x", {"analysisFps": 0.0099}, "analysisFps"),
        ("rtsp://h/x", {"activityGating": "on"}, "activityGating"),
        ("rtsp://h/x", {"startTime": "yesterday"}, "startTime"),
        ("rtsp://h/x", {"startTime": "2026-01-02", "endTime": "2026-01-01"}, "endTime"),
        ("file://host/x", {}, "url"),
        ("rtsp:///x", {}, "url"),
        ("rtsp://h\n/x", {}, "url"),
        ("iot://h", {}, "url"),
        ("https://h/live.flv", {}, "url"),
        ("", {}, "url"),
        ("x" * 5000, {}, "url"),
    ],
)
def test_a_stream_that_cannot_be_opened_is_refused(url: str, video: Any, field: str) -> None:
    with pytest.raises(BadValueError) as error:
        read(order(url=url, video=video))
    assert error.value.field == f"taskInfo.streamOptions.videoStreamOptions.{field}"


def test_pictures_by_view_library_are_refused_by_name() -> None:
    body = order()
    body["taskInfo"]["streamOptions"] = {"imageStreamOptions": {"protocol": "GA1400"}}
    with pytest.raises(BadValueError, match="GA/T 1400 pictures are not served"):
        read(body)


def test_names_of_members_match_in_any_case() -> None:
    body = order()
    options = body["taskInfo"]["streamOptions"]
    options["VideoStreamOptions"] = options.pop("videoStreamOptions")
    first = rule_of(body)["areas"][0]
    first["AreaId"] = first.pop("areaid") + 7
    assert read(body).rules[0].areas[0].area_id == 7


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)
paths = st.lists(st.integers(0, 8), min_size=1, max_size=8)


@given(json_values)
def test_any_json_becomes_a_task_or_a_refusal(value: Any) -> None:
    with contextlib.suppress(RefusedError):
        read(value)


@given(paths, json_values)
def test_any_change_of_a_good_order_makes_a_task_or_a_refusal(path: list[int], value: Any) -> None:
    body = order()
    place: Any = body
    for step in path:
        keys = list(place) if isinstance(place, dict) else list(range(len(place)))
        key = keys[step % len(keys)]
        if not place[key] or not isinstance(place[key], dict | list):
            break
        place = place[key]
    place[next(iter(place)) if isinstance(place, dict) else 0] = value
    with contextlib.suppress(RefusedError):
        assert json.loads(read(body).task_info)
