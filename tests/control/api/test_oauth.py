"""The token endpoint over TLS, called by OAuth2 clients that are not ours."""

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import jwt
import pytest
import requests
from authlib.integrations.base_client import OAuthError
from authlib.integrations.requests_client import OAuth2Session
from joserfc import jwt as jose
from joserfc.jwk import KeySet
from oauthlib.oauth2 import BackendApplicationClient, LegacyApplicationClient
from requests_oauthlib import OAuth2Session as OtherSession

from cad.base.clock import SystemClock
from cad.config.settings import ApiSettings
from cad.control.api.app import local_app, public_app
from cad.control.api.auth import Gate
from cad.control.api.server import ApiServer
from cad.domain.access import Scope
from tests.control.access.world import PASSWORD, USER
from tests.control.api.conftest import MAX_BODY, Fakes
from tests.waiting import until

pytestmark = pytest.mark.peer

STATUS = "/CAD/machine/status/machine_code"
T = TypeVar("T")


@dataclass
class Site:
    """A device that is served over TLS, as a platform knows it."""

    base: str
    ca: str
    fakes: Fakes

    def trusting(self, session: Any) -> Any:
        """Have `session` trust the device and nobody else."""
        session.verify, session.trust_env = self.ca, False
        return session

    @property
    def token_url(self) -> str:
        return self.base + "/oauth2/token"


@pytest.fixture
async def site(fakes: Fakes, tmp_path: Path) -> AsyncIterator[Site]:
    settings = ApiSettings(host="127.0.0.1", port=0, socket=tmp_path / "cad.sock")
    server = ApiServer(settings, tmp_path, ["127.0.0.1"], SystemClock())
    services, gate = fakes.services(), Gate(fakes.access.door, basic=True)
    public = public_app(services, gate, max_body_bytes=MAX_BODY)
    async with server.serving(public, local_app(services, max_body_bytes=MAX_BODY)):
        tasks = len(asyncio.all_tasks())
        yield Site(f"https://127.0.0.1:{server.port}", str(tmp_path / "tls/server.crt"), fakes)
        # These clients hang up without a word; each connection has a task until it is noticed.
        await until(lambda: len(asyncio.all_tasks()) <= tasks)


async def elsewhere(work: Callable[[], T]) -> T:
    """Run a client that blocks."""
    return await asyncio.to_thread(work)


@pytest.mark.row("SEC-03")
@pytest.mark.parametrize("method", ["client_secret_basic", "client_secret_post"])
async def test_authlib_gets_a_token_by_client_credentials(site: Site, method: str) -> None:
    made = await site.fakes.access.add_client("north", frozenset({Scope.CAD}))

    def work() -> tuple[dict[str, Any], int]:
        session = OAuth2Session("north", made.secret, token_endpoint_auth_method=method)
        with site.trusting(session):
            token = session.fetch_token(site.token_url, grant_type="client_credentials")
            return token, session.get(site.base + STATUS).status_code

    token, status = await elsewhere(work)
    assert (token["token_type"], token["expires_in"], token["scope"]) == ("Bearer", 3600, "cad")
    assert "refresh_token" not in token
    assert status == 200


@pytest.mark.row("SEC-04")
async def test_authlib_logs_in_with_the_password_and_refreshes(site: Site) -> None:
    def work() -> list[int]:
        with site.trusting(OAuth2Session(token_endpoint_auth_method="none")) as session:
            session.fetch_token(site.token_url, username=USER, password=PASSWORD)
            first = session.token["refresh_token"]
            statuses = [session.get(site.base + STATUS).status_code]
            session.refresh_token(site.token_url)
            assert session.token["refresh_token"] != first
            statuses.append(session.get(site.base + STATUS).status_code)
            with pytest.raises(OAuthError, match="invalid_grant"):
                session.refresh_token(site.token_url, refresh_token=first)
            return statuses

    assert await elsewhere(work) == [200, 200]


async def test_requests_oauthlib_logs_in_both_ways(site: Site) -> None:
    made = await site.fakes.access.add_client("south", frozenset({Scope.CAP, Scope.CAD}))

    def work() -> list[int]:
        statuses = []
        with site.trusting(OtherSession(client=LegacyApplicationClient("platform"))) as session:
            session.fetch_token(site.token_url, username=USER, password=PASSWORD, verify=site.ca)
            session.refresh_token(site.token_url, verify=site.ca)
            statuses.append(session.get(site.base + STATUS).status_code)
        client = BackendApplicationClient("south", scope="cad cap")
        with site.trusting(OtherSession(client=client)) as session:
            session.fetch_token(site.token_url, client_secret=made.secret, verify=site.ca)
            statuses.append(session.get(site.base + STATUS).status_code)
        return statuses

    assert await elsewhere(work) == [200, 200]


@pytest.mark.row("SEC-07")
async def test_authlib_checks_tokens_with_the_published_keys_across_a_rotation(site: Site) -> None:
    def work() -> list[str]:
        with site.trusting(OAuth2Session(USER, PASSWORD)) as session:
            old = session.fetch_token(site.token_url, grant_type="client_credentials")
            rotated = session.post(site.base + "/oauth2/keys/rotate", json={"keys": "signing"})
            new = session.fetch_token(site.token_url, grant_type="client_credentials")
            keys = KeySet.import_key_set(session.get(site.base + "/oauth2/jwks").json())
            read = [jose.decode(t["access_token"], keys, ["ES256"]) for t in (old, new)]
            kid = jwt.get_unverified_header(new["access_token"])["kid"]
            assert rotated.json() == {"kid": kid}
            return [token.claims["sub"] for token in read]

    assert await elsewhere(work) == [USER, USER]


@pytest.mark.row("SEC-06")
async def test_a_client_renews_its_secret_and_the_old_one_still_opens(site: Site) -> None:
    made = await site.fakes.access.add_client("north", frozenset({Scope.NORTHBOUND}))

    def work() -> dict[str, Any]:
        with site.trusting(OAuth2Session("north", made.secret)) as session:
            session.fetch_token(site.token_url, grant_type="client_credentials")
            answer = session.post(site.base + "/oauth2/keys/rotate")
            assert answer.headers["Cache-Control"] == "no-store"
            renewed: dict[str, Any] = answer.json()
            for secret in (made.secret, renewed["client_secret"]):
                session.client_secret = secret
                session.fetch_token(site.token_url, grant_type="client_credentials")
            return renewed

    renewed = await elsewhere(work)
    assert renewed.pop("client_secret") != made.secret
    assert renewed == {
        "client_id": "north",
        "client_secret_expires_at": 0,
        "old_secret_expires_in": 86400,
    }


async def test_the_user_renews_its_generated_password_by_basic(site: Site) -> None:
    def work() -> tuple[str, int]:
        with site.trusting(requests.Session()) as session:
            session.auth = (USER.encode(), PASSWORD.encode())
            renewed = session.post(site.base + "/oauth2/keys/rotate").json()["client_secret"]
            session.auth = (USER, renewed)
            return renewed, session.get(site.base + STATUS).status_code

    assert await elsewhere(work) == (site.fakes.access.login.secret, 200)


FORM = {"grant_type": "client_credentials"}
REFUSALS: list[tuple[dict[str, Any], int, str]] = [
    ({"data": FORM}, 401, "invalid_client"),
    ({"data": FORM, "auth": (USER, "wrong")}, 401, "invalid_client"),
    ({"data": FORM | {"client_id": USER, "client_secret": "wrong"}}, 401, "invalid_client"),
    (
        {"data": FORM | {"client_id": "x", "client_secret": "y"}, "auth": (USER, "z")},
        400,
        "invalid_request",
    ),
    ({"data": {"grant_type": "magic"}}, 400, "unsupported_grant_type"),
    ({"data": {"scope": "cad"}}, 400, "invalid_request"),
    ({"data": [("grant_type", "password"), ("grant_type", "x")]}, 400, "invalid_request"),
    ({"data": b"\xff", "headers": {"Content-Type": "text/plain"}}, 400, "invalid_request"),
    ({"json": FORM}, 400, "invalid_request"),
    ({"data": {"grant_type": "password", "username": USER}}, 400, "invalid_grant"),
    ({"data": {"grant_type": "refresh_token", "refresh_token": "x.y"}}, 400, "invalid_grant"),
]


@pytest.mark.parametrize(("sent", "status", "error"), REFUSALS)
async def test_refusals_are_those_of_rfc_6749(
    site: Site, sent: dict[str, Any], status: int, error: str
) -> None:
    def work() -> requests.Response:
        with site.trusting(requests.Session()) as session:
            answer: requests.Response = session.post(site.token_url, **sent)
            return answer

    answer = await elsewhere(work)
    body = answer.json()
    assert (answer.status_code, body["error"]) == (status, error)
    assert set(body) == {"error", "error_description", "requestId"}
    assert answer.headers["Cache-Control"] == "no-store"
    assert ("WWW-Authenticate" in answer.headers) is (status == 401)


async def test_a_guesser_has_to_wait(site: Site) -> None:
    def work() -> requests.Response:
        with site.trusting(requests.Session()) as session:
            form = {"grant_type": "password", "username": USER, "password": "guess"}
            for _ in range(6):
                assert session.post(site.token_url, data=form).status_code == 400
            answer: requests.Response = session.post(site.token_url, data=form)
            return answer

    answer = await elsewhere(work)
    assert (answer.status_code, answer.headers["Retry-After"]) == (429, "1")
    assert answer.json()["error"] == "slow_down"
