import asyncio
import socket
from pathlib import Path

import pytest

from cad.daemon.notify import Notifier


def test_the_service_manager_is_told_of_start_and_stop(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "notify"
    monkeypatch.setenv("NOTIFY_SOCKET", str(path))
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(str(path))
        notifier = Notifier()

        notifier.ready("device on port 1")
        notifier.stopping()

        assert manager.recv(100) == b"READY=1\nSTATUS=device on port 1"
        assert manager.recv(100) == b"STOPPING=1"


async def test_the_watchdog_is_fed_while_the_loop_turns(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "notify"
    monkeypatch.setenv("NOTIFY_SOCKET", str(path))
    monkeypatch.setenv("WATCHDOG_USEC", "30000")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(str(path))
        manager.setblocking(False)
        async with Notifier().watchdog():
            for _ in range(3):
                assert await _receive(manager) == b"WATCHDOG=1"


async def _receive(channel: socket.socket) -> bytes:
    async with asyncio.timeout(5):
        return await asyncio.get_running_loop().sock_recv(channel, 100)


def test_without_a_service_manager_nothing_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NOTIFY_SOCKET", raising=False)
    monkeypatch.delenv("WATCHDOG_USEC", raising=False)

    Notifier().ready("x")
