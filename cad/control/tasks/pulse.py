"""Whether an analysis worker is alive, judged by what is heard from it. Pure."""

from typing import NamedTuple

from cad.protocols.worker.messages import Report

OWN_PAUSE = 1.0
"""Seconds between two looks from which on it was the daemon that stood still."""


class PulseLimits(NamedTuple):
    """Seconds."""

    hello: float = 30.0
    """From the start to the first word: importing the runtimes takes seconds on a busy machine."""
    report: float = 2.5
    """Without a report, five in a row: the worker hangs or is stopped. With the start of the next
    process its tasks go on within 5 s."""
    inference: float = 30.0
    """The longest an inference may take: beyond it the accelerator's driver hangs."""
    stranded: float = 300.0
    """The longest a stream may hang that only a new process can read: its cure costs the other
    streams of the worker a few seconds each time, and their tracks."""


class Pulse:
    """The heartbeat of one worker process."""

    def __init__(self, limits: PulseLimits, now: float) -> None:
        self._limits = limits
        self._heard, self._looked = now, now
        self._greeted, self._listening = False, True
        self._oldest_inference, self._stranded = 0.0, 0.0

    def greeted(self, now: float) -> None:
        """Take note of the first word."""
        self._greeted, self._heard = True, now

    def reported(self, report: Report, now: float) -> None:
        """Take note of a report."""
        self._heard = now
        self._oldest_inference, self._stranded = report.oldest_inference, report.stranded

    def deafened(self) -> None:
        """Take note that nobody listens for a while: silence means nothing."""
        self._listening = False

    def listening(self, now: float) -> None:
        """Take note that somebody listens again."""
        self._listening, self._heard = True, now

    def verdict(self, now: float) -> str:
        """Return why the worker is to be replaced; empty = it is well. To be asked often."""
        if now - self._looked > OWN_PAUSE:
            # What it said meanwhile lies unread in the socket.
            self._heard += now - self._looked
        self._looked = now
        if self._oldest_inference > self._limits.inference:
            return f"an inference has taken {self._oldest_inference:.0f} s"
        silent = now - self._heard if self._listening else 0.0
        if not self._greeted and silent > self._limits.hello:
            return f"it did not come up in {silent:.0f} s"
        if self._greeted and silent > self._limits.report:
            return f"it has reported nothing for {silent:.1f} s"
        return ""

    def streams_verdict(self) -> str:
        """Return why the worker is to be replaced though its algorithms are well; empty = no."""
        if self._stranded > self._limits.stranded:
            return f"a stream has hung for {self._stranded:.0f} s, and too many threads with it"
        return ""
