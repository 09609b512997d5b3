"""A platform with habits of its own, end to end through the handlers (AM-140)."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from cad.domain.dialects import ENTRY_POINT_GROUP, Dialect, find_dialect
from cad.domain.rules import Point
from tests.control.api.conftest import Caller, Fakes
from tests.entry_points import install
from tests.spec.orders import TASKS, area, order

ACME = """
from cad.domain.dialects import CodeType, Dialect, EmptyData, MultiLine

PLUGIN = Dialect(
    name="acme",
    code_type=CodeType.NUMBER,
    empty_data=EmptyData.OBJECT,
    multi_line=MultiLine.PAIRS,
)
"""
LINES = [(0.1, 0.1), (0.1, 0.9), (0.5, 0.1), (0.5, 0.9)]


@pytest.fixture
def acme(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Dialect:
    install(tmp_path, monkeypatch, ACME, group=ENTRY_POINT_GROUP, name="acme")
    return find_dialect("acme")


@pytest.fixture
async def fakes(fakes: Fakes, acme: Dialect) -> Fakes:
    return replace(fakes, device=replace(fakes.device, dialect=acme))


@pytest.mark.row("COM-14")
@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("POST", "/CAD/machine/algoPackages", {"algoPackageCode": "A-B-1.0.0"}),
        ("POST", "/CAD/machine/algoFilePackages", {"algoFilePackageId": 1}),
        ("DELETE", "/CAP/AlgoTasks/task-1", None),
    ],
)
async def test_every_annex_is_answered_in_the_dialect(
    call: Caller, method: str, path: str, body: Any
) -> None:
    await call("POST", TASKS[0], order())
    answer = await call(method, path, body)
    assert answer.json["code"] == 0
    assert answer.json["data"] == {}


async def test_a_refusal_is_in_the_dialect_too(call: Caller) -> None:
    served = await call("GET", "/CAD/machine/algoPackages/none")
    unserved = await call("GET", "/CAD/nothing")
    assert served.json["code"] == unserved.json["code"] == 40401
    assert "data" not in served.json


@pytest.mark.parametrize("kind", ["MULTI_LINE", "MULTI_LINE_BOTH"])
async def test_each_two_points_of_a_multi_line_are_a_tripwire(
    call: Caller, fakes: Fakes, kind: str
) -> None:
    await call("POST", TASKS[0], order(areas=[area(kind, *LINES)]))
    [view] = fakes.tasks.views.values()
    wires = [wire.points for wire in view.record.order.rules[0].areas]
    ends = [Point(*point) for point in LINES]
    assert wires == [(ends[0], ends[1]), (ends[2], ends[3])]


async def test_a_point_without_its_pair_is_refused(call: Caller) -> None:
    answer = await call("POST", TASKS[0], order(areas=[area("MULTI_LINE", *LINES[:3])]))
    assert (answer.code, answer.json["error"]["field"]) == (40002, "taskInfo.rulesParams[0].areas")


async def test_our_own_calls_know_no_dialects(call_local: Caller) -> None:
    answer = await call_local("GET", "/local/v1/workers")
    assert answer.json["code"] == 0
