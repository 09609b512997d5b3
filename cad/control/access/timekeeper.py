"""The moment it is, by both clocks."""

import uuid
from pathlib import Path

from cad.base.clock import Clock
from cad.domain.access import Moment

BOOT_ID = Path("/proc/sys/kernel/random/boot_id")


class Timekeeper:
    """Reads the clocks."""

    def __init__(self, clock: Clock, boot: str) -> None:
        self.clock = clock
        self._boot = boot

    def moment(self) -> Moment:
        """Return the moment it is."""
        return Moment(self._boot, self.clock.monotonic(), self.clock.now())


def this_boot(file: Path = BOOT_ID) -> str:
    """Return the name of this run of the machine; a new one if the system has none. Blocks."""
    try:
        return file.read_text("ascii").strip()
    except OSError:
        return uuid.uuid4().hex
