"""The platform as a client: the API of one device, called with what the device registered."""

import hashlib
import ssl
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from types import TracebackType
from typing import Literal, Self
from urllib.parse import quote, urlencode

import aiohttp
from yarl import URL

from cad.base.errors import BadValueError, CadError
from cad.domain.dialects import STANDARD, Dialect, Reading
from cad.sim.platform.registry import Machine
from cad.wire.annex_g_tasks import (
    TASKS,
    AlgoTask,
    AlgoTaskCreateData,
    AlgoTaskPage,
)
from cad.wire.annex_h_machine import STATUS, DeviceInfo
from cad.wire.annex_i_packages import (
    FILE_PACKAGES,
    PACKAGES,
    MachineAlgoFilePackage,
    MachineAlgoPackage,
)
from cad.wire.envelope import Envelope, read_answer
from cad.wire.spellings import Spellings

CALL_TIMEOUT = 30.0
NOT_FOUND = "404"
"""How every code of the family begins (AM-07)."""

Json = Mapping[str, object]


class DeviceRefusedError(CadError):
    """The device answered with a result code other than 0."""

    def __init__(self, call: str, envelope: Envelope) -> None:
        super().__init__(f"{call}: {envelope.code} {envelope.message}")
        self.answer_code = envelope.code


@dataclass(frozen=True, slots=True)
class Trust:
    """How the platform knows the device that it calls (AM-36)."""

    tls: ssl.SSLContext | aiohttp.Fingerprint | None
    """A context with the CA of the devices, or the SHA-256 of a certificate; None = plain http."""

    @classmethod
    def pinned(cls, certificate_pem: str) -> Self:
        """Trust exactly one certificate."""
        der = ssl.PEM_cert_to_DER_cert(certificate_pem)
        return cls(aiohttp.Fingerprint(hashlib.sha256(der).digest()))


class DeviceClient:
    """The device's calls, each made once. An async context.

    Every method raises `DeviceRefusedError` for a refusal, and aiohttp's errors for no answer.
    """

    def __init__(self, machine: Machine, trust: Trust, dialect: Dialect = STANDARD) -> None:
        scheme = "http" if trust.tls is None else "https"
        host = f"[{machine.ip}]" if ":" in machine.ip else machine.ip
        self.base = f"{scheme}://{host}:{machine.port}"
        self._machine, self._trust, self._dialect = machine, trust, dialect
        self._spellings = Spellings(PACKAGES, dialect.package_paths)
        self._stack = AsyncExitStack()
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Self:
        login = self._machine.login
        proof = aiohttp.encode_basic_auth(login.username, login.password)
        self._session = await self._stack.enter_async_context(
            aiohttp.ClientSession(
                headers={"Authorization": proof},
                connector=aiohttp.TCPConnector(ssl=self._trust.tls or True),
                timeout=aiohttp.ClientTimeout(total=CALL_TIMEOUT),
            )
        )
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self._stack.aclose()

    async def status(self) -> DeviceInfo:
        """Ask for state and resources (H.5)."""
        code = self._machine.code
        data = await self._get(f"{STATUS}/{_segment(code)}", query={}, body={"code": code})
        return DeviceInfo.read(data)

    async def push_file_package(self, order: Json) -> None:
        """Have the device fetch a file package (I.2)."""
        await self.call("POST", FILE_PACKAGES, order)

    async def file_package(self, number: int) -> MachineAlgoFilePackage:
        """Ask how far a file package is (AM-124)."""
        return MachineAlgoFilePackage.read(await self.call("GET", f"{FILE_PACKAGES}/{number}"))

    async def delete_file_package(self, number: int) -> None:
        """Remove a file package (I.3)."""
        await self.call("DELETE", f"{FILE_PACKAGES}/{number}")

    async def install(self, code: str, args: str = "") -> None:
        """Install an algorithm package, which starts it (I.4)."""
        await self.call("POST", PACKAGES, {"algoPackageCode": code, "args": args})

    async def uninstall(self, code: str) -> None:
        """Remove an algorithm package (I.5)."""
        await self.call("DELETE", f"{PACKAGES}/{_segment(code)}")

    async def algorithm_packages(self, status: str = "") -> Sequence[MachineAlgoPackage]:
        """List the algorithm packages (I.6), all or those in one state."""
        wanted = {"status": status} if status else {}
        data = await self._get(PACKAGES, query=wanted, body=wanted)
        return [MachineAlgoPackage.read(item) for item in _items(data)]

    async def algorithm_package(self, code: str) -> MachineAlgoPackage:
        """Ask for one algorithm package (I.7)."""
        return MachineAlgoPackage.read(await self.call("GET", f"{PACKAGES}/{_segment(code)}"))

    async def create_task(self, order: Json, path: str = TASKS) -> AlgoTaskCreateData:
        """Create a task (G.2), under `path` (AM-31)."""
        return AlgoTaskCreateData.read(await self.call("POST", path, order))

    async def delete_task(self, task_id: str) -> None:
        """Delete a task (G.3)."""
        await self.call("DELETE", f"{TASKS}/{_segment(task_id)}")

    async def resume_task(self, task_id: str) -> None:
        """Start a task again (G.4)."""
        await self.call("POST", f"{TASKS}/{_segment(task_id)}:resume")

    async def pause_task(self, task_id: str) -> None:
        """Pause a task (G.5)."""
        await self.call("POST", f"{TASKS}/{_segment(task_id)}:pause", {})

    async def search_tasks(self, wanted: Json | None = None) -> AlgoTaskPage:
        """Ask for a page of tasks (G.6)."""
        page = {"pageNumber": 1, "pageSize": 20, **(wanted or {})}
        return AlgoTaskPage.read(await self.call("POST", f"{TASKS}:search", page))

    async def task(self, task_id: str) -> AlgoTask:
        """Ask for one task (G.7)."""
        return AlgoTask.read(await self.call("GET", f"{TASKS}/{_segment(task_id)}"))

    async def call(
        self, method: Literal["GET", "POST", "DELETE"], path: str, body: Json | None = None
    ) -> object:
        """Make any call of the device's API and return the payload of its answer.

        Until the device is known to serve one of a path's spellings, each is tried (AM-10).
        """
        spelled, envelope = await self._find(method, path, body)
        if not envelope.succeeded:
            raise DeviceRefusedError(f"{method} {spelled}", envelope)
        return envelope.data

    async def _find(
        self, method: Literal["GET", "POST", "DELETE"], path: str, body: Json | None
    ) -> tuple[str, Envelope]:
        """Return the answer to a call, and the spelling of its path that was answered."""
        answers: list[tuple[str, Envelope]] = []
        for spelled in self._spellings.of(path):
            envelope = await self._exchange(method, spelled, body)
            if not str(envelope.code).startswith(NOT_FOUND):
                self._spellings.prove(spelled)
                return spelled, envelope
            answers.append((spelled, envelope))
        return answers[0]

    async def _get(self, path: str, *, query: Mapping[str, str], body: Json) -> object:
        """Read something; its parameters travel as the device's dialect has it (AM-08)."""
        if self._dialect.get_reading is Reading.BODY:
            return await self.call("GET", path, body)
        return await self.call("GET", f"{path}?{urlencode(query)}" if query else path)

    async def _exchange(
        self, method: Literal["GET", "POST", "DELETE"], path: str, body: Json | None
    ) -> Envelope:
        if self._session is None:
            raise LookupError("the connections to the device are not open")
        # As it is: an id keeps its %2F and %3A (AM-11).
        url = URL(self.base + path, encoded=True)
        async with self._session.request(method, url, json=body, allow_redirects=False) as response:
            return read_answer(response.status, await response.read())


def _segment(text: str) -> str:
    """Return `text` as one segment of a path (AM-11)."""
    return quote(text, safe="")


def _items(data: object) -> Sequence[object]:
    if data is None:
        return []
    if not isinstance(data, list):
        raise BadValueError("expected a list", field="data", given=data)
    return data
