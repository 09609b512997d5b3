"""What can be wrong with a stream, a service or a task: a class, a sentence, since when."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class FaultClass(StrEnum):
    """The classes an operator acts on (`statusReason.class`)."""

    CONNECTION = "connection"
    AUTH = "auth"
    NOT_FOUND = "not_found"
    TIMEOUT = "timeout"
    CODEC = "codec"
    PROTOCOL = "protocol"
    ENGINE = "engine"
    CAPACITY = "capacity"
    ENDED = "ended"

    @property
    def waiting_helps(self) -> bool:
        """Whether the same try may succeed later without anybody acting."""
        return self not in {FaultClass.AUTH, FaultClass.NOT_FOUND, FaultClass.CODEC}


@dataclass(frozen=True, slots=True)
class Fault:
    """Why something does not work."""

    kind: FaultClass
    message: str
    """One sentence that names the thing at fault; holds no secret."""
    since: datetime
    """UTC; when this fault began, kept while it lasts."""
