"""What the API needs of the services behind it."""

from collections.abc import AsyncIterator, Collection, Sequence
from typing import Protocol

from cad.domain.ids import FilePackageId, ServiceId, TaskId
from cad.domain.packages import AlgoPackage, FilePackage, PackageState, PushOrder
from cad.domain.tasks import NewTask
from cad.domain.views import HostFigures, LinkView, OutboxView, TaskView, WorkerView


class PackageService(Protocol):
    """File packages and algorithm packages. What is accepted goes on in the background."""

    async def push(self, order: PushOrder) -> None:
        """Fetch a file package."""

    async def delete_file_package(self, file_package_id: FilePackageId) -> None:
        """Remove a file package none of whose algorithms is installed."""

    def file_packages(self) -> Sequence[FilePackage]:
        """Return every file package."""

    def file_package(self, file_package_id: FilePackageId) -> FilePackage:
        """Return one file package, or raise `NotFoundError`."""

    async def install(self, code: ServiceId, args: str, replaces: str = "") -> None:
        """Install and start an algorithm package; an installed one starts anew with `args`.

        The tasks of the one that it `replaces` go on with it.
        """

    async def uninstall(self, code: ServiceId, *, force: bool) -> None:
        """Remove an algorithm package; `force` takes its tasks with it."""

    async def start(self, code: ServiceId) -> None:
        """Serve a stopped algorithm package again."""

    async def stop(self, code: ServiceId) -> None:
        """Serve an algorithm package no more."""

    def packages(self, state: PackageState | None) -> Sequence[AlgoPackage]:
        """Return the algorithm packages in `state`; None = all."""

    def package(self, code: ServiceId) -> AlgoPackage:
        """Return one algorithm package, or raise `NotFoundError`."""


class TaskService(Protocol):
    """Analysis tasks."""

    async def create(self, new: NewTask) -> tuple[TaskView, bool]:
        """Make a task, or replace the rules of the one it repeats; True = made."""

    async def delete(self, task_id: TaskId, *, force: bool) -> None:
        """End a task; `force` drops its undelivered events."""

    async def pause(self, task_id: TaskId) -> TaskView:
        """Hold a task. Idempotent."""

    async def resume(self, task_id: TaskId) -> TaskView:
        """Let a task run again. Idempotent."""

    def get(self, task_id: TaskId) -> TaskView:
        """Return one task, or raise `NotFoundError`."""

    def search(
        self,
        *,
        task_ids: Collection[TaskId],
        service_ids: Collection[ServiceId],
        event_types: Collection[str],
    ) -> Sequence[TaskView]:
        """Return the tasks that fit every filter, in a stable order; an empty filter fits all."""


class Workers(Protocol):
    """The analysis workers."""

    def workers(self) -> Sequence[WorkerView]:
        """Return each worker as it is now."""


class Host(Protocol):
    """The machine."""

    def figures(self) -> HostFigures:
        """Return the latest reading; does not block."""


class Link(Protocol):
    """The platform link."""

    def view(self) -> LinkView:
        """Return the link as it is now."""


class Outbox(Protocol):
    """The events on their way."""

    def view(self) -> OutboxView:
        """Return the outbox as it is now."""

    def tail(self) -> AsyncIterator[bytes]:
        """Yield each event stored from now on: its document, JSON without images.

        A reader that is too slow loses events, not memory.
        """
