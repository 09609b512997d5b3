"""Whose frames the next free thread takes: a pure decision over the lanes as they stand."""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Standing:
    """A lane at the moment of the decision."""

    service: int
    """Lanes of the same number may share a call of the engine."""
    batch_limit: int
    """Most frames for one such call; the same for all lanes of a service."""
    turn: int
    """When it last had its turn; smaller is longer ago. Unequal among lanes."""
    takable: int
    """Frames that wait and may be started now."""


def next_turn(standings: Sequence[Standing], idle: int) -> list[int]:
    """Return the indices of the lanes to take a frame from, one entry for each frame, in order.

    The lane whose turn is longest ago goes first, so a fast stream cannot keep a slow one waiting
    for more than one round; nobody waits for a lane without frames. The frames that wait for the
    same service are spread over the threads that are free before they are put into one call.

    Args:
        standings: all lanes.
        idle: further threads without work.
    """
    ready = [index for index, lane in enumerate(standings) if lane.takable > 0]
    if not ready:
        return []
    ready.sort(key=lambda index: standings[index].turn)
    first = standings[ready[0]]
    same = [index for index in ready if standings[index].service == first.service]
    waiting = sum(standings[index].takable for index in same)
    fair_share = -(-waiting // (idle + 1))
    return _deal(same, standings, min(fair_share, first.batch_limit))


def _deal(order: Sequence[int], standings: Sequence[Standing], count: int) -> list[int]:
    """Go round `order` until `count` frames are taken; one from each lane in every round."""
    taken: list[int] = []
    depth = 0
    while len(taken) < count:
        level = [index for index in order if standings[index].takable > depth]
        taken += level[: count - len(taken)]
        depth += 1
    return taken
