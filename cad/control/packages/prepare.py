"""Runs the child that prepares a model: compile, dry run, measuring, away from everything else."""

import asyncio
import os
import signal
from asyncio.subprocess import PIPE, Process
from collections import deque
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import asynccontextmanager, suppress

import msgspec

from cad.base.errors import BadValueError, CadError
from cad.base.redact import redact
from cad.domain.models import PreparedModel
from cad.protocols.worker.preparation import (
    Prepared,
    PrepareNews,
    PrepareRefused,
    PrepareRequest,
    PrepareStep,
)

DEADLINE = 300.0
LINE_LIMIT = 1024 * 1024
LAST_WORDS_LINES, LAST_WORDS_LIMIT = 5, 600
LAST_WORDS_SECONDS = 0.5
IDLE_NICENESS = 19
"""The kernel derives the priority of input and output from it."""

_news: msgspec.json.Decoder[PrepareNews] = msgspec.json.Decoder(PrepareNews)


class ModelRefusedError(BadValueError):
    """The model is not what its manifest says, or this version does not support it."""


class PreparationFailedError(CadError):
    """The preparing child crashed, hung or spoke garbage."""

    code = 50003


class PreparingChild:
    """Prepares models, each in a process of its own at idle priority."""

    def __init__(self, command: Sequence[str], deadline: float = DEADLINE) -> None:
        self._command, self._deadline = command, deadline

    async def prepare(
        self, request: PrepareRequest, on_step: Callable[[str], None]
    ) -> PreparedModel:
        """Return the prepared model; `on_step` hears what is being done.

        A caller that is cancelled leaves no child behind.

        Raises:
            ModelRefusedError: says what was found and what is expected.
            PreparationFailedError: has the last words of the child.
        """
        step = ""
        verdict: Prepared | PrepareRefused | str

        def note(begun: str) -> None:
            nonlocal step
            step = begun
            on_step(begun)

        try:
            async with asyncio.timeout(self._deadline), _running(self._command) as child:
                verdict = await _converse(child, request, note)
        except TimeoutError:
            verdict = f"did not end within {self._deadline:g} s"
        if isinstance(verdict, Prepared):
            return verdict.model
        if isinstance(verdict, PrepareRefused):
            raise ModelRefusedError(verdict.message, field=f"model ({verdict.step})")
        raise PreparationFailedError(f"preparing the model {verdict} (step: {step or 'start'})")


@asynccontextmanager
async def _running(command: Sequence[str]) -> AsyncGenerator[Process]:
    """Have `command` run as the leader of its own group while the context is open."""
    try:
        child = await asyncio.create_subprocess_exec(
            *command,
            stdin=PIPE,
            stdout=PIPE,
            stderr=PIPE,
            limit=LINE_LIMIT,
            start_new_session=True,
        )
    except OSError as error:
        raise PreparationFailedError(f"the preparing child does not start: {error}") from error
    try:
        with suppress(ProcessLookupError):
            os.setpriority(os.PRIO_PGRP, child.pid, IDLE_NICENESS)
        yield child
    finally:
        with suppress(ProcessLookupError):
            os.killpg(child.pid, signal.SIGKILL)
        await child.wait()


async def _converse(
    child: Process, request: PrepareRequest, note: Callable[[str], None]
) -> Prepared | PrepareRefused | str:
    """Hand over the request and return the child's verdict, or how it ended without one."""
    words: deque[str] = deque(maxlen=LAST_WORDS_LINES)
    async with _collecting(child, words) as all_heard:
        await _ask(child, request)
        try:
            return await _verdict(child, note)
        except EOFError:
            ended = _how_it_ended(await child.wait())
        except (msgspec.MsgspecError, ValueError) as error:
            ended = f"gave what is no message: {error}"
        with suppress(TimeoutError):
            async with asyncio.timeout(LAST_WORDS_SECONDS):
                await all_heard.wait()
    return ended + _quoted(words)


@asynccontextmanager
async def _collecting(child: Process, words: deque[str]) -> AsyncGenerator[asyncio.Event]:
    """Read what the child complains of, so that it never waits for a reader."""
    assert child.stderr is not None  # noqa: S101 - it was opened as a pipe
    stderr, all_heard = child.stderr, asyncio.Event()

    async def listen() -> None:
        rest = b""
        while block := await stderr.read(LINE_LIMIT):
            *lines, rest = (rest + block).split(b"\n")
            words.extend(line.decode(errors="replace") for line in lines)
            rest = rest[-LAST_WORDS_LIMIT:]
        words.append(rest.decode(errors="replace"))
        all_heard.set()

    async with asyncio.TaskGroup() as group:
        listener = group.create_task(listen(), name="preparing-stderr")
        try:
            yield all_heard
        finally:
            listener.cancel()


async def _ask(child: Process, request: PrepareRequest) -> None:
    assert child.stdin is not None  # noqa: S101 - it was opened as a pipe
    with suppress(ConnectionError):  # it is gone: how it ended is told by its output
        child.stdin.write(msgspec.json.encode(request))
        await child.stdin.drain()
        child.stdin.close()
        await child.stdin.wait_closed()


async def _verdict(child: Process, note: Callable[[str], None]) -> Prepared | PrepareRefused:
    """Follow the child's news up to its verdict.

    Raises:
        EOFError: it said none.
        MsgspecError, ValueError: it said something else.
    """
    assert child.stdout is not None  # noqa: S101 - it was opened as a pipe
    async for line in child.stdout:
        news = _news.decode(line)
        if not isinstance(news, PrepareStep):
            return news
        note(news.step)
    raise EOFError


def _how_it_ended(code: int) -> str:
    if code < 0:
        return f"ended by {signal.Signals(-code).name}"
    return f"ended with exit code {code} and no result"


def _quoted(words: Sequence[str]) -> str:
    text = redact(" | ".join(line.strip() for line in words if line.strip()))
    return f"; its last words: {text[-LAST_WORDS_LIMIT:]}" if text else ""
