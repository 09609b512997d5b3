"""The calls of the local socket."""

import asyncio
import json

import aiohttp
import pytest

from cad.domain.ids import ServiceId
from cad.wire.local import CredentialsItem, PackagesItem, StatusItem, StreamItem
from tests.control.access.world import PASSWORD, USER
from tests.control.api.conftest import Caller, Fakes
from tests.spec.orders import order
from tests.waiting import until


async def test_status_shows_everything_at_a_glance(call_local: Caller) -> None:
    await call_local("POST", "/local/v1/tasks", order())
    answer = await call_local("GET", "/local/v1/status")
    status = StatusItem.read(answer.data)
    assert (status.machine.code, status.machine.version) == ("machine_code", "1.2.3")
    assert (status.counts.tasks, status.counts.tasks_by_state) == (1, {"PENDING": 1})
    assert (status.outbox.dead, status.workers[0].restarts, status.counts.streams) == (3, 1, 1)
    assert status.link.url == "https://platform:9443"


async def test_status_shows_what_the_disk_refuses(call_local: Caller, fakes: Fakes) -> None:
    fakes.workers.refusal = "database: disk is full"
    events = StatusItem.read((await call_local("GET", "/local/v1/status")).data).events
    assert (events.stored, events.unmade, events.refused_now) == (7, 1, 1)
    assert events.last_error == "database: disk is full"


async def test_a_task_is_made_listed_paused_resumed_and_deleted(call_local: Caller) -> None:
    await call_local("POST", "/local/v1/tasks", order())
    for verb, state in (("pause", "PAUSED"), ("resume", "PENDING")):
        await call_local("POST", f"/local/v1/tasks/task-1:{verb}")
        [task] = (await call_local("GET", "/local/v1/tasks")).data["records"]
        assert task["status"] == state
    assert (await call_local("GET", "/local/v1/tasks/task-1")).code == 0
    await call_local("DELETE", "/local/v1/tasks/task-1")
    assert (await call_local("GET", "/local/v1/tasks")).data["records"] == []


async def test_the_steps_of_a_task_are_listed_without_secrets(call_local: Caller) -> None:
    await call_local("POST", "/local/v1/tasks", order())
    [step] = (await call_local("GET", "/local/v1/tasks/task-1/history")).data
    assert (step["event"], step["after"]) == ("failed", "PENDING")
    assert "secret" not in step["reason"]
    assert (await call_local("GET", "/local/v1/tasks/none/history")).code == 40401


async def test_packages_come_with_their_file_packages(call_local: Caller, fakes: Fakes) -> None:
    await fakes.packages.install(code := ServiceId("OPEN-PERSON_DETECT-1.0.0"), "")
    found = PackagesItem.read((await call_local("GET", "/local/v1/packages")).data)
    assert [package.algo_package_code for package in found.packages] == [code]
    shown = await call_local("GET", f"/local/v1/packages/{code}")
    assert (shown.data["operation"], shown.data["status"]) == ("done", "RUNNING")


async def test_streams_and_workers_are_listed(call_local: Caller) -> None:
    [stream] = (await call_local("GET", "/local/v1/streams")).data
    [worker] = (await call_local("GET", "/local/v1/workers")).data
    assert StreamItem.read(stream).last_frame_age_ms == 40
    assert (stream["damaged"], stream["skipped"]) == (3, 12)
    assert (stream["worker"], worker["streams"]) == (worker["name"], 1)


async def test_the_password_is_told_on_the_socket_only(call_local: Caller, call: Caller) -> None:
    path = "/local/v1/platform/credentials"
    told = CredentialsItem.read((await call_local("GET", path)).data)
    assert (told.username, told.password) == (USER, PASSWORD)
    assert (await call("GET", path)).status == 404


async def test_an_unknown_task_is_refused_in_the_local_envelope(call_local: Caller) -> None:
    answer = await call_local("GET", "/local/v1/tasks/none")
    assert (answer.status, answer.json["code"]) == (404, 40401)


async def test_stored_events_are_told_line_by_line(call_local: Caller, fakes: Fakes) -> None:
    lines: list[object] = []
    url = f"{call_local.base}/local/v1/events/tail"
    async with call_local.session.get(url) as response, asyncio.timeout(10):
        await fakes.outbox.stored.put(b'{"eventId":"1"}')
        async for line in response.content:
            if line.strip():
                lines.append(json.loads(line))
                break
    assert lines == [{"eventId": "1"}]


async def test_a_reader_that_goes_ends_its_feed(
    call_local: Caller, fakes: Fakes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("cad.control.api.local_events.KEEP_OPEN_INTERVAL", 0.01)
    url = f"{call_local.base}/local/v1/events/tail"
    async with aiohttp.ClientSession() as session:
        response = await session.get(url)
        await until(lambda: fakes.outbox.readers == 1)
        response.close()
    await until(lambda: fakes.outbox.readers == 0)
