"""One analysis worker process, from its start to its end."""

import asyncio
import logging
import signal
import socket
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import Self

from cad.base.errors import UnavailableError
from cad.control.tasks.oom import count_oom_kills
from cad.protocols.worker.messages import Frames, News, Order, Shutdown, decode_news, encode
from cad.protocols.worker.settings import WorkerSettings, settings_argument

logger = logging.getLogger(__name__)

READ_BYTES = 1024 * 1024
UNSENT_LIMIT = 8 * 1024 * 1024
"""Bytes of orders that may wait for a worker to read them; a whole assignment is far smaller."""
SHUTDOWN_TIME = 3.0
TERMINATE_TIME = 2.0
LEAVE_TIME = 1.0
"""Seconds for a process to end after it has closed its socket."""


class WorkerNotStartedError(UnavailableError):
    """The operating system refuses to start a worker process."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerProgram:
    """How a worker is started: `command --socket-fd N --settings JSON`."""

    command: Sequence[str]
    settings: WorkerSettings


@dataclass(frozen=True, slots=True)
class OomKills:
    """Whom the kernel kills for want of memory while a worker lives."""

    count: Callable[[], int]
    before: int

    async def have_grown(self) -> bool:
        """Whether there is one more than at the start."""
        return await asyncio.to_thread(self.count) > self.before


class WorkerProcess:
    """A running worker process, and the private socket to it."""

    def __init__(
        self,
        process: Process,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        oom_kills: OomKills,
    ) -> None:
        self._process, self._reader, self._writer = process, reader, writer
        self._oom_kills = oom_kills
        self._ran_out_of_memory = self._is_blameless = False
        self.complaint = ""
        """Why it was killed; empty = it was not."""

    @classmethod
    @asynccontextmanager
    async def started(
        cls, program: WorkerProgram, oom_kills: Callable[[], int] = count_oom_kills
    ) -> AsyncGenerator[Self]:
        """Start a process; it has ended, and is reaped, when the context is left.

        Args:
            program: what to run.
            oom_kills: counts whom the kernel has killed for want of memory; may block.

        Raises:
            WorkerNotStartedError: no memory, no file descriptors, no such program.
        """
        kills = OomKills(oom_kills, await asyncio.to_thread(oom_kills))
        ours, theirs = socket.socketpair()
        with ours, theirs:
            process = await _spawn(program, theirs)
            theirs.close()
            ours.setblocking(False)
            reader, writer = await asyncio.open_connection(sock=ours, limit=READ_BYTES)
            worker = cls(process, reader, writer, kills)
            try:
                yield worker
            finally:
                await worker._end()

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._process.pid

    @property
    def log(self) -> asyncio.StreamReader:
        """Its standard error; to be read to the end, or it will block."""
        if self._process.stderr is None:
            raise LookupError("the process was started without a pipe")
        return self._process.stderr

    def send(self, order: Order) -> None:
        """Queue `order`, without waiting. A process that does not read its orders is killed."""
        if self._writer.is_closing() or self.complaint:
            return
        self._writer.write(encode(order))
        unsent = self._writer.transport.get_write_buffer_size()
        if unsent > UNSENT_LIMIT:
            self.kill(f"it does not read its orders: {unsent} bytes wait")

    async def news(self) -> AsyncIterator[News]:
        """Yield what it says until it closes the socket.

        Raises:
            ProtocolBrokenError: it says something else.
        """
        frames = Frames()
        with suppress(ConnectionError):
            while chunk := await self._reader.read(READ_BYTES):
                for body in frames.feed(chunk):
                    yield decode_news(body)

    def kill(self, complaint: str, *, blameless: bool = False) -> None:
        """End it at once, a stopped or hung process, too; `blameless` = no algorithm did it."""
        if not self.complaint:
            self.complaint, self._is_blameless = complaint, blameless
        with suppress(ProcessLookupError):
            self._process.kill()

    async def stop(self) -> None:
        """End it in good order: asked, then terminated, then killed."""
        self.send(Shutdown())
        if await self._has_ended(SHUTDOWN_TIME):
            return
        with suppress(ProcessLookupError):
            self._process.terminate()
        if not await self._has_ended(TERMINATE_TIME):
            self.kill("it did not end when it was asked to")

    async def ending(self) -> str:
        """Wait for the end after the socket was closed; return how it ended, in words."""
        if not await self._has_ended(LEAVE_TIME):
            self.kill("it closed its socket and did not end")
        code = await self._process.wait()
        if self.complaint:
            return f"killed: {self.complaint}"
        if code == -signal.SIGKILL and await self._oom_kills.have_grown():
            self._ran_out_of_memory = True
            return "killed by the kernel: out of memory"
        return describe_exit(code)

    @property
    def is_blameless(self) -> bool:
        """Whether no algorithm has ended it: a signal from outside did, or we for another reason.

        The kernel's kill for want of memory is no signal from outside: who is killed has taken the
        memory, most likely. Known after `ending`.
        """
        outside = {-signal.SIGKILL, -signal.SIGTERM, -signal.SIGINT, -signal.SIGHUP}
        if self.complaint:
            return self._is_blameless
        return self._process.returncode in outside and not self._ran_out_of_memory

    async def _has_ended(self, timeout: float) -> bool:
        with suppress(TimeoutError):
            async with asyncio.timeout(timeout):
                await self._process.wait()
        return self._process.returncode is not None

    async def _end(self) -> None:
        if self._process.returncode is None:
            self.kill("its owner is leaving")
        await self._process.wait()
        self._writer.close()
        with suppress(ConnectionError):
            await self._writer.wait_closed()


def describe_exit(code: int) -> str:
    """Return the return code of a process in words."""
    if code >= 0:
        return f"exit code {code}"
    try:
        return f"signal {signal.Signals(-code).name}"
    except ValueError:
        return f"signal {-code}"


async def _spawn(program: WorkerProgram, theirs: socket.socket) -> Process:
    """Start the process in a session of its own: Ctrl-C at a terminal is for the daemon only."""
    descriptor = theirs.fileno()
    arguments = (
        *program.command,
        f"--socket-fd={descriptor}",
        f"--settings={settings_argument(program.settings)}",
    )
    try:
        return await asyncio.create_subprocess_exec(
            *arguments,
            pass_fds=(descriptor,),
            stdin=DEVNULL,
            stdout=DEVNULL,
            stderr=PIPE,
            start_new_session=True,
        )
    except OSError as error:
        raise WorkerNotStartedError(f"cannot start {program.command[0]}: {error}") from error
