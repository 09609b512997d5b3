"""Profiles: further interfaces of the device, such as those of Part 3 (AM-30), added as plugins.

A profile is an entry point of the group `cad.profiles`: the name of an object that is a
`DeviceProfile`. What it lists is served beside the annexes, behind the same authentication, in the
envelope of Annex H, and is part of the API's document. A profile imports `cad.base` and
`cad.domain` only.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from cad.domain.ids import ServiceId, TaskId
from cad.domain.packages import AlgoPackage
from cad.domain.plugins import find_plugin
from cad.domain.tasks import NewTask
from cad.domain.views import HostFigures, TaskView

ENTRY_POINT_GROUP = "cad.profiles"


class Machine(Protocol):
    """The device as a profile may use it. What is ordered goes on in the background."""

    @property
    def code(self) -> str:
        """The machine's code."""

    def figures(self) -> HostFigures:
        """Return what the machine has and uses."""

    def packages(self) -> Sequence[AlgoPackage]:
        """Return the algorithm packages."""

    async def install(self, code: ServiceId, args: str) -> None:
        """Install and start an algorithm package."""

    def tasks(self) -> Sequence[TaskView]:
        """Return the analysis tasks."""

    async def create_task(self, new: NewTask) -> TaskView:
        """Make a task, or replace the rules of the one it repeats."""

    async def delete_task(self, task_id: TaskId) -> None:
        """End a task; its events are delivered first."""


Parameters = Mapping[str, object]
"""Members of path, query and body (AM-08)."""

Answer = Callable[[Parameters, Machine], Awaitable[object]]
"""Does what a call asks for and returns its payload as JSON values, None = none.

A `CadError` that it raises is answered with its code.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class ProfileCall:
    """One call of a profile."""

    method: str
    path: str
    """May hold `{variable}` segments and end in `:verb`."""
    answer: Answer
    summary: str
    clause: str = ""
    """Where the call is laid down."""


@runtime_checkable
class DeviceProfile(Protocol):
    """A further interface of the device."""

    @property
    def calls(self) -> Sequence[ProfileCall]:
        """What the profile serves; a call that an annex serves already stays the annex's."""


def find_profile(name: str) -> DeviceProfile:
    """Return the profile called `name`.

    Raises:
        BadValueError: there is none, or its plugin cannot be loaded; names those there are.
    """
    return find_plugin(
        name,
        {},
        DeviceProfile,  # type: ignore[type-abstract] # a protocol is what a profile is checked by
        group=ENTRY_POINT_GROUP,
        field="machine.profiles",
    )
