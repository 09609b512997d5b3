"""Whose frames the next free thread takes: a pure decision over services and lanes as they stand.

Between services it goes by engine time (`shares`), between the lanes of one by turns.
"""

from collections.abc import Sequence
from dataclasses import dataclass

CALL_SECONDS = 0.2
"""Longest call, as expected, while anybody else may want the thread; one frame may take longer."""

MUCH_SHORTER = 0.5
"""Share of a long frame's time up to which another service's frames are not to wait for it."""


@dataclass(frozen=True, slots=True)
class Claim:
    """A service at the moment of the decision."""

    start: float
    """Virtual time at which its next call starts; smaller is earlier."""
    frame_seconds: float
    """What a frame is expected to take."""
    batch_limit: int
    """Most frames for one call."""
    is_awake: bool
    """Whether frames come for it at present."""

    @property
    def is_long(self) -> bool:
        """Whether a thread that takes one of its frames is away for long."""
        return self.frame_seconds > CALL_SECONDS


@dataclass(frozen=True, slots=True)
class Standing:
    """A lane at the moment of the decision."""

    service: int
    """Index of its claim; lanes of the same one may share a call of the engine."""
    turn: int
    """When it last had its turn; smaller is longer ago. Unequal among lanes."""
    takable: int
    """Frames that wait and may be started now."""


def next_turn(
    claims: Sequence[Claim], standings: Sequence[Standing], idle: int, *, keep_thread: bool = False
) -> list[int]:
    """Return the indices of the lanes to take a frame from, one entry for each frame, in order.

    The service goes first that has had the least engine time; of its lanes the one whose turn is
    longest ago, so a fast stream cannot keep a slow one waiting for more than one round. Nobody
    waits for a lane without frames. The frames that wait for the same service are spread over the
    threads that are free before they are put into one call.

    Args:
        claims: all services that have lanes.
        standings: all lanes.
        idle: further threads without work.
        keep_thread: every other thread is in a long call, so this one does not begin another that
            others would have to wait for.
    """
    ready = [
        index
        for index, lane in enumerate(standings)
        if lane.takable > 0 and not (keep_thread and _hinders(claims, lane.service))
    ]
    if not ready:
        return []
    ready.sort(key=lambda index: standings[index].turn)
    service = standings[min(ready, key=lambda i: claims[standings[i].service].start)].service
    same = [index for index in ready if standings[index].service == service]
    waiting = sum(standings[index].takable for index in same)
    fair_share = -(-waiting // (idle + 1))
    return _deal(same, standings, min(fair_share, _call_limit(claims, service)))


def _hinders(claims: Sequence[Claim], service: int) -> bool:
    """Whether a service with much shorter frames would have to wait for a frame of this one."""
    claim = claims[service]
    short = MUCH_SHORTER * claim.frame_seconds
    return claim.is_long and any(
        other.is_awake and other.frame_seconds <= short for other in claims
    )


def _call_limit(claims: Sequence[Claim], service: int) -> int:
    """Return the most frames for a call of the service."""
    claim = claims[service]
    is_alone = not any(other.is_awake for other in claims if other is not claim)
    if is_alone or claim.frame_seconds * claim.batch_limit <= CALL_SECONDS:
        return claim.batch_limit
    return max(1, int(CALL_SECONDS / claim.frame_seconds))


def _deal(order: Sequence[int], standings: Sequence[Standing], count: int) -> list[int]:
    """Go round `order` until `count` frames are taken; one from each lane in every round."""
    taken: list[int] = []
    depth = 0
    while len(taken) < count:
        level = [index for index in order if standings[index].takable > depth]
        taken += level[: count - len(taken)]
        depth += 1
    return taken
