"""The reference platform as devices of any make see it."""

import json

import aiohttp
import pytest

from cad.protocols.sm2 import Encoding, Form, PublicKey, encrypt_text
from cad.sim.platform.registry import MachineState
from cad.sim.platform.server import ReferencePlatform
from tests.waiting import until

MACHINE = {"code": "m1", "ip": "10.0.0.9", "port": 8123, "username": "u", "password": "Passw0rd"}


async def post(http: aiohttp.ClientSession, path: str, body: object) -> tuple[int, str]:
    async with http.post(path, json=body) as response:
        return response.status, (await response.json())["code"]


@pytest.mark.parametrize("root", ["/CAD", "/ACP"])
async def test_a_machine_registers_keeps_alive_and_leaves(
    platform: ReferencePlatform, http: aiohttp.ClientSession, root: str
) -> None:
    assert await post(http, f"{root}/machine/register", MACHINE) == (200, "0")
    assert platform.registry.machines["m1"].login.password == "Passw0rd"
    beat = {"deviceCode": "m1", "expires": 60}
    assert await post(http, f"{root}/machine/keepalive", beat) == (200, "0")
    assert await post(http, f"{root}/machine/unregister", MACHINE) == (200, "0")
    assert platform.registry.machines == {}


@pytest.mark.parametrize("mark", [{"passwordEnc": "SM2"}, {}])
@pytest.mark.parametrize("encoding", Encoding)
async def test_an_encrypted_password_is_understood_marked_or_not(
    platform: ReferencePlatform,
    http: aiohttp.ClientSession,
    encoding: Encoding,
    mark: dict[str, str],
) -> None:
    async with http.get("/ACP/keys/sm2") as response:
        key = PublicKey.parse((await response.json())["data"]["publicKey"])
    secret = encrypt_text("密码", key, Form(encoding, "base64", "gbk"))
    body = MACHINE | {"password": secret} | mark
    assert await post(http, "/CAD/machine/register", body) == (200, "0")
    assert platform.registry.machines["m1"].login.password == "密码"


async def test_a_password_marked_as_encrypted_that_is_not_is_refused(
    platform: ReferencePlatform, http: aiohttp.ClientSession
) -> None:
    body = MACHINE | {"passwordEnc": "SM2"}
    assert await post(http, "/CAD/machine/register", body) == (400, "40002")


async def test_a_keepalive_of_an_unknown_machine_is_answered_so(
    http: aiohttp.ClientSession,
) -> None:
    beat = {"code": "nobody", "expires": 60}
    assert await post(http, "/CAD/machine/keepalive", beat) == (404, "40401")


async def test_a_machine_without_keepalives_is_lost_until_it_beats_again(
    platform: ReferencePlatform, http: aiohttp.ClientSession
) -> None:
    await post(http, "/CAD/machine/register", MACHINE)
    beat = {"code": "m1", "expires": 1}
    await post(http, "/CAD/machine/keepalive", beat)
    await until(lambda: platform.registry.machines["m1"].state is MachineState.LOST)
    await post(http, "/CAD/machine/keepalive", beat)
    assert platform.registry.machines["m1"].state is MachineState.ONLINE


@pytest.mark.parametrize("missing", ["code", "ip", "port"])
async def test_a_mandatory_member_that_is_missing_is_named(
    http: aiohttp.ClientSession, missing: str
) -> None:
    body = {name: value for name, value in MACHINE.items() if name != missing}
    async with http.post("/CAD/machine/register", json=body) as response:
        answer = await response.json()
    assert (response.status, answer["code"]) == (400, "40001")
    assert missing in answer["message"]


async def test_the_address_stays_the_same_over_an_absence(
    platform: ReferencePlatform, http: aiohttp.ClientSession
) -> None:
    before = platform.url
    await platform.go_away()
    with pytest.raises(aiohttp.ClientConnectionError):
        await post(http, "/CAD/machine/register", MACHINE)
    await platform.come_back()
    assert platform.url == before
    assert await post(http, "/CAD/machine/register", MACHINE) == (200, "0")


async def test_a_fault_is_used_up(platform: ReferencePlatform, http: aiohttp.ClientSession) -> None:
    platform.faults.fail_next("/ACP/keys/sm2", 503, body=b"{}")
    statuses = []
    for _ in range(2):
        async with http.get("/ACP/keys/sm2") as response:
            statuses.append(response.status)
    assert statuses == [503, 200]


@pytest.mark.parametrize(
    ("form", "status"),
    [
        (
            {"grant_type": "client_credentials", "client_id": "machine", "client_secret": "secret"},
            200,
        ),
        ({"grant_type": "client_credentials", "client_id": "machine", "client_secret": "no"}, 401),
        ({"grant_type": "client_credentials"}, 401),
        ({"grant_type": "password", "client_id": "machine", "client_secret": "secret"}, 400),
    ],
)
async def test_tokens_are_given_to_known_clients(
    http: aiohttp.ClientSession, form: dict[str, str], status: int
) -> None:
    wanted = {"grant_type": "client_credentials"} | form
    async with http.post("/oauth2/token", data=wanted) as response:
        assert response.status == status
        assert ("access_token" in await response.json()) == (status == 200)


async def test_a_token_that_was_never_given_is_refused(http: aiohttp.ClientSession) -> None:
    headers = {"Authorization": "Bearer made-up"}
    async with http.post("/CAD/machine/register", json=MACHINE, headers=headers) as response:
        assert (response.status, json.loads(await response.text())["code"]) == (401, "40101")
