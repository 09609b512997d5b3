"""What a worker process writes to standard error, in the daemon's log, within bounds."""

import asyncio
import logging

from cad.base.clock import Clock
from cad.base.redact import redact

logger = logging.getLogger(__name__)

LINE_LIMIT = 500
CHUNK = 16 * 1024
LINES_PER_SECOND = 10.0
BURST = 100
LEVELS = {f"level={name.lower()}": level for name, level in logging.getLevelNamesMapping().items()}


class LineCutter:
    """Cuts chunks of bytes into lines of at most 500 bytes; the rest of a longer one is dropped."""

    def __init__(self) -> None:
        self._rest = b""

    def feed(self, chunk: bytes) -> list[str]:
        """Return the lines that `chunk` completes, blank ones left out."""
        *lines, rest = (self._rest + chunk).split(b"\n")
        self._rest = rest[: LINE_LIMIT + 1]
        return [_text(line) for line in lines if line.strip()]

    def end(self) -> list[str]:
        """Return what is left when nothing follows."""
        return self.feed(b"\n")


def _text(line: bytes) -> str:
    text = line[:LINE_LIMIT].decode(errors="replace").strip()
    return text + "…" if len(line) > LINE_LIMIT else text


class LineBudget:
    """Lets 100 lines through at once and 10 a second on the long run."""

    def __init__(self, now: float) -> None:
        self._left, self._at = float(BURST), now
        self._withheld = 0

    def admit(self, now: float) -> bool:
        """Whether one more line goes through at `now`; counted if not."""
        self._left = min(BURST, self._left + (now - self._at) * LINES_PER_SECOND)
        self._at = now
        if self._left < 1:
            self._withheld += 1
            return False
        self._left -= 1
        return True

    def take_withheld(self) -> int:
        """Return how many lines were held back since the last call."""
        withheld, self._withheld = self._withheld, 0
        return withheld


async def relay(name: str, stream: asyncio.StreamReader, clock: Clock) -> None:
    """Log the lines of `stream` under `name` until it ends; never lets the writer wait."""
    cutter, budget = LineCutter(), LineBudget(clock.monotonic())
    while chunk := await stream.read(CHUNK):
        _log(name, cutter.feed(chunk), budget, clock)
    _log(name, cutter.end(), budget, clock)


def _log(name: str, lines: list[str], budget: LineBudget, clock: Clock) -> None:
    for line in lines:
        if not budget.admit(clock.monotonic()):
            continue
        if withheld := budget.take_withheld():
            logger.info("%s: … %d more lines", name, withheld)
        level, text = _levelled(line)
        logger.log(level, "%s: %s", name, redact(text))


def _levelled(line: str) -> tuple[int, str]:
    """Return the level that the worker's logging put before `line`, and the rest.

    What native libraries write has none: it counts as information.
    """
    mark, _, text = line.partition(" ")
    level = LEVELS.get(mark)
    return (logging.INFO, line) if level is None else (level, text)
