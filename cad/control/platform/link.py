"""The platform link: executes what the registration machine decides, as long as the device runs."""

import asyncio
import logging
from collections import deque
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass
from datetime import datetime
from types import TracebackType
from typing import Self

from cad.base.backoff import backoff
from cad.base.clock import Clock
from cad.base.errors import CadError
from cad.base.supervise import background
from cad.control.platform.client import NOT_FOUND, PlatformClient
from cad.control.platform.errors import PlatformRefusedError, PlatformUnreachableError
from cad.control.platform.introduction import Introduction
from cad.control.platform.machine import Command, Event, Lease, Registration
from cad.domain.views import LinkState, LinkView

logger = logging.getLogger(__name__)

FAREWELL_DEADLINE = 3.0
"""Seconds that unregistering may take when the device stops."""

TRANSITIONS_KEPT = 50


@dataclass(frozen=True, slots=True)
class Transition:
    """One step of the registration, for the support bundle."""

    at: datetime
    event: Event
    before: LinkState
    after: LinkState
    error: str
    """What was wrong at the time, if anything."""


class PlatformLink:
    """Keeps this device registered while the context is open. Entering does not wait for anybody.

    Leaving unregisters the device, in at most `FAREWELL_DEADLINE` seconds, if the platform may know
    it.
    """

    def __init__(
        self,
        client: PlatformClient,
        introduction: Introduction,
        *,
        expires: float,
        clock: Clock,
        delays: Callable[[], Iterator[float]] = backoff,
    ) -> None:
        self._client, self._introduction, self._clock = client, introduction, clock
        self._expires, self._new_delays = expires, delays
        self._keepalive = introduction.keepalive(expires)
        self._registration, self._delays = Registration(), delays()
        self._since, self._registrations, self._error = clock.now(), 0, ""
        self._last_keepalive: datetime | None = None
        self._transitions: deque[Transition] = deque(maxlen=TRANSITIONS_KEPT)
        self._credentials_changed = asyncio.Event()
        self._stack = AsyncExitStack()

    async def __aenter__(self) -> Self:
        await self._stack.enter_async_context(background("platform link", self._run))
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self._stack.aclose()
        if (command := self._take(Event.STOP)) is not None:
            self._take(await self._execute(command))

    def view(self) -> LinkView:
        """Return where the device stands."""
        return LinkView(
            state=self._registration.state,
            url=self._client.http.url,
            since=self._since,
            last_error=self._error,
            last_keepalive=self._last_keepalive,
            registrations=self._registrations,
        )

    def tell_credentials(self) -> None:
        """Tell the platform at once who may call this device now: the next registration does."""
        self._credentials_changed.set()

    def transitions(self) -> Sequence[Transition]:
        """Return the last steps, oldest first."""
        return tuple(self._transitions)

    async def _run(self) -> None:
        command = self._take(Event.START)
        while command is not None:
            command = self._take(await self._execute(command))

    def _take(self, event: Event) -> Command | None:
        """Let the machine decide on `event`, and remember the step."""
        before, (self._registration, command) = self._registration, self._registration.on(event)
        after, now = self._registration.state, self._clock.now()
        if after is not before.state:
            self._since = now
        self._transitions.append(Transition(now, event, before.state, after, self._error))
        return command

    async def _execute(self, command: Command) -> Event:
        match command:
            case Command.REGISTER:
                return await self._outcome(self._register())
            case Command.KEEP_ALIVE:
                return await self._keep_alive()
            case Command.BACK_OFF:
                await asyncio.sleep(next(self._delays))
                return Event.START
            case Command.UNREGISTER:
                return await self._unregister()

    async def _outcome(self, call: Awaitable[None]) -> Event:
        """Await `call` and return what became of it."""
        try:
            await call
        except CadError as error:
            self._note(str(error))
            unknown = isinstance(error, PlatformRefusedError) and error.family == NOT_FOUND
            return Event.UNKNOWN if unknown else Event.REJECTED
        except Exception as error:
            # Whatever the platform answers, the device goes on with its work.
            logger.exception("platform link (%s)", self._registration.state)
            self._note(f"internal error: {type(error).__name__}")
            return Event.REJECTED
        self._error = ""
        return Event.ACCEPTED

    def _note(self, error: str) -> None:
        """Remember what is wrong, and say it once as long as it stays the same."""
        if error != self._error:
            logger.warning("%s (%s)", error, self._registration.state)
        self._error = error

    async def _register(self) -> None:
        self._credentials_changed.clear()  # first: what changes from here on is told once more
        async for farewell in self._introduction.former_farewells():
            with suppress(PlatformRefusedError):  # what it does not know cannot be in the way
                await self._client.unregister(farewell)
        await self._client.register(await self._introduction.registration())
        await self._introduction.note_taken()
        self._delays = self._new_delays()
        self._registrations += 1
        logger.info("registered with the platform %s", self._client.http.url)

    async def _keep_alive(self) -> Event:
        """Send keepalives until the platform must be told more than that this device is there."""
        lease = Lease.registered(self._expires, self._clock.monotonic())
        while True:
            if await self._credentials_change_before(lease.due_at):
                return Event.CREDENTIALS_CHANGED
            if lease.is_lost(self._clock.monotonic()):
                return Event.BEATS_LOST
            match await self._outcome(self._beat(lease.patience)):
                case Event.ACCEPTED:
                    lease = lease.answered(self._clock.monotonic())
                    self._last_keepalive = self._clock.now()
                case Event.UNKNOWN:
                    return Event.UNKNOWN
                case _:
                    lease = lease.missed()

    async def _credentials_change_before(self, due_at: float) -> bool:
        """Wait until `due_at`, or until the credentials change; return whether they do."""
        try:
            async with asyncio.timeout(due_at - self._clock.monotonic()):
                return await self._credentials_changed.wait()
        except TimeoutError:
            return False

    async def _beat(self, patience: float) -> None:
        """Send one keepalive; it must be answered before the next one is due."""
        try:
            async with asyncio.timeout(patience):
                await self._client.keep_alive(self._keepalive)
        except TimeoutError as error:
            reason = f"no answer to a keepalive within {patience:g} s"
            raise PlatformUnreachableError(self._client.http.url, reason) from error

    async def _unregister(self) -> Event:
        try:
            async with asyncio.timeout(FAREWELL_DEADLINE):
                return await self._outcome(self._say_farewell())
        except TimeoutError:
            self._note(f"no answer to unregistering within {FAREWELL_DEADLINE:g} s")
            return Event.REJECTED

    async def _say_farewell(self) -> None:
        await self._client.unregister(await self._introduction.farewell())
        logger.info("unregistered from the platform %s", self._client.http.url)


class NoPlatform:
    """Stands in for the link where no platform is configured."""

    def __init__(self, clock: Clock) -> None:
        self._since = clock.now()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        return None

    def view(self) -> LinkView:
        """Return that there is no platform."""
        return LinkView(state=LinkState.DISABLED, url="", since=self._since)
