"""What strict mode refuses and lenient mode reports (AM-20)."""

import logging
from dataclasses import replace

import pytest

from cad.base.errors import BadValueError
from cad.control.api.strictness import REMEMBERED, Strictness
from tests.control.api.conftest import Caller, Fakes
from tests.spec.orders import TASKS

TWICE = b'{"pageNumber": 7, "pageSize": 5, "pageNumber": 1}'
SEARCH = f"{TASKS[0]}:search"


@pytest.fixture(params=[False, True], ids=["lenient", "strict"])
def strict(request: pytest.FixtureRequest) -> bool:
    return bool(request.param)


@pytest.fixture
async def fakes(fakes: Fakes, *, strict: bool) -> Fakes:
    return replace(fakes, device=replace(fakes.device, strict=strict))


@pytest.mark.row("COM-13")
async def test_a_member_that_stands_twice_is_refused_or_reported_once(
    call: Caller, caplog: pytest.LogCaptureFixture, *, strict: bool
) -> None:
    caplog.set_level(logging.WARNING)
    answers = [await call("POST", SEARCH, TWICE) for _ in range(3)]
    if strict:
        assert {answer.code for answer in answers} == {40002}
        assert answers[0].json["error"]["field"] == "pageNumber"
        return
    assert {answer.data["pageNumber"] for answer in answers} == {1}  # the last one wins (AM-61)
    [line] = [record.getMessage() for record in caplog.records if record.name.startswith("cad")]
    assert line.startswith(f"POST {SEARCH}: pageNumber: expected each member once")


async def test_unknown_members_are_ignored_in_both(call: Caller) -> None:
    body = {"pageSize": 3, "unknown": {"a": [None]}, "y": None}
    answer = await call("POST", f"{SEARCH}?x=1", body)
    assert (answer.code, answer.data["pageSize"]) == (0, 3)


def test_what_a_caller_makes_up_does_not_fill_the_memory(caplog: pytest.LogCaptureFixture) -> None:
    lenient = Strictness(strict=False)
    for number in range(2 * REMEMBERED):
        lenient.object_to(BadValueError("expected less", field=f"m{number}"), "POST /x")
    assert len(lenient._reported) == REMEMBERED
    assert len(caplog.records) == 2 * REMEMBERED


def test_what_was_reported_for_one_call_is_reported_for_another(
    caplog: pytest.LogCaptureFixture,
) -> None:
    lenient, deviation = Strictness(strict=False), BadValueError("expected once", field="a")
    for call in ("POST /x", "POST /x", "POST /y"):
        lenient.object_to(deviation, call)
    assert len(caplog.records) == 2
