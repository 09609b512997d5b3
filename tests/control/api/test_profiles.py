"""A further interface of the device, installed as a plugin (AM-30)."""

from dataclasses import replace
from pathlib import Path

import pytest

from cad.domain.ids import ServiceId
from cad.domain.profiles import ENTRY_POINT_GROUP, DeviceProfile, find_profile
from tests.control.api.conftest import Caller, Fakes
from tests.entry_points import install

PART_3 = '''
"""What a camera with analysis is asked for: its abilities, and to switch one on."""

from cad.base.errors import BadValueError
from cad.domain.profiles import ProfileCall


async def abilities(parameters, machine):
    codes = [package.code for package in machine.packages()]
    return {"deviceCode": machine.code, "abilities": codes, "tasks": len(machine.tasks())}


async def switch_on(parameters, machine):
    if "args" not in parameters:
        raise BadValueError("expected the arguments", field="args")
    await machine.install(parameters["ability"], parameters["args"])


class Part3:
    calls = (
        ProfileCall(method="GET", path="/AID/abilities", answer=abilities, summary="List.",
                    clause="Part 3"),
        ProfileCall(method="POST", path="/AID/abilities/{ability}:on", answer=switch_on,
                    summary="Switch on."),
    )


PLUGIN = Part3()
'''


@pytest.fixture
def part_3(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> DeviceProfile:
    install(tmp_path, monkeypatch, PART_3, group=ENTRY_POINT_GROUP, name="part3")
    return find_profile("part3")


@pytest.fixture
async def fakes(fakes: Fakes, part_3: DeviceProfile) -> Fakes:
    return replace(fakes, device=replace(fakes.device, profiles=(part_3,)))


@pytest.mark.row("CAD-28")
async def test_its_calls_are_served_beside_the_annexes(call: Caller, fakes: Fakes) -> None:
    switched = await call("POST", "/aid/abilities/A-B-1.0.0:on", {"args": "keep=person"})
    listed = await call("GET", "/AID/abilities")
    assert fakes.packages.installed[ServiceId("A-B-1.0.0")].args == "keep=person"
    assert (switched.json["code"], switched.data) == ("0", None)
    wanted = {"deviceCode": "machine_code", "abilities": ["A-B-1.0.0"], "tasks": 0}
    assert listed.data == wanted


async def test_its_refusals_are_ours(call: Caller) -> None:
    answer = await call("POST", "/AID/abilities/a:on", {})
    assert (answer.status, answer.json["code"]) == (400, "40002")
    assert answer.json["error"] == {"field": "args", "expected": "expected the arguments"}


async def test_it_is_behind_the_same_gate_and_in_the_same_document(call: Caller) -> None:
    refused = await call("GET", "/AID/abilities", headers={"Authorization": ""})
    document = (await call("GET", "/openapi.json")).json
    assert refused.status == 401
    assert document["paths"]["/AID/abilities"]["get"]["x-clause"] == "Part 3"
