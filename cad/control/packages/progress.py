"""How a download goes: in the record with every block, in the log now and then."""

import asyncio
import dataclasses
import logging
import math

from cad.control.packages.book import Book
from cad.control.packages.durable import MEGABYTE
from cad.domain.ids import FilePackageId

logger = logging.getLogger(__name__)

LOG_INTERVAL = 10.0
"""Seconds between two lines about one download."""


class Progress:
    """Shows in the record of a file package how its download goes. Belongs to the loop."""

    def __init__(self, book: Book, number: FilePackageId) -> None:
        self._book, self._number = book, number
        self._clock = asyncio.get_running_loop().time
        self._logged_at = -math.inf

    def progressed(self, received_bytes: int, total_bytes: int) -> None:
        """Show the bytes on disk."""
        package = self._book.files[self._number]
        self._book.show(
            dataclasses.replace(
                package, received_bytes=received_bytes, total_bytes=total_bytes, reason=""
            )
        )
        if self._clock() - self._logged_at >= LOG_INTERVAL:
            self._logged_at = self._clock()
            total = f" of {total_bytes / MEGABYTE:.1f}" if total_bytes else ""
            received = received_bytes / MEGABYTE
            logger.info("file package %s: %.1f%s MB are here", self._number, received, total)

    def broke(self, reason: str) -> None:
        """Show why the download pauses."""
        self._book.show(dataclasses.replace(self._book.files[self._number], reason=reason))
