"""What the API needs of the services behind it."""

from collections.abc import AsyncIterator, Collection, Sequence
from datetime import datetime
from pathlib import Path
from typing import Protocol

from cad.domain.access import Account, Caller, Grant, Login, NewSecret, Scope, TokenRequest
from cad.domain.audit import AuditEntry
from cad.domain.deliveries import DeadLetter
from cad.domain.ids import EventId, FilePackageId, ServiceId, TaskId
from cad.domain.packages import AlgoPackage, FilePackage, PackageState, PushOrder
from cad.domain.tasks import NewTask
from cad.domain.views import (
    HostFigures,
    IntakeView,
    LinkView,
    OutboxView,
    TaskStep,
    TaskView,
    WorkerView,
)


class PackageService(Protocol):
    """File packages and algorithm packages. What is accepted goes on in the background."""

    async def push(self, order: PushOrder) -> None:
        """Fetch a file package."""

    async def push_file(self, path: Path) -> FilePackageId:
        """Take an archive that lies on this device; return the number that it gets."""

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

    def history(self, task_id: TaskId) -> Sequence[TaskStep]:
        """Return the last steps of one task, oldest first, or raise `NotFoundError`."""

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

    def intake(self) -> IntakeView:
        """Return what became of the events of all workers."""


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

    async def dead(self, limit: int) -> Sequence[DeadLetter]:
        """Return at most `limit` of what was put aside, oldest first."""

    async def resend(self, event_ids: Sequence[EventId] | None) -> int:
        """Try again what was put aside of `event_ids`, None = all; return how much that is."""


class Door(Protocol):
    """Checks what callers show."""

    def is_known(self, name: str) -> bool:
        """Whether there is an account called `name`."""

    def check_token(self, token: str) -> Caller:
        """Return whose access token it is, or raise `InvalidTokenError`."""

    def check_login(self, login: Login, address: str) -> Caller:
        """Return who `login` is, or raise `InvalidClientError` or `SlowDownError`."""


class TokenOffice(Protocol):
    """Gives tokens."""

    async def grant(self, request: TokenRequest, address: str) -> Grant:
        """Give a token for what `request`, from `address`, proves."""


class Access(Protocol):
    """Who may call."""

    @property
    def door(self) -> Door:
        """What checks callers."""

    @property
    def office(self) -> TokenOffice:
        """What gives tokens."""

    @property
    def login(self) -> Login:
        """What the platform is told at registration."""

    def accounts(self) -> Sequence[Account]:
        """Return who can get tokens, by name."""

    def jwks(self) -> dict[str, list[dict[str, str]]]:
        """Return the public keys (RFC 7517 §5)."""

    async def rotate_secret(self, name: str) -> NewSecret:
        """Give an account a new secret; the last one stays valid for a while."""

    async def rotate_keys(self) -> str:
        """Have a new key sign tokens; return its id."""

    async def add_client(self, name: str, scopes: frozenset[Scope]) -> NewSecret:
        """Make a client."""

    async def remove_client(self, name: str) -> None:
        """Forget a client and its tokens."""


class AuditLog(Protocol):
    """The log of management calls."""

    async def record(self, entry: AuditEntry) -> None:
        """List `entry`."""

    async def entries(self, since: datetime | None, limit: int) -> Sequence[AuditEntry]:
        """Return the last `limit` entries from `since` on, oldest first."""
