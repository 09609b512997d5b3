"""Room for attempts."""

import asyncio

import pytest

from cad.control.sinks import receivers
from cad.control.sinks.receivers import Receivers


async def test_a_receiver_is_forgotten_with_its_last_queue() -> None:
    known = Receivers()
    with known.serving("one"):
        with known.serving("one"), known.serving("other"):
            assert len(known) == 2
        assert len(known) == 1
    assert len(known) == 0


async def test_one_receiver_takes_only_so_many_attempts_at_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(receivers, "POSTS_PER_RECEIVER", 2)
    known = Receivers()
    with known.serving("one"), known.serving("other"):
        async with asyncio.timeout(5), known.room("one"), known.room("one"), known.room("other"):
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.01), known.room("one"):
                    pass


async def test_receivers_that_fail_share_a_room_of_their_own(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(receivers, "POSTS", 1)
    known = Receivers()
    with known.serving("sick"), known.serving("well"):
        known.note("sick", failed=True)
        async with asyncio.timeout(5), known.room("sick"), known.room("well"):
            known.note("sick", failed=False)
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.01), known.room("sick"), known.room("well"):
                pass
