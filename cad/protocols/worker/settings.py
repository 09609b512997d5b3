"""How the daemon sets up an analysis worker: the one JSON argument of its command line."""

import msgspec


class WorkerSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`--settings '{…}'`: what holds for the whole life of a worker process."""

    accelerator: str
    """`auto`, `cpu` or `cuda`."""
    threads: int
    """Inference threads of this worker, at least 1."""
    file_dirs: tuple[str, ...]
    """`file://` streams must lie inside one of these."""
    rtsp_transport: str
    """`tcp` or `udp`; a task's own choice goes before it."""
    open_timeout: float
    """Seconds."""
    silence_timeout: float
    """Seconds without a frame before a stream counts as lost."""
    pace_files: bool = True
    """Read recordings at the speed of their timestamps, not as fast as they can be read."""


def settings_argument(settings: WorkerSettings) -> str:
    """Return `settings` as the JSON text of the argument."""
    return msgspec.json.encode(settings).decode()


def parse_settings(argument: str) -> WorkerSettings:
    """Return the settings in `argument`.

    Raises:
        msgspec.ValidationError: it is JSON, but not these settings.
        msgspec.DecodeError: it is no JSON.
    """
    return msgspec.json.decode(argument, type=WorkerSettings)
