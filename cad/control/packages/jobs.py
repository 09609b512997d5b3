"""Carries out operations step by step, a task for each package, the journal always ahead."""

import asyncio
import dataclasses
import logging
from collections.abc import Awaitable, Callable, Mapping
from types import TracebackType
from typing import Self

from cad.base.errors import CadError, UnavailableError
from cad.control.packages.book import Book, Subject
from cad.control.packages.plan import Recovery, after_crash, after_orderly_stop, steps_from
from cad.control.packages.pushing import Actions
from cad.domain.packages import AlgoPackage, FilePackage, JournalEntry, Operation

logger = logging.getLogger(__name__)

Undo = Callable[[JournalEntry, str], Awaitable[None]]


class UnfinishedError(UnavailableError):
    """A removal could not be brought to its end yet."""


class Jobs:
    """Runs operations while its context is open; leaving it pauses them.

    What goes wrong undoes its operation, and ends nothing else: a bug, too, for archives and models
    come from anybody. A removal that fails stays in the journal and is tried again at the next
    start.
    """

    def __init__(self, book: Book, actions: Actions, undo: Mapping[Operation, Undo]) -> None:
        self._book, self._actions, self._undo = book, actions, undo
        self._group = asyncio.TaskGroup()
        self._tasks: dict[Subject, asyncio.Task[None]] = {}

    async def __aenter__(self) -> Self:
        await self._group.__aenter__()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for task in self._tasks.values():
            task.cancel()
        await self._group.__aexit__(kind, error, trace)
        paused = [after_orderly_stop(entry) for entry in self._book.entries.values()]
        if kind is None and paused:
            await self._book.apply(keep=paused)

    async def begin(self, entry: JournalEntry, record: FilePackage | AlgoPackage) -> None:
        """Store `record` with the journal entry of its operation, and begin the operation."""
        await self._book.apply(keep=[record, entry])
        self._launch(entry)

    async def recover(self) -> None:
        """Go on with, or undo, what the journal says was cut off."""
        for found in list(self._book.entries.values()):
            recovery, entry = after_crash(found)
            if recovery is Recovery.UNDO:
                reason = f"the device went down {found.starts} times during this step"
                await self._give_up(entry, reason)
            else:
                await self._book.apply(keep=[entry])
                self._launch(entry)

    async def finish(self, subject: Subject) -> None:
        """Wait until the operation on `subject` is over.

        Raises:
            UnfinishedError: something is in its way.
        """
        if task := self._tasks.get(subject):
            await asyncio.wait([task])
        if entry := self._book.entries.get(subject):
            raise UnfinishedError(
                f"{entry.operation} of {subject} stopped at the step {entry.step}; it goes on when "
                "it is ordered again, or when the device starts again"
            )

    async def cancel(self, subject: Subject) -> None:
        """End the operation on `subject` where it is; its entry stays until another replaces it."""
        if task := self._tasks.get(subject):
            task.cancel()
            await asyncio.wait([task])

    def _launch(self, entry: JournalEntry) -> None:
        name = f"package-{entry.operation}-{entry.subject}"
        task = self._group.create_task(self._carry_out(entry), name=name)
        self._tasks[entry.subject] = task
        task.add_done_callback(lambda done: self._drop(entry.subject, done))

    def _drop(self, subject: Subject, done: asyncio.Task[None]) -> None:
        if self._tasks.get(subject) is done:
            del self._tasks[subject]

    async def _carry_out(self, entry: JournalEntry) -> None:
        try:
            for step in steps_from(entry):
                if step is not entry.step:
                    entry = dataclasses.replace(entry, step=step)
                    await self._book.apply(keep=[entry])
                await self._actions[entry.operation, step](entry)
        except CadError as error:
            await self._give_up(entry, str(error))
        except Exception as error:
            logger.exception("%s of %s: step %s", entry.operation, entry.subject, entry.step)
            await self._give_up(entry, f"internal error: {type(error).__name__}")

    async def _give_up(self, entry: JournalEntry, reason: str) -> None:
        undo = self._undo.get(entry.operation)
        if undo is None:
            logger.warning("%s of %s goes on later: %s", entry.operation, entry.subject, reason)
            return
        try:
            await undo(entry, reason)
        except CadError as error:
            logger.error("undoing %s of %s: %s", entry.operation, entry.subject, error)  # noqa: TRY400 - both sentences say it all
        except Exception:
            logger.exception("undoing %s of %s", entry.operation, entry.subject)
