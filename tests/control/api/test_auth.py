"""What the gate takes, and what it answers to those it turns away."""

import asyncio
import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cad.base.errors import CadError, UnauthorisedError
from cad.control.api.app import public_app, public_surface
from cad.control.api.auth import Gate, read_basic
from cad.domain.access import Login, Scope, TokenRequest
from tests.control.access.world import PASSWORD, USER, World
from tests.control.api.conftest import MAX_BODY, Caller, Fakes, calling, promises_of

STATUS = "/CAD/machine/status/machine_code"
TASK = "/CAP/AlgoTasks/task-1"
BAD = ["", "Basic", "Basic ???", "Basic QQ==", "Basic " + "A" * 5000, "Basic \u00ff", "Digest x"]
BAD_TOKENS = ["", "x", "a.b.c", "e30.e30.e30", "x" * 5000]


def basic(name: str, secret: str) -> str:
    return "Basic " + base64.b64encode(f"{name}:{secret}".encode()).decode()


async def token(fakes: Fakes, *scopes: Scope, name: str = "other") -> dict[str, str]:
    """Return the header that proves a client with `scopes`."""
    made = await fakes.access.add_client(name, frozenset(scopes))
    request = TokenRequest(grant_type="client_credentials", client=Login(name, made.secret))
    grant = await fakes.access.office.grant(request, "127.0.0.1")
    return {"Authorization": f"Bearer {grant.access_token}"}


@pytest.mark.parametrize("authorization", BAD)
async def test_a_caller_without_proof_is_turned_away(call: Caller, authorization: str) -> None:
    answer = await call("GET", STATUS, headers={"Authorization": authorization})
    assert (answer.status, answer.json["code"]) == (401, "40101")
    wanted = answer.headers.getall("WWW-Authenticate")
    assert wanted == ['Basic realm="CAD", charset="UTF-8"', 'Bearer realm="CAD"']


@pytest.mark.row("SEC-05")
@pytest.mark.parametrize("given_token", BAD_TOKENS)
async def test_a_token_that_is_none_of_ours_is_named_so(call: Caller, given_token: str) -> None:
    answer = await call("GET", STATUS, headers={"Authorization": f"Bearer {given_token}"})
    assert (answer.status, answer.json["code"]) == (401, "40102")
    bearer = answer.headers.getall("WWW-Authenticate")[1]
    assert bearer.startswith('Bearer realm="CAD", error="invalid_token", error_description="')


@pytest.mark.row("SEC-05")
@pytest.mark.parametrize(
    ("scopes", "status", "tasks"),
    [
        ([Scope.CAD], 200, 404),
        ([Scope.CAP], 403, 404),
        ([Scope.CAP, Scope.CAD], 200, 404),
        ([Scope.NORTHBOUND, Scope.CCP], 403, 403),
    ],
)
async def test_a_token_opens_what_its_scopes_say(
    call: Caller, fakes: Fakes, scopes: list[Scope], status: int, tasks: int
) -> None:
    proof = await token(fakes, *scopes)
    assert (await call("GET", STATUS, headers=proof)).status == status
    assert (await call("GET", TASK, headers=proof)).status == tasks


async def test_a_scope_that_is_missing_is_named(call: Caller, fakes: Fakes) -> None:
    answer = await call("GET", STATUS, headers=await token(fakes, Scope.CAP))
    assert (answer.status, answer.json["code"]) == (403, "40302")
    [wanted] = answer.headers.getall("WWW-Authenticate")
    assert wanted == 'Bearer realm="CAD", error="insufficient_scope", scope="cad"'


@pytest.mark.parametrize(
    "path", ["/nothing", "/local/v1/platform/credentials", "/CAP/AlgoTasks/a/b"]
)
async def test_strangers_do_not_learn_what_is_served(call: Caller, path: str) -> None:
    assert (await call("GET", path, headers={"Authorization": ""})).status == 401
    assert (await call("GET", path)).status == 404


async def test_basic_can_be_switched_off(fakes: Fakes) -> None:
    app = public_app(
        fakes.services(), Gate(fakes.access.door, basic=False), max_body_bytes=MAX_BODY
    )
    promises = await asyncio.to_thread(promises_of, public_surface, fakes.device)
    async with calling(app, {}, promises) as call:
        answer = await call("GET", STATUS, headers={"Authorization": basic(USER, PASSWORD)})
        assert answer.headers.getall("WWW-Authenticate") == ['Bearer realm="CAD"']
        assert (await call("GET", STATUS, headers=await token(fakes, Scope.CAD))).status == 200


async def test_too_many_wrong_passwords_have_to_wait(call: Caller) -> None:
    wrong = {"Authorization": basic(USER, "wrong")}
    statuses = [(await call("GET", STATUS, headers=wrong)).status for _ in range(7)]
    assert statuses == [401] * 6 + [429]
    answer = await call("GET", STATUS)
    assert (answer.status, answer.json["code"]) == (429, "42901")
    assert answer.headers["Retry-After"] == "1"


async def test_tokens_do_not_wait_for_wrong_passwords(call: Caller, fakes: Fakes) -> None:
    proof = await token(fakes, Scope.CAD)
    for _ in range(8):
        await call("GET", STATUS, headers={"Authorization": basic(USER, "wrong")})
    assert (await call("GET", STATUS, headers=proof)).status == 200


texts = st.text(st.characters(codec="utf-8"))


@given(texts.filter(lambda name: ":" not in name), texts)
def test_basic_is_read_as_it_was_written(name: str, secret: str) -> None:
    assert read_basic(basic(name, secret)) == Login(name, secret)


@given(st.text() | st.binary().map(lambda raw: "Basic " + base64.b64encode(raw).decode()))
async def test_nothing_else_passes(authorization: str) -> None:
    access = await World().open()
    for enabled in (True, False):
        gate = Gate(access.door, basic=enabled)
        with pytest.raises(CadError) as caught:
            gate.admit(authorization, "192.0.2.1", frozenset(Scope))
        assert isinstance(caught.value, UnauthorisedError)
