"""The calls of this device on its platform (H.2–H.4, and the SM2 key of AM-82)."""

from typing import Literal

from cad.base.errors import RefusedError, shorten
from cad.base.redact import MASK
from cad.control.platform.errors import PlatformAnswerError, PlatformRefusedError, family_of
from cad.control.platform.http import Answer, PlatformHttp
from cad.control.platform.tokens import Authorizer
from cad.domain.dialects import STANDARD, Dialect
from cad.protocols.sm2 import PublicKey
from cad.wire.annex_h_machine import (
    KEEPALIVE,
    MACHINE,
    REGISTER,
    SM2_KEY,
    UNREGISTER,
    KeepaliveRequest,
    RegisterRequest,
    UnRegisterRequest,
)
from cad.wire.envelope import Envelope, read_answer
from cad.wire.model import read_json
from cad.wire.platform_access import Sm2PublicKey
from cad.wire.spellings import Spellings

UNAUTHORISED = 401
NOT_FOUND = 404


class PlatformClient:
    """Makes each call once; only a token that was not taken is renewed and tried again.

    Every method raises `PlatformUnreachableError`, `PlatformAnswerError`, `TokenRefusedError` or
    `PlatformRefusedError`, all of them worth another try later.
    """

    def __init__(
        self, http: PlatformHttp, authorizer: Authorizer, dialect: Dialect = STANDARD
    ) -> None:
        self.http, self.authorizer = http, authorizer
        self._spellings = Spellings(MACHINE, dialect.machine_paths)

    async def register(self, request: RegisterRequest) -> None:
        """Announce this device (H.2)."""
        await self._call("POST", REGISTER, request)

    async def unregister(self, request: UnRegisterRequest) -> None:
        """Take this device off the platform's books (H.3)."""
        await self._call("POST", UNREGISTER, request)

    async def keep_alive(self, request: KeepaliveRequest) -> None:
        """Renew the lease (H.4)."""
        await self._call("POST", KEEPALIVE, request)

    async def sm2_key(self) -> PublicKey | None:
        """Return the key for which the platform wants passwords encrypted, if it offers one."""
        try:
            envelope = await self._call("GET", SM2_KEY)
        except PlatformRefusedError as error:
            if error.family == NOT_FOUND:
                return None
            raise
        try:
            return PublicKey.parse(_offered_key(envelope.data))
        except RefusedError as error:
            raise PlatformAnswerError(f"GET {SM2_KEY}", str(error)) from error

    async def _call(
        self,
        method: Literal["GET", "POST"],
        path: str,
        request: RegisterRequest | UnRegisterRequest | KeepaliveRequest | None = None,
    ) -> Envelope:
        body = None if request is None else request.to_wire()
        envelope = _understand(answer := await self._send(method, path, body))
        if family_of(envelope.code) == UNAUTHORISED:
            await self.authorizer.renew()
            envelope = _understand(answer := await self._send(method, path, body))
        if not envelope.succeeded:
            reason = _without_secret(envelope.message, body)
            raise PlatformRefusedError(answer.call, envelope.code, reason)
        return envelope

    async def _send(
        self, method: Literal["GET", "POST"], path: str, body: dict[str, object] | None
    ) -> Answer:
        """Send the call under the path that the platform serves (AM-10).

        Until one of its spellings is known to be served, "not found" may be said of the path.
        """
        answers: list[Answer] = []
        for spelled in self._spellings.of(path):
            headers = await self.authorizer.headers(self.http.address(spelled))
            answer = await self.http.exchange(method, spelled, json=body, headers=headers)
            if family_of(read_answer(answer.status, answer.body).code) != NOT_FOUND:
                self._spellings.prove(spelled)
                return answer
            answers.append(answer)
        return answers[0]


def _understand(answer: Answer) -> Envelope:
    """Return the envelope of `answer`; where it has none, its HTTP status decides (AM-06).

    A page that some proxy or portal serves with status 200 is no success, though.
    """
    envelope = read_answer(answer.status, answer.body)
    if envelope.succeeded and answer.body.strip():
        try:
            read_json(answer.body)
        except RefusedError as error:
            raise PlatformAnswerError(
                answer.call, f"an answer that is not JSON: {error}"
            ) from error
    return envelope


def _offered_key(data: object) -> str:
    return data if isinstance(data, str) else Sm2PublicKey.read(data).public_key


def _without_secret(message: str, body: dict[str, object] | None) -> str:
    """Return the platform's words in one line, without a password that it repeats."""
    password = (body or {}).get("password")
    words = message.replace(password, MASK) if isinstance(password, str) else message
    return shorten(" ".join(words.split()))
