"""Registration as a value: where the device stands, what follows from an event, when to beat.

The link executes the commands and reports what became of them as the next event; it decides
nothing. A call in flight is cancelled before `STOP` is reported, so what it would have answered no
longer counts.
"""

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import NamedTuple

from cad.domain.views import LinkState

DEFAULT_LEASE = 60.0
"""Seconds a platform keeps a machine that has registered and not yet sent a keepalive (AM-78)."""

BEATS_PER_LEASE = 3
"""Keepalives in the time of a lease, if all are answered (AM-79)."""


class Event(StrEnum):
    """What happened."""

    START = "start"
    """The device came up, or the back-off is over."""
    ACCEPTED = "accepted"
    """The platform did what the call in flight asked for."""
    REJECTED = "rejected"
    """The platform refused it, or could not be reached."""
    BEATS_LOST = "beats_lost"
    """No keepalive was answered for a whole lease."""
    UNKNOWN = "unknown"
    """The platform does not know this machine (any more)."""
    CREDENTIALS_CHANGED = "credentials_changed"
    """What the platform was told about who may call this device no longer holds."""
    STOP = "stop"
    """The device is to stop."""


class Command(StrEnum):
    """What is to be done next."""

    REGISTER = "register"
    KEEP_ALIVE = "keep_alive"
    BACK_OFF = "back_off"
    UNREGISTER = "unregister"


TRANSITIONS: dict[tuple[LinkState, Event], tuple[LinkState, Command | None]] = {
    (LinkState.OFFLINE, Event.START): (LinkState.REGISTERING, Command.REGISTER),
    (LinkState.OFFLINE, Event.STOP): (LinkState.OFFLINE, None),
    (LinkState.REGISTERING, Event.ACCEPTED): (LinkState.ONLINE, Command.KEEP_ALIVE),
    (LinkState.REGISTERING, Event.REJECTED): (LinkState.OFFLINE, Command.BACK_OFF),
    # A machine that waits for its enrolment is unknown until somebody approves it (AM-80).
    (LinkState.REGISTERING, Event.UNKNOWN): (LinkState.OFFLINE, Command.BACK_OFF),
    # The registration may have reached the platform, even if its answer never came.
    (LinkState.REGISTERING, Event.STOP): (LinkState.LEAVING, Command.UNREGISTER),
    (LinkState.ONLINE, Event.BEATS_LOST): (LinkState.REGISTERING, Command.REGISTER),
    (LinkState.ONLINE, Event.UNKNOWN): (LinkState.REGISTERING, Command.REGISTER),
    # Registering anew is the only way to tell them (H.2).
    (LinkState.ONLINE, Event.CREDENTIALS_CHANGED): (LinkState.REGISTERING, Command.REGISTER),
    (LinkState.ONLINE, Event.STOP): (LinkState.LEAVING, Command.UNREGISTER),
    (LinkState.LEAVING, Event.ACCEPTED): (LinkState.OFFLINE, None),
    (LinkState.LEAVING, Event.REJECTED): (LinkState.OFFLINE, None),
    (LinkState.LEAVING, Event.UNKNOWN): (LinkState.OFFLINE, None),
    (LinkState.LEAVING, Event.STOP): (LinkState.LEAVING, None),
}
"""The whole behaviour; a pair that is missing is a bug of the shell."""


class Registration(NamedTuple):
    """Where the device stands with its platform."""

    state: LinkState = LinkState.OFFLINE

    def on(self, event: Event) -> tuple["Registration", Command | None]:
        """Return what follows, and what is to be done, if anything.

        Raises:
            LookupError: the event has no meaning in this state.
        """
        state, command = TRANSITIONS[self.state, event]
        return self._replace(state=state), command


@dataclass(frozen=True, slots=True)
class Lease:
    """How long the platform believes in this machine; times are monotonic seconds."""

    wanted: float
    """The lease that every keepalive asks for."""
    expires: float
    """The lease that is running: the platform's own until the first keepalive is answered."""
    granted_at: float
    """When the platform last answered a registration or a keepalive."""
    beat_at: float
    """When the next keepalive is due."""

    @classmethod
    def registered(cls, wanted: float, now: float) -> "Lease":
        """Return the lease that a registration begins."""
        expires = min(wanted, DEFAULT_LEASE)
        return cls(wanted, expires, now, now + expires / BEATS_PER_LEASE)

    @property
    def patience(self) -> float:
        """Seconds that a keepalive may take before it counts as failed and the next is sent."""
        return self.expires / BEATS_PER_LEASE / 2

    @property
    def ends_at(self) -> float:
        """When the platform regards this machine as lost."""
        return self.granted_at + self.expires

    @property
    def due_at(self) -> float:
        """When something is to be done: the next keepalive, or giving the lease up."""
        return min(self.beat_at, self.ends_at)

    def answered(self, now: float) -> "Lease":
        """Return the lease after a keepalive that was answered at `now`."""
        return Lease(self.wanted, self.wanted, now, now + self.wanted / BEATS_PER_LEASE)

    def missed(self) -> "Lease":
        """Return the lease after the keepalive that was due has failed; the next follows sooner."""
        return replace(self, beat_at=self.beat_at + self.patience)

    def is_lost(self, now: float) -> bool:
        """Whether the platform regards this machine as lost."""
        return now >= self.ends_at
