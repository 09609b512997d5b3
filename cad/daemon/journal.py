"""Log lines: one for each event, readable and greppable; secrets are cut at this last place too."""

import logging
import os
import sys

from typing_extensions import override

from cad.base.log_context import RequestIdFilter
from cad.base.redact import redact

_PRIORITY = {logging.DEBUG: 7, logging.INFO: 6, logging.WARNING: 4, logging.ERROR: 3}


class LineFormatter(logging.Formatter):
    """`level logger message`; under systemd with its priority prefix, elsewhere with the time."""

    def __init__(self, *, under_systemd: bool) -> None:
        super().__init__()
        self._under_systemd = under_systemd

    @override
    def format(self, record: logging.LogRecord) -> str:
        text = redact(super().format(record) + _context(record)).replace("\n", "\n  ")
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
