"""The platform's calls: what each answers, in the envelope of its annex."""

import asyncio
import uuid
from dataclasses import dataclass

from aiohttp import web
from aiohttp.typedefs import Handler

from cad.base.clock import Clock
from cad.base.errors import CadError, NotFoundError, UnauthorisedError
from cad.sim.platform.content import CONTENT, FilePackageLibrary
from cad.sim.platform.faults import FAULTS, Faults, misbehave
from cad.sim.platform.licence import LICENCE, LicenceResponder
from cad.sim.platform.receiver import EVENTS, EventReceiver
from cad.sim.platform.registry import Registry
from cad.sim.platform.sm2_keys import Sm2KeyRing
from cad.sim.platform.tokens import TokenOffice, read_basic
from cad.wire.annex_h_machine import (
    KEEPALIVE,
    REGISTER,
    SM2_KEY,
    UNREGISTER,
    KeepaliveRequest,
    RegisterRequest,
    UnRegisterRequest,
)
from cad.wire.envelope import ANNEX_H
from cad.wire.model import read_json
from cad.wire.platform_access import TOKEN, AccessToken, Sm2PublicKey

LARGEST_BODY = 64 * 2**20
"""Bytes; an event carries pictures."""

PASSWORD_LIMIT = 4096


@dataclass(frozen=True, slots=True, kw_only=True)
class Desk:
    """What the calls work with."""

    registry: Registry
    tokens: TokenOffice
    packages: FilePackageLibrary
    licence: LicenceResponder
    receiver: EventReceiver
    faults: Faults
    sm2_keys: Sm2KeyRing | None
    require_token: bool
    clock: Clock

    async def register(self, request: web.Request) -> web.Response:
        """H.2."""
        client_id = self._client_id(request)
        wanted = RegisterRequest.read(read_json(await request.read()))
        password = await self._clear(wanted)
        self.registry.register(wanted, password, client_id, self.clock.monotonic())
        return _done()

    async def unregister(self, request: web.Request) -> web.Response:
        """H.3."""
        client_id = self._client_id(request)
        wanted = UnRegisterRequest.read(read_json(await request.read()))
        self.registry.unregister(wanted, await self._clear(wanted), client_id)
        return _done()

    async def keep_alive(self, request: web.Request) -> web.Response:
        """H.4."""
        client_id = self._client_id(request)
        wanted = KeepaliveRequest.read(read_json(await request.read()))
        self.registry.keep_alive(wanted, client_id, self.clock.monotonic())
        return _done()

    async def offer_key(self, request: web.Request) -> web.Response:
        """Show the key for which passwords are to be encrypted (AM-82)."""
        if self.sm2_keys is None:
            raise NotFoundError("this platform has no SM2 key")
        return _done(Sm2PublicKey(public_key=self.sm2_keys.offered.hex()).to_wire())

    async def give_token(self, request: web.Request) -> web.Response:
        """RFC 6749 §4.4: client credentials in HTTP Basic or in the form."""
        form = await request.post()
        fields = str(form.get("client_id", "")), str(form.get("client_secret", ""))
        pair = read_basic(request.headers.get("Authorization")) or fields
        if form.get("grant_type") != "client_credentials":
            return web.json_response({"error": "unsupported_grant_type"}, status=400)
        token = self.tokens.give(*pair)
        if token is None:
            return web.json_response({"error": "invalid_client"}, status=401)
        answer = AccessToken(access_token=token, expires_in=round(self.tokens.lifetime))
        return web.json_response(answer.to_wire(), headers={"Cache-Control": "no-store"})

    async def content(self, request: web.Request) -> web.StreamResponse:
        """Serve the archive of a file package (AM-119)."""
        self._client_id(request)
        return await self.packages.serve(request)

    async def give_licence(self, request: web.Request) -> web.StreamResponse:
        """Serve the licence of algorithm packages (AM-120)."""
        self._client_id(request)
        return await self.licence.serve(request)

    def _client_id(self, request: web.Request) -> str | None:
        client_id = self.tokens.client_of(request.headers.get("Authorization"))
        if client_id is None and self.require_token:
            raise UnauthorisedError("expected an access token")
        return client_id

    async def _clear(self, wanted: RegisterRequest | UnRegisterRequest) -> str:
        """Return the password in the clear: marked as encrypted, found to be, or plain (AM-82)."""
        given, keys = (wanted.password or "")[:PASSWORD_LIMIT], self.sm2_keys
        if keys is None:
            return given
        if (wanted.password_enc or "").upper() == "SM2":
            return await asyncio.to_thread(keys.open, given)
        return await asyncio.to_thread(keys.detect, given) or given


def build_app(desk: Desk) -> web.Application:
    """Return the platform's web application."""
    app = web.Application(middlewares=[misbehave, explain], client_max_size=LARGEST_BODY)
    app[FAULTS] = desk.faults
    for path, call in (
        (REGISTER, desk.register),
        (UNREGISTER, desk.unregister),
        (KEEPALIVE, desk.keep_alive),
    ):
        app.router.add_post(path, call)
        app.router.add_post(path.replace("/CAD/", "/ACP/", 1), call)  # AM-116
    app.router.add_get(SM2_KEY, desk.offer_key)
    app.router.add_post(TOKEN, desk.give_token)
    app.router.add_get(CONTENT, desk.content)
    app.router.add_get(LICENCE, desk.give_licence)
    app.router.add_post(EVENTS, desk.receiver.receive)
    return app


@web.middleware
async def explain(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Answer an error with its code, in the envelope and as HTTP status (AM-06)."""
    try:
        return await handler(request)
    except CadError as error:
        body = ANNEX_H.write(code=error.code, message=str(error), request_id=uuid.uuid4().hex)
        return web.json_response(body, status=error.status)


def _done(data: object = None) -> web.Response:
    return web.json_response(ANNEX_H.write(data, request_id=uuid.uuid4().hex))
