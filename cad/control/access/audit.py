"""The log of management calls: who, from where, what, with what result (9.1).

A call that is to be listed is answered when its entry has been handed to the operating system, so
that the end of this process loses none; entries are on disk a second later at the latest, which is
what a power cut can take. When the disk refuses, calls are served all the same: that entries are
missing, and how many, is said in the journal.
"""

import asyncio
import logging
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from pathlib import Path

from cad.base.clock import Clock
from cad.base.supervise import background
from cad.base.threads import WorkThread
from cad.control.access.repeats import Repeats
from cad.control.access.trail import AuditTrail
from cad.domain.audit import AuditEntry

logger = logging.getLogger(__name__)

SYNC_INTERVAL = 1.0
REFUSED_AT_THE_DOOR = frozenset({401, 429})
"""Status of calls that anybody can cause as often as they like."""


class AuditLog:
    """The log while it is open."""

    def __init__(self, trail: AuditTrail, thread: WorkThread, clock: Clock) -> None:
        self._trail, self._thread, self._clock = trail, thread, clock
        self._repeats = Repeats()
        self._is_synced = True
        self._lost = 0

    @classmethod
    @asynccontextmanager
    async def open(cls, path: Path, clock: Clock) -> "AsyncGenerator[AuditLog]":
        """Open the log at `path` while the context is open.

        Raises:
            OSError: it cannot be written.
        """
        thread = WorkThread("audit")
        try:
            trail = await thread.run(AuditTrail, path)
            log = cls(trail, thread, clock)
            try:
                async with background("audit", log._stay_synced):
                    yield log
            finally:
                await log._write(log._repeats.rest())
                await thread.run(trail.close)
        finally:
            await thread.aclose()

    async def record(self, entry: AuditEntry) -> None:
        """List `entry`; of a flood of refusals the first, and later how many more there were."""
        now = self._clock.monotonic()
        refused = entry.status in REFUSED_AT_THE_DOOR
        await self._write(self._repeats.take(entry, now) if refused else [entry])

    async def entries(self, since: datetime | None, limit: int) -> Sequence[AuditEntry]:
        """Return the last `limit` entries from `since` on, oldest first."""
        return await self._thread.run(self._trail.entries, since, limit)

    async def _write(self, entries: Sequence[AuditEntry]) -> None:
        for entry in entries:
            try:
                await self._thread.run(self._trail.write, entry)
            except OSError as error:
                self._take_loss(error)
            else:
                self._take_success()

    def _take_loss(self, error: OSError) -> None:
        if not self._lost:
            logger.error("audit log: cannot be written: %s", error.strerror)
        self._lost += 1

    def _take_success(self) -> None:
        self._is_synced = False
        if self._lost:
            logger.error("audit log: %d entries are missing", self._lost)
            self._lost = 0

    async def _stay_synced(self) -> None:
        while True:
            await self._write(self._repeats.due(self._clock.monotonic()))
            if not self._is_synced:
                self._is_synced = True
                await self._sync()
            await asyncio.sleep(SYNC_INTERVAL)

    async def _sync(self) -> None:
        try:
            await self._thread.run(self._trail.sync)
        except OSError as error:
            logger.error("audit log: may not be on disk: %s", error.strerror)  # noqa: TRY400 - a fact, no bug
