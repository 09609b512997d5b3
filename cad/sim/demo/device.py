"""The device under demonstration: `cadd` as a process of its own, with a configuration file."""

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
CODE = "demo-device"


class DeviceProcess:
    """A running `cadd`. An async context: leaving it stops the process, by its own id only."""

    def __init__(self, folder: Path, settings: Mapping[str, Mapping[str, object]]) -> None:
        self.folder, self._settings = folder, settings
        self.log = folder / "cadd.log"
        self.config = folder / "cad.toml"
        self.socket = folder / "cad.sock"
        self._process: asyncio.subprocess.Process | None = None

    async def __aenter__(self) -> Self:
        await asyncio.to_thread(self._write_configuration)
        with self.log.open("wb") as log:
            self._process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "cad.daemon", "--config", str(self.config)),
                stdin=asyncio.subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env={**os.environ, "CAD_API__SOCKET": str(self.socket)},
                start_new_session=True,  # Ctrl-C is for the demonstration, which then stops it
            )
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        process = self._process
        if process is None or process.returncode is not None:
            return
        process.send_signal(signal.SIGTERM)
        try:
            async with asyncio.timeout(STOP_TIMEOUT):
                await process.wait()
        except TimeoutError:
            process.kill()
            await process.wait()

    @property
    def exit_code(self) -> int | None:
        """The code the process ended with, None while it runs."""
        return None if self._process is None else self._process.returncode

    def certificate(self) -> str:
        """Return the PEM of the certificate that the device made for itself."""
        return (self.folder / "data" / "tls" / "server.crt").read_text("ascii")

    async def ctl(self, *words: str) -> object:
        """Return what `cadctl WORDS --json` prints."""
        command = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "cad.ctl", "--socket", str(self.socket), *words, "--json"),
            stdout=asyncio.subprocess.PIPE,
        )
        output, _ = await command.communicate()
        return json.loads(output) if command.returncode == 0 else None

    def _write_configuration(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        lines: list[str] = []
        for section, keys in self._settings.items():
            lines.append(f"[{section}]")
            lines += [f"{key} = {json.dumps(value)}" for key, value in keys.items()]
        self.config.write_text("\n".join(lines) + "\n", encoding="utf-8")
