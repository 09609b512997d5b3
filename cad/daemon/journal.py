"""Log lines: one for each event, readable and greppable.

At this last place secrets are cut, and characters escaped that would act on a terminal or forge a
line: callers have their paths and ids in messages. Only a traceback has further lines, indented.
"""

import logging
import os
import sys

from typing_extensions import override

from cad.base.log_context import RequestIdFilter
from cad.base.printable import printable, printable_lines
from cad.base.redact import redact

_PRIORITY = {logging.DEBUG: 7, logging.INFO: 6, logging.WARNING: 4, logging.ERROR: 3}


class LineFormatter(logging.Formatter):
    """`level logger message`; under systemd with its priority prefix, elsewhere with the time."""

    def __init__(self, *, under_systemd: bool) -> None:
        super().__init__()
        self._under_systemd = under_systemd

    @override
    def formatMessage(self, record: logging.LogRecord) -> str:
        return printable(super().formatMessage(record) + _context(record))

    @override
    def format(self, record: logging.LogRecord) -> str:
        text = printable_lines(redact(super().format(record))).replace("\n", "\n  ")
        if self._under_systemd:
            return f"<{_PRIORITY.get(record.levelno, 2)}>{record.name} {text}"
        stamp = self.formatTime(record, "%Y-%m-%dT%H:%M:%S")
        return f"{stamp}.{int(record.msecs):03d} {record.levelname.lower()} {record.name} {text}"


def _context(record: logging.LogRecord) -> str:
    request = getattr(record, "request_id", "")
    return f" request={request}" if request else ""


def configure_logging(level: str) -> None:
    """Send every record to standard error, one line each."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(LineFormatter(under_systemd="JOURNAL_STREAM" in os.environ))
    handler.addFilter(RequestIdFilter())
    logging.basicConfig(level=level, handlers=[handler], force=True)
    logging.getLogger("aiohttp.access").setLevel(logging.WARNING)
