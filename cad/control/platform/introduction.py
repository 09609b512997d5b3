"""What this device tells the platform about itself: where its API is, and who may call it."""

import asyncio
import math
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass

from cad.config.settings import PlatformSettings
from cad.control.platform.client import PlatformClient
from cad.control.platform.errors import PasswordUnprotectedError, PlatformUnreachableError
from cad.control.platform.told import Told, ToldStore
from cad.domain.access import Login
from cad.protocols.sm2 import Encoding, Form, PublicKey, encrypt_text
from cad.wire.annex_h_machine import KeepaliveRequest, RegisterRequest, UnRegisterRequest

SM2_MARK = "SM2"


@dataclass(frozen=True, slots=True)
class Device:
    """This device as its platform is to know it."""

    code: str
    login: Callable[[], Login]
    """Who may call it; asked at each registration, for the password may have been renewed."""
    port: Callable[[], int]
    """Where the API listens; asked at each registration, for it may be known only at run time."""


class Introduction:
    """Writes the requests that carry the API password, which never travels unprotected."""

    def __init__(
        self, settings: PlatformSettings, client: PlatformClient, device: Device, store: ToldStore
    ) -> None:
        self._settings, self._client, self._device = settings, client, device
        self._told = Told(client.http.url, store)
        self._form = Form(Encoding(settings.sm2_encoding), settings.sm2_text, settings.sm2_charset)
        self._farewell: UnRegisterRequest | None = None
        self._login = device.login()

    async def registration(self) -> RegisterRequest:
        """Return the announcement of this device (H.2).

        Raises:
            UnavailableError: the platform cannot be asked for its key, or is not in reach.
            PasswordUnprotectedError: the password could only be sent in the clear.
            BadValueError: `platform.sm2_public_key` is no key.
            UnavailableError: the disk refuses to remember what is about to be told.
        """
        address = self._settings.advertise_host or await self._route_address()
        self._login = login = self._device.login()
        self._farewell = undoing = await self._undoing(login)
        await self._told.will_hear(login)
        return RegisterRequest(
            code=self._device.code,
            ip=address,
            port=self._device.port(),
            username=undoing.username,
            password=undoing.password,
            password_enc=undoing.password_enc,
        )

    async def note_taken(self) -> None:
        """Remember that the platform has accepted the last registration."""
        await self._told.has_taken(self._login)

    async def former_farewells(self) -> AsyncIterator[UnRegisterRequest]:
        """Yield the requests that undo registrations under logins that no longer hold.

        Without a token the platform knows this device by its login alone, and would take it for
        another one. Raises what `registration` does.
        """
        if self._settings.client_id:
            return
        for login in await self._told.others_than(self._device.login()):
            yield await self._undoing(login)

    def keepalive(self, expires: float) -> KeepaliveRequest:
        """Return the request for a lease of `expires` seconds (H.4)."""
        return KeepaliveRequest(code=self._device.code, expires=math.ceil(expires))

    async def farewell(self) -> UnRegisterRequest:
        """Return the request to be taken off the books (H.3), with the password as last sent.

        Raises what `registration` does.
        """
        return self._farewell or await self._undoing(self._device.login())

    async def _undoing(self, login: Login) -> UnRegisterRequest:
        """Return what undoes a registration under `login`."""
        password, mark = await self._protected(login.secret)
        return UnRegisterRequest(
            code=self._device.code, username=login.name, password=password, password_enc=mark
        )

    async def _protected(self, password: str) -> tuple[str, str | None]:
        """Return `password` as it may travel, and how it is marked (AM-82)."""
        key = await self._key()
        if key is not None:
            return await asyncio.to_thread(encrypt_text, password, key, self._form), SM2_MARK
        if self._client.http.is_encrypted:
            return password, None
        raise PasswordUnprotectedError

    async def _key(self) -> PublicKey | None:
        if self._settings.sm2_public_key:
            return PublicKey.parse(self._settings.sm2_public_key)
        return await self._client.sm2_key()

    async def _route_address(self) -> str:
        """Return the local address from which the platform is reached; no packet is sent."""
        origin = self._client.http.origin
        loop = asyncio.get_running_loop()
        try:
            transport, _ = await loop.create_datagram_endpoint(
                asyncio.DatagramProtocol, remote_addr=(origin.host or "", origin.port or 0)
            )
        except OSError as error:
            reason = f"no route to it: {error.strerror or error}"
            raise PlatformUnreachableError(self._client.http.url, reason) from error
        address: str = transport.get_extra_info("sockname")[0]
        transport.close()
        return address
