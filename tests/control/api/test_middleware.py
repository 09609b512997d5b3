"""What every answer has."""

import logging

import pytest

from cad.base.log_context import RequestIdFilter
from tests.control.api.conftest import Caller


@pytest.mark.row("COM-03")
async def test_every_answer_has_an_id_of_its_own(call: Caller) -> None:
    answers = [await call("GET", "/CAD/machine/algoPackages") for _ in range(2)]
    ids = {answer.headers["X-Request-Id"] for answer in answers}
    assert ids == {answer.json["requestId"] for answer in answers}
    assert len(ids) == 2


@pytest.mark.parametrize(("own", "kept"), [("abc-1", True), ("a b", False), ("x" * 200, False)])
async def test_a_usable_id_of_the_caller_is_kept(call: Caller, own: str, *, kept: bool) -> None:
    answer = await call("GET", "/CAD/machine/algoPackages", headers={"X-Request-Id": own})
    assert (answer.json["requestId"] == own) is kept


async def test_log_records_name_the_request(call: Caller, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    caplog.handler.addFilter(RequestIdFilter())
    await call("GET", "/nothing", headers={"X-Request-Id": "r-7"})
    ours = [record for record in caplog.records if record.name.startswith("cad.")]
    assert [getattr(record, "request_id", "") for record in ours] == ["r-7"]


@pytest.mark.parametrize("path", ["/", "//", "/%0A", "/CAD/nothing", "/CAP/AlgoTasks/a/b"])
async def test_an_unserved_path_is_not_found(call: Caller, path: str) -> None:
    answer = await call("GET", path)
    assert (answer.status, answer.code) == (404, 40401)


async def test_another_method_is_told_the_right_ones(call: Caller) -> None:
    answer = await call("PUT", "/CAP/AlgoTasks/task-1")
    assert (answer.status, answer.json["code"]) == (405, 40501)
    assert answer.headers["Allow"] == "DELETE, GET"


@pytest.mark.parametrize("path", ["/CAD/machine/status/machine_code", "/nothing", "/oauth2/jwks"])
async def test_no_answer_says_which_server_made_it(call: Caller, path: str) -> None:
    assert "Server" not in (await call("GET", path)).headers
