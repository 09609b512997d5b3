"""Tokens, secrets and keys over time, restarts and reboots."""

import asyncio
from datetime import UTC, datetime

import pytest

from cad.base.errors import CadError, ConflictError, NotFoundError, UnavailableError
from cad.control.access.errors import (
    InvalidClientError,
    InvalidGrantError,
    InvalidRequestError,
    InvalidScopeError,
    InvalidTokenError,
    UnsupportedGrantError,
)
from cad.control.access.refresh import FAMILIES, LIFETIME
from cad.control.access.service import AccessService
from cad.domain.access import AccountKind, Grant, Login, RefreshFamily, Scope, TokenRequest
from tests.control.access.world import GRACE, HOUR, KEY_LIFE, PASSWORD, START, USER, World

HERE = "192.0.2.1"
CAD = frozenset({Scope.CAD})


async def by_password(access: AccessService, secret: str = PASSWORD, scope: str = "") -> Grant:
    request = TokenRequest(grant_type="password", user=Login(USER, secret), scope=scope)
    return await access.office.grant(request, HERE)


async def by_client(access: AccessService, name: str, secret: str, scope: str = "") -> Grant:
    login = Login(name, secret)
    request = TokenRequest(grant_type="client_credentials", client=login, scope=scope)
    return await access.office.grant(request, HERE)


async def again(access: AccessService, token: str | None, scope: str = "") -> Grant:
    request = TokenRequest(grant_type="refresh_token", refresh_token=token or "", scope=scope)
    return await access.office.grant(request, HERE)


@pytest.mark.row("SEC-04")
async def test_the_password_gives_a_token_and_a_refresh_token() -> None:
    access = await World().open()
    grant = await by_password(access)
    assert access.door.check_token(grant.access_token).name == USER
    assert (grant.lifetime, {*grant.scopes}) == (3600, {Scope.CAD, Scope.CAP})
    renewed = await again(access, grant.refresh_token)
    assert access.door.check_token(renewed.access_token).scopes == grant.scopes


@pytest.mark.row("SEC-03")
@pytest.mark.parametrize("name", [USER, "northgate"])
async def test_the_user_and_made_clients_get_tokens_by_client_credentials(name: str) -> None:
    access = await World().open()
    made = await access.add_client("northgate", CAD)
    grant = await by_client(access, name, PASSWORD if name == USER else made.secret)
    assert access.door.check_token(grant.access_token).name == name
    assert grant.refresh_token is None


@pytest.mark.parametrize(
    ("request_", "error"),
    [
        (TokenRequest(grant_type=""), InvalidRequestError),
        (TokenRequest(grant_type="implicit"), UnsupportedGrantError),
        (TokenRequest(grant_type="password"), InvalidRequestError),
        (TokenRequest(grant_type="password", user=Login(USER, "no")), InvalidGrantError),
        (TokenRequest(grant_type="password", user=Login("x", PASSWORD)), InvalidGrantError),
        (TokenRequest(grant_type="client_credentials"), InvalidClientError),
        (TokenRequest(grant_type="client_credentials", client=Login(USER, "")), InvalidClientError),
        (TokenRequest(grant_type="refresh_token"), InvalidGrantError),
        (TokenRequest(grant_type="refresh_token", refresh_token="a.b"), InvalidGrantError),
        (
            TokenRequest(grant_type="password", user=Login(USER, PASSWORD), client=Login("x", "y")),
            InvalidClientError,
        ),
    ],
)
async def test_what_proves_nothing_is_refused(
    request_: TokenRequest, error: type[CadError]
) -> None:
    access = await World().open()
    with pytest.raises(error):
        await access.office.grant(request_, HERE)


async def test_a_client_may_be_encoded_or_not() -> None:
    access = await World().open()
    for secret in (PASSWORD, "Pa%3Ass+w%C3%B6rd"):
        assert (await by_client(access, USER, secret)).account == USER


@pytest.mark.row("SEC-05")
async def test_scopes_are_cut_to_what_the_account_may_have() -> None:
    access = await World().open()
    made = await access.add_client("tasks", frozenset({Scope.CAP}))
    assert (await by_password(access, scope="cad northbound x")).scopes == CAD
    assert (await by_client(access, "tasks", made.secret)).scopes == {Scope.CAP}
    with pytest.raises(InvalidScopeError, match="expected one of: cap"):
        await by_client(access, "tasks", made.secret, "cad")


async def test_a_refresh_token_is_good_once_and_its_theft_ends_the_login() -> None:
    access = await World().open()
    first = (await by_password(access)).refresh_token
    second = (await again(access, first)).refresh_token
    with pytest.raises(InvalidGrantError, match="not used before"):
        await again(access, first)
    with pytest.raises(InvalidGrantError):
        await again(access, second)


async def test_of_two_who_refresh_at_once_one_gets_a_token() -> None:
    access = await World().open()
    token = (await by_password(access)).refresh_token

    async def attempt() -> bool:
        try:
            await again(access, token)
        except InvalidGrantError:
            return False
        return True

    async with asyncio.TaskGroup() as group:
        tries = [group.create_task(attempt()) for _ in range(2)]
    assert sorted(t.result() for t in tries) == [False, True]


async def test_refresh_tokens_end_with_disuse_and_survive_a_restart() -> None:
    world = World()
    token = (await by_password(await world.open())).refresh_token
    world.clock.turn(LIFETIME - 1)
    token = (await again(await world.open(), token)).refresh_token
    world.clock.turn(LIFETIME)
    with pytest.raises(InvalidGrantError):
        await again(await world.open(), token)


async def test_logins_do_not_pile_up() -> None:
    world = World()
    access = await world.open()
    tokens = [(await by_password(access)).refresh_token for _ in range(FAMILIES + 3)]
    kept = [r for r in world.store.records.values() if isinstance(r, RefreshFamily)]
    assert len(kept) == FAMILIES
    assert (await again(access, tokens[3])).account == USER
    with pytest.raises(InvalidGrantError):
        await again(access, tokens[2])


@pytest.mark.row("SEC-06")
async def test_a_new_client_secret_overlaps_with_the_old_one() -> None:
    world = World()
    access = await world.open()
    old = (await access.add_client("c", CAD)).secret
    made = await access.rotate_secret("c")
    assert made.grace == GRACE
    for secret in (old, made.secret):
        assert (await by_client(access, "c", secret)).account == "c"
    world.clock.turn(GRACE)
    access = await world.open()
    assert (await by_client(access, "c", made.secret)).account == "c"
    with pytest.raises(InvalidClientError):
        await by_client(access, "c", old)


@pytest.mark.row("SEC-06")
async def test_a_generated_password_is_renewed_with_overlap_across_restarts() -> None:
    world = World()
    access = await world.open()
    made = await access.rotate_secret(USER)
    assert access.login == Login(USER, made.secret)
    for service in (access, await world.open()):
        assert service.login.secret == made.secret
        for secret in (PASSWORD, made.secret):
            assert service.door.check_login(Login(USER, secret), HERE).name == USER
    world.clock.turn(GRACE)
    with pytest.raises(InvalidClientError):
        access.door.check_login(Login(USER, PASSWORD), HERE)


async def test_a_new_password_is_told_and_a_new_client_secret_is_not() -> None:
    access = await World().open()
    told: list[Login] = []
    access.on_new_login(lambda: told.append(access.login))
    await access.add_client("c", CAD)
    await access.rotate_secret("c")
    made = await access.rotate_secret(USER)
    assert told == [Login(USER, made.secret)]


async def test_a_configured_password_is_not_renewed() -> None:
    access = await World(is_generated=False).open()
    with pytest.raises(ConflictError, match=r"api\.password"):
        await access.rotate_secret(USER)


async def test_what_cannot_be_kept_does_not_count() -> None:
    world = World()
    access = await world.open()
    secret = (await access.add_client("c", CAD)).secret
    world.store.failure = UnavailableError("the disk is full")
    for change in (access.rotate_secret("c"), access.rotate_keys(), access.remove_client("c")):
        with pytest.raises(UnavailableError):
            await change
    assert (await by_client(access, "c", secret)).account == "c"
    assert len(access.jwks()["keys"]) == 1


async def test_a_removed_client_is_gone_with_its_tokens() -> None:
    access = await World().open()
    secret = (await access.add_client("c", CAD)).secret
    token = (await by_client(access, "c", secret)).access_token
    await access.remove_client("c")
    with pytest.raises(InvalidTokenError):
        access.door.check_token(token)
    with pytest.raises(NotFoundError):
        await access.remove_client("c")


async def test_names_are_taken_once_and_the_user_stays() -> None:
    access = await World().open()
    await access.add_client("c", CAD)
    for name in ("c", USER):
        with pytest.raises(ConflictError):
            await access.add_client(name, CAD)
    with pytest.raises(ConflictError):
        await access.remove_client(USER)
    assert [a.kind for a in access.accounts()] == [AccountKind.USER, AccountKind.CLIENT]


@pytest.mark.row("SEC-07")
async def test_keys_are_renewed_when_they_are_old_and_forgotten_when_nothing_needs_them() -> None:
    world = World()
    access = await world.open()
    first = access.jwks()
    token = (await by_password(access)).access_token
    await access.tidy()
    assert access.jwks() == first
    world.clock.turn(KEY_LIFE)
    await access.tidy()
    assert len(access.jwks()["keys"]) == 2
    world.clock.turn(GRACE)
    await access.tidy()
    [key] = access.jwks()["keys"]
    assert key not in first["keys"]
    assert access.jwks() == (await world.open()).jwks()
    with pytest.raises(InvalidTokenError):
        access.door.check_token(token)


async def test_tokens_survive_a_restart_of_the_daemon_and_a_jump_of_the_clock() -> None:
    world = World()
    token = (await by_password(await world.open())).access_token
    world.clock.jump(datetime(1970, 1, 1, tzinfo=UTC))
    world.clock.turn(HOUR - 1)
    access = await world.open()
    assert access.door.check_token(token).name == USER
    world.clock.turn(2)
    with pytest.raises(InvalidTokenError):
        access.door.check_token(token)


async def test_a_device_that_starts_in_1970_lets_the_platform_in() -> None:
    world = World()
    old = await by_password(await world.open())
    access = await world.reboot(datetime(1970, 1, 1, tzinfo=UTC))
    await access.tidy()
    with pytest.raises(InvalidTokenError):
        access.door.check_token(old.access_token)
    assert access.door.check_login(Login(USER, PASSWORD), HERE).name == USER
    token = (await by_password(access)).access_token
    world.clock.jump(START)
    assert access.door.check_token(token).name == USER


async def test_no_secret_is_stored_readable() -> None:
    world = World()
    access = await world.open()
    grant = await by_password(access)
    made = [await access.add_client("c", CAD), await access.rotate_secret(USER)]
    secrets = [PASSWORD, grant.access_token, grant.refresh_token or "", *(m.secret for m in made)]
    stored = str(world.store.records) + repr([grant, *made, access.accounts()])
    assert [s for s in secrets if s in stored or s.rpartition(".")[2] in stored] == []
