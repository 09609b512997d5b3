"""The process around a worker: arguments, signals, its end."""

import argparse
import asyncio
import logging
import os
import signal
import sys
from functools import partial
from pathlib import Path

import msgspec
from typing_extensions import override

from cad.analysis.engines.onnx_engine import open_engine
from cad.analysis.engines.session import available_providers
from cad.analysis.ingest.limits import IngestLimits
from cad.analysis.ingest.streams import Streams
from cad.analysis.worker.link import Link
from cad.analysis.worker.ports import Engines
from cad.analysis.worker.process import Worker
from cad.base.clock import SystemClock
from cad.base.process import die_with_the_parent
from cad.base.redact import redact
from cad.domain.streams import Transport
from cad.protocols.worker.settings import WorkerSettings, parse_settings

logger = logging.getLogger(__name__)

EXIT_STOPPED, EXIT_FAILED = 0, 1


class LineFormatter(logging.Formatter):
    """One line for each record, for the daemon to collect; secrets are cut."""

    @override
    def format(self, record: logging.LogRecord) -> str:
        text = redact(super().format(record)).replace("\n", " | ")
        return f"level={record.levelname.lower()} logger={record.name} {text}"


def main() -> None:
    """Be an analysis worker until it ends."""
    arguments = _arguments()
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(LineFormatter())
    logging.basicConfig(level=logging.INFO, handlers=[handler])
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the daemon
    die_with_the_parent()
    code = EXIT_FAILED
    try:
        asyncio.run(_work(arguments.socket_fd, arguments.settings))
        code = EXIT_STOPPED
    except Exception:
        logger.exception("state=failed")
    # Threads may be inside native code that never returns (a dead camera, a sick driver); to end
    # the interpreter would wait for them.
    sys.stderr.flush()
    os._exit(code)


async def _work(socket_fd: int, settings: WorkerSettings) -> None:
    clock = SystemClock()
    streams = Streams(_ingest_limits(settings), clock)
    engines = Engines(partial(open_engine, accelerator=settings.accelerator), available_providers)
    worker = Worker(await Link.over(socket_fd), streams, engines, settings.threads, clock)
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, worker.stop)
    await worker.run()


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="cad.analysis.worker", description=__doc__)
    parser.add_argument("--socket-fd", type=int, required=True, help="inherited end of the socket")
    parser.add_argument("--settings", type=_settings, required=True, help="WorkerSettings as JSON")
    return parser.parse_args()


def _settings(text: str) -> WorkerSettings:
    try:
        return parse_settings(text)
    except msgspec.DecodeError as error:
        raise argparse.ArgumentTypeError(str(error)) from error


def _ingest_limits(settings: WorkerSettings) -> IngestLimits:
    return IngestLimits(
        file_dirs=tuple(map(Path, settings.file_dirs)),
        transport=Transport(settings.rtsp_transport),
        open_timeout=settings.open_timeout,
        silence_timeout=settings.silence_timeout,
        pace_files=settings.pace_files,
    )


if __name__ == "__main__":
    main()
