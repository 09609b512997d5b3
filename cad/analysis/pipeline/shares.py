"""How much of the engines' time each service has had: start-time fair queueing.

(Goyal, Vin, Cheng: Start-time Fair Queueing, SIGCOMM 1996; equal weights.) An account says at which
virtual time, in seconds of engine time, the service's next call starts; calls begin in the order of
these starts. A service that had nothing to do comes back at the present virtual time: it has saved
up nothing in its absence, and owes at most its last calls.
"""

from collections.abc import Collection
from dataclasses import dataclass, field

LEARNING_RATE = 0.25
"""Weight of the last call in what the next one is expected to take."""


@dataclass(eq=False, slots=True)
class Account:
    """What one service has had, and what a frame costs it."""

    frame_seconds: float
    """What a frame is expected to take."""
    start: float = 0.0
    """Virtual time at which the next call starts."""


@dataclass(frozen=True, slots=True)
class Charge:
    """What a call is expected to take, until it is known."""

    account: Account
    frames: int
    seconds: float


@dataclass(slots=True)
class Ledger:
    """The virtual time, and which accounts had something to do at the last choice."""

    now: float = 0.0
    """Start of the call that began last."""
    _busy: Collection[Account] = field(default=())

    def update(self, ready: Collection[Account], running: Collection[Account]) -> None:
        """Take note, before each choice, of who wants a call and who has one."""
        for account in ready:
            if account not in self._busy:
                account.start = max(account.start, self.now)
        self._busy = {*ready, *running}

    def begin(self, account: Account, frames: int) -> Charge:
        """Charge a call that begins with what it is expected to take."""
        charge = Charge(account, frames, frames * account.frame_seconds)
        self.now = max(self.now, account.start)
        account.start += charge.seconds
        return charge

    def end(self, charge: Charge, seconds: float) -> None:
        """Charge a call that has ended with what it took."""
        account = charge.account
        account.start += seconds - charge.seconds
        account.frame_seconds += LEARNING_RATE * (seconds / charge.frames - account.frame_seconds)
