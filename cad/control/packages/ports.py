"""What this package needs of its neighbours."""

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Protocol

from cad.domain.ids import ServiceId, TaskId
from cad.domain.models import PreparedModel
from cad.domain.packages import (
    AlgoPackage,
    FilePackage,
    JournalEntry,
    PackageRecord,
    ServiceHealth,
    ServiceOrder,
)
from cad.protocols.worker.preparation import PrepareRequest


class PackageStore(Protocol):
    """Keeps packages and the journal of what is being done with them."""

    async def load(
        self,
    ) -> tuple[Sequence[FilePackage], Sequence[AlgoPackage], Sequence[JournalEntry]]:
        """Return all that is kept."""

    async def apply(
        self, *, keep: Sequence[PackageRecord] = (), forget: Sequence[PackageRecord] = ()
    ) -> None:
        """Keep records, in place of those of the same key, and forget others: all or nothing."""


class ServiceHost(Protocol):
    """Where algorithms are served and tasks run."""

    async def serve(self, order: ServiceOrder) -> None:
        """Return when the workers serve the algorithm; in place of what it served under this id.

        Raises:
            CadError: it cannot be served, and why.
        """

    async def withdraw(self, service_id: ServiceId) -> None:
        """Stop serving the algorithm; unknown is fine."""

    def providers(self, service_id: ServiceId) -> Collection[str]:
        """Return the execution providers with which workers serve the algorithm now."""

    def redirect(self, aliases: Mapping[ServiceId, ServiceId]) -> None:
        """Run the tasks of each key on its algorithm from now on, and of no others."""

    def health(self, service_id: ServiceId, task_services: Collection[ServiceId]) -> ServiceHealth:
        """Return how an algorithm does, with the tasks of `task_services`, which run on it."""

    def task_ids(self, service_id: ServiceId) -> Sequence[TaskId]:
        """Return the live tasks of the algorithm."""

    async def drop_tasks(self, service_id: ServiceId) -> None:
        """Delete all tasks of the algorithm."""

    async def hand_over(self, service_id: ServiceId, to: ServiceId) -> None:
        """Make the tasks of an algorithm those of another, on which they run already."""


class Authorizer(Protocol):
    """Proves to the platform who downloads."""

    async def headers(self, url: str) -> Mapping[str, str]:
        """Return the headers for a request of `url`; none for a host that is not the platform."""

    async def renew(self) -> None:
        """Get a new token; the platform refused the one before."""


class Preparer(Protocol):
    """Compiles, dry-runs and measures models."""

    async def prepare(
        self, request: PrepareRequest, on_step: Callable[[str], None]
    ) -> PreparedModel:
        """Return the prepared model; `on_step` hears what is being done.

        Raises:
            CadError: the model is not what its manifest says, or preparing failed.
        """
