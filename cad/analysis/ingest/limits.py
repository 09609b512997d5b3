"""What ingest may do and how long it waits."""

from dataclasses import dataclass
from pathlib import Path

from cad.domain.streams import Transport


@dataclass(frozen=True, slots=True, kw_only=True)
class IngestLimits:
    """Bounds for every stream of a worker. Times are in seconds."""

    file_dirs: tuple[Path, ...] = ()
    """`file://` streams must lie inside one of these, after symbolic links are followed."""
    transport: Transport = Transport.TCP
    """For RTSP sources that do not say."""
    open_timeout: float = 10.0
    silence_timeout: float = 10.0
    """Without a decoded picture for this long, a stream counts as lost."""
    pace_files: bool = True
    """Whether a file is read no faster than its timestamps go; a looped one always is."""
    abandoned_threads: int = 16
    """How many threads that never came back from libav may exist before no more are started."""

    @property
    def media_timeout(self) -> float:
        """How long libav waits for a byte from a server."""
        return min(self.silence_timeout, self.open_timeout)
