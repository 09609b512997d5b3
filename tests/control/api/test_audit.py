"""Which calls are listed in the audit log, and with what."""

import base64
import os
from pathlib import Path

import aiohttp
import pytest

from cad.base.clock import SystemClock
from cad.config.settings import ApiSettings
from cad.control.api.app import local_app, public_app
from cad.control.api.auth import Gate
from cad.control.api.server import ApiServer
from cad.domain.access import Means
from tests.control.access.world import PASSWORD, USER
from tests.control.api.conftest import MAX_BODY, Caller, Fakes
from tests.spec.orders import TASKS, order

FORM = {"Content-Type": "application/x-www-form-urlencoded", "Authorization": ""}
WRONG = {"Authorization": "Basic " + base64.b64encode(b"admin:s3cret").decode()}
STRANGER = {"Authorization": "Basic " + base64.b64encode(b"s3cret-name:x").decode()}


@pytest.mark.row("SEC-11")
async def test_a_change_is_listed_with_who_where_what_and_result(
    call: Caller, fakes: Fakes
) -> None:
    await call("POST", f"{TASKS[0]}?x=s3cret", order(), headers={"X-Request-Id": "r-1"})
    [entry] = fakes.audit.listed
    assert (entry.who, entry.means, entry.source) == (USER, Means.BASIC, "127.0.0.1")
    assert (entry.method, entry.path, entry.request_id) == ("POST", TASKS[0], "r-1")
    assert (entry.status, entry.code) == (200, 0)


@pytest.mark.row("SEC-11")
@pytest.mark.parametrize(
    ("method", "path", "body", "subject"),
    [
        ("POST", TASKS[0], order(), "algoServiceId={service} url=rtsp://10.1.2.3 id=task-1"),
        ("DELETE", f"{TASKS[0]}/a%2Fb?force=true", None, "id=a/b force=true"),
        (
            "POST",
            "/CAD/machine/algoFilePackages",
            {"algoFilePackageId": 7, "url": "https://u:s3cret@files:8443/s3cret?sig=s3cret@x"},
            "algoFilePackageId=7 url=https://files",
        ),
        ("DELETE", "/CAD/machine/algoFilePackages/7", None, "algoFilePackageId=7"),
        (
            "POST",
            "/CAD/machine/algoPackages",
            {
                "algoPackageCode": "A-B-1.0.0",
                "args": 'keep=s3cret pin="x y=s3cret", s3cret==',
            },
            "algoPackageCode=A-B-1.0.0 args=keep,pin",
        ),
        ("POST", "/CAD/machine/algoPackages/A-B-1.0.0:stop", None, "algoPackageCode=A-B-1.0.0"),
    ],
)
async def test_a_change_is_listed_with_what_it_is_about(
    call: Caller, fakes: Fakes, method: str, path: str, body: object, subject: str
) -> None:
    await call(method, path, body)
    [entry] = fakes.audit.listed
    assert entry.subject == subject.format(service=order()["algoServiceId"])


async def test_an_install_is_listed_and_a_listing_by_the_same_call_is_not(
    call: Caller, fakes: Fakes
) -> None:
    for body in ({}, {"status": "RUNNING"}, {"algoPackageCode": "not/a code"}):
        await call("POST", "/CAD/machine/algoPackages", body)
    [entry] = fakes.audit.listed
    assert (entry.code, entry.subject) == (40002, "algoPackageCode=not/a code")


async def test_a_refused_change_is_listed_with_its_code(call: Caller, fakes: Fakes) -> None:
    await call("DELETE", f"{TASKS[0]}/none")
    assert [(e.status, e.code) for e in fakes.audit.listed] == [(404, 40401)]


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/CAD/machine/status/machine_code"),
        ("GET", f"{TASKS[0]}/none"),
        ("POST", f"{TASKS[0]}:search"),
        ("POST", "/CAD/machine/algoPackages/code"),
        ("POST", "/nothing"),
    ],
)
async def test_what_only_reads_is_not_listed(
    call: Caller, fakes: Fakes, method: str, path: str
) -> None:
    await call(method, path)
    assert fakes.audit.listed == []


async def test_a_failed_login_is_listed_under_the_name_of_an_account_only(
    call: Caller, fakes: Fakes
) -> None:
    for headers in (WRONG, STRANGER, {"Authorization": "Bearer x"}):
        await call("GET", "/CAD/machine/status/machine_code", headers=headers)
    listed = [(e.who, e.means, e.status, e.code) for e in fakes.audit.listed]
    assert listed == [
        (USER, Means.NONE, 401, 40101),
        ("unknown", Means.NONE, 401, 40101),
        ("unknown", Means.NONE, 401, 40102),
    ]


async def test_a_call_without_any_proof_is_no_login(call: Caller, fakes: Fakes) -> None:
    await call("POST", TASKS[0], order(), headers={"Authorization": ""})
    assert fakes.audit.listed == []


async def test_given_and_refused_tokens_are_listed(call: Caller, fakes: Fakes) -> None:
    for password in (PASSWORD, "s3cret"):
        body = aiohttp.FormData({"grant_type": "password", "username": USER, "password": password})
        await call("POST", "/oauth2/token", headers=FORM, data=body)
    listed = [(e.who, e.means, e.status, e.code) for e in fakes.audit.listed]
    assert listed == [(USER, Means.SECRET, 200, 0), (USER, Means.NONE, 400, 40011)]


async def test_no_secret_is_listed(call: Caller, fakes: Fakes) -> None:
    url = "rtsp://camera:s3cret@10.0.0.1/live"
    await call("POST", TASKS[0], order(url=url))
    await call("DELETE", f"{TASKS[0]}/password=s3cret?token=s3cret")
    await call("POST", "/oauth2/keys/rotate", headers=WRONG)
    renewed = await call("POST", "/oauth2/keys/rotate")
    text = str(fakes.audit.listed)
    assert len(fakes.audit.listed) == 4
    assert "s3cret" not in text
    assert renewed.json["client_secret"] not in text


async def test_callers_of_the_socket_are_named_by_the_kernel(fakes: Fakes, tmp_path: Path) -> None:
    settings = ApiSettings(host="127.0.0.1", port=0, socket=tmp_path / "cad.sock")
    server = ApiServer(settings, tmp_path, ["127.0.0.1"], SystemClock())
    services = fakes.services()
    public = public_app(services, Gate(fakes.access.door, basic=True), max_body_bytes=MAX_BODY)
    async with (
        server.serving(public, local_app(services, max_body_bytes=MAX_BODY)),
        aiohttp.ClientSession(connector=aiohttp.UnixConnector(str(settings.socket))) as session,
        session.get("http://cad/local/v1/platform/credentials") as response,
    ):
        assert (await response.json())["data"]["username"] == USER
    [entry] = fakes.audit.listed
    assert (entry.who, entry.means) == (f"uid:{os.getuid()}", Means.LOCAL)
    assert entry.source == f"pid {os.getpid()}"


async def test_the_log_is_read_on_the_socket(call: Caller, call_local: Caller) -> None:
    await call("POST", TASKS[0], order())
    [item] = (await call_local("GET", "/local/v1/audit?since=1h")).data
    assert (item["who"], item["path"], item["code"]) == (USER, TASKS[0], 0)
    assert item["subject"].endswith("id=task-1")
    assert (await call_local("GET", "/local/v1/audit?since=2100-01-01%2000:00:00")).data == []


@pytest.mark.parametrize("query", ["since=yesterday", "limit=0", "limit=x", "since=999999999d"])
async def test_a_wrong_question_is_named(call_local: Caller, query: str) -> None:
    answer = await call_local("GET", f"/local/v1/audit?{query}")
    assert (answer.status, answer.code) == (400, 40002)
    assert answer.json["message"].startswith(query.partition("=")[0])


async def test_the_network_sees_neither_the_log_nor_secrets(call: Caller) -> None:
    for path in ("audit", "access/accounts", "platform/credentials"):
        assert (await call("GET", f"/local/v1/{path}")).status == 404
    assert (await call("GET", "/local/v1/status")).status == 200


async def test_accounts_are_managed_on_the_socket(call_local: Caller, fakes: Fakes) -> None:
    accounts = "/local/v1/access/accounts"
    made = await call_local("POST", accounts, {"name": "north", "scopes": ["cad", "cap"]})
    assert made.data["oldValidSeconds"] == 0
    renewed = await call_local("POST", f"{accounts}/north:rotate")
    assert renewed.data["oldValidSeconds"] == 86400
    [user, client] = (await call_local("GET", accounts)).data
    assert (user["name"], client["name"], client["oldSecrets"]) == (USER, "north", 1)
    assert (await call_local("DELETE", f"{accounts}/north")).code == 0
    assert (await call_local("POST", "/local/v1/access/keys:rotate")).data["kid"]
    assert [e.code for e in fakes.audit.listed] == [0, 0, 0, 0]
