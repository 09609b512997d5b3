"""The command `cadd`: settings, logging, signals, exit codes.

Exit codes: 0 asked to stop, 1 failed, 2 usage, 78 configuration.
"""

import argparse
import asyncio
import logging
import signal
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from cad import __version__
from cad.base.errors import CadError
from cad.config.load import ConfigError, load
from cad.config.settings import Settings
from cad.control.appliance import Commands, running_appliance
from cad.daemon.check_package import check_package
from cad.daemon.journal import configure_logging
from cad.daemon.notify import Notifier
from cad.daemon.preflight import unusable

EXIT_FAILED = 1
EXIT_CONFIGURATION = 78

logger = logging.getLogger("cad")


def main() -> None:
    """Run the daemon and leave with its exit code."""
    sys.exit(run(sys.argv[1:]))


def run(arguments: list[str]) -> int:
    """Do what the command line asks for; return the exit code."""
    options = _parser().parse_args(arguments)
    try:
        settings = load(options.config)
    except ConfigError as error:
        return _refuse(error.problems)
    if options.command == "check-package":
        return check_package(options.path, settings, as_json=options.json)
    if problems := unusable(settings):
        return _refuse(problems)
    if options.check_config:
        print("configuration is good")  # noqa: T201
        return 0
    configure_logging(options.log_level)
    return asyncio.run(serve(settings))


def _refuse(problems: Sequence[str]) -> int:
    """Say what is wrong with the configuration; return the exit code."""
    for problem in problems:
        print(f"cadd: {problem}", file=sys.stderr)  # noqa: T201
    return EXIT_CONFIGURATION


async def serve(settings: Settings) -> int:
    """Run the appliance until a signal asks it to stop; return the exit code."""
    stop, notifier, code = asyncio.Event(), Notifier(), 0
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    try:
        async with (
            running_appliance(settings, Commands.of(sys.executable)) as port,
            notifier.watchdog(),
        ):
            notifier.ready(f"{settings.machine.code} on port {port}")
            logger.info("version %s is ready on port %d", __version__, port)
            await stop.wait()
            notifier.stopping()
            logger.info("stopping")
    except* (OSError, CadError) as group:
        code = EXIT_FAILED
        for error in leaves(group):
            logger.error("%s", error)  # noqa: TRY400 - a fact, no bug
    return code


def leaves(group: BaseExceptionGroup[BaseException]) -> Iterator[BaseException]:
    """Yield the errors themselves, out of groups within groups."""
    for error in group.exceptions:
        if isinstance(error, BaseExceptionGroup):
            yield from leaves(error)
        else:
            yield error


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="cadd", description="central analysis device")
    parser.add_argument("--config", type=Path, metavar="FILE", help="default /etc/cad/cad.toml")
    parser.add_argument("--check-config", action="store_true", help="check the configuration, end")
    parser.add_argument("--log-level", default="INFO", choices=["DEBUG", "INFO", "WARNING"])
    parser.add_argument("--version", action="version", version=f"cadd {__version__}")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND")
    check = commands.add_parser("check-package", help="say whether a package could be installed")
    check.add_argument("path", type=Path, help="archive or folder")
    check.add_argument("--json", action="store_true", help="print the findings as JSON")
    return parser
