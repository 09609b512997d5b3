"""A device under test or demonstration: `cadd` as a process of its own, with a configuration."""

import asyncio
import json
import os
import signal
import sys
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Self

STOP_TIMEOUT = 30.0
SOCKET_VARIABLE = "CAD_API__SOCKET"
"""Names the local socket to `cadd` and `cadctl`; every process of the device has it."""

Sections = Mapping[str, Mapping[str, object]]


class DeviceProcess:
    """A `cadd` on this machine, that can be started again after each end.

    An async context: entering starts it, leaving stops it, by its own process id only.
    """

    def __init__(self, folder: Path, settings: Sections) -> None:
        self.folder, self._settings = folder, settings
        self.log = folder / "cadd.log"
        """What it says on standard output and error, over all its starts."""
        self.config = folder / "cad.toml"
        self.socket = folder / "cad.sock"
        self._process: asyncio.subprocess.Process | None = None

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.stop()

    async def start(self) -> None:
        """Start the process; it must not be running."""
        if self._process is not None and self._process.returncode is None:
            raise LookupError("the device is running")
        await asyncio.to_thread(self._write_configuration)
        with self.log.open("ab") as log:
            self._process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "cad.daemon", "--config", str(self.config)),
                stdin=asyncio.subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env={**os.environ, SOCKET_VARIABLE: str(self.socket)},
                start_new_session=True,  # Ctrl-C is for whoever runs it, who then stops it
            )

    async def stop(self) -> None:
        """Ask the process to end, and make it end if it does not. Idempotent."""
        process = self._process
        if process is None or process.returncode is not None:
            return
        process.send_signal(signal.SIGTERM)
        try:
            async with asyncio.timeout(STOP_TIMEOUT):
                await process.wait()
        except TimeoutError:
            await self.kill()

    async def kill(self) -> None:
        """End the process with SIGKILL, as the kernel or a power cut would. Idempotent."""
        process = self._process
        if process is None or process.returncode is not None:
            return
        process.kill()
        await process.wait()

    @property
    def exit_code(self) -> int | None:
        """The code the process ended with, None while it runs."""
        return None if self._process is None else self._process.returncode

    @property
    def pid(self) -> int:
        """The id of the process that runs, or ran last."""
        if self._process is None:
            raise LookupError("the device was not started")
        return self._process.pid

    @property
    def data_dir(self) -> Path:
        """Where the device keeps its state."""
        return self.folder / "data"

    def certificate(self) -> str:
        """Return the PEM of the certificate that the device made for itself. Blocks."""
        return (self.data_dir / "tls" / "server.crt").read_text("ascii")

    async def ctl(self, *words: str) -> object:
        """Return what `cadctl WORDS --json` prints, None if it fails."""
        command = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "cad.ctl", "--socket", str(self.socket), *words, "--json"),
            stdout=asyncio.subprocess.PIPE,
        )
        output, _ = await command.communicate()
        return json.loads(output) if command.returncode == 0 else None

    def _write_configuration(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        lines: list[str] = []
        for section, keys in self._sections().items():
            lines.append(f"[{section}]")
            lines += [f"{key} = {json.dumps(value)}" for key, value in keys.items()]
        self.config.write_text("\n".join(lines) + "\n", encoding="utf-8")

    def _sections(self) -> Sections:
        machine = self._settings.get("machine", {})
        return {**self._settings, "machine": {"data_dir": str(self.data_dir), **machine}}
