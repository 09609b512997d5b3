"""Opens what a `StreamSource` names: RTSP servers and recordings in files."""

import hashlib
import os
import stat
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO
from urllib.parse import quote, unquote, urlsplit

import av
import av.error
from av.container import InputContainer

from cad.analysis.ingest.diagnosis import Server, diagnose
from cad.analysis.ingest.faults import StreamError, classify, is_ambiguous
from cad.analysis.ingest.limits import IngestLimits
from cad.analysis.ingest.schedule import Endpoint
from cad.domain.faults import FaultClass
from cad.domain.streams import StreamSource

RTSP_PORTS = {"rtsp": 554, "rtsps": 322}
FILE_BUFFER = 256 * 1024
MICROSECONDS = 1_000_000


def endpoint(source: StreamSource) -> Endpoint:
    """Return what the streams of one camera host have in common with `source`."""
    if source.scheme not in RTSP_PORTS:
        return Endpoint("")
    try:
        server, userinfo = _server(source), _split(source.url)[1]
    except StreamError:  # opening it will say so
        return Endpoint("")
    account = hashlib.sha256(userinfo.encode()).hexdigest()[:16] if userinfo else ""
    return Endpoint(server.name, account)


def libav_url(url: str) -> str:
    """Return `url` with user and password written so that no character in them ends them."""
    head, userinfo, rest = _split(url)
    if not userinfo:
        return f"{head}://{rest}"
    quoted = (quote(unquote(part), safe="") for part in userinfo.partition(":")[::2])
    return f"{head}://{':'.join(quoted)}@{rest}"


def name(source: StreamSource) -> str:
    """Return what messages call `source`: its host or its file, never its URL."""
    if source.scheme in RTSP_PORTS:
        return _server(source).name
    return _path(source).name or source.scheme


@contextmanager
def opened(source: StreamSource, limits: IngestLimits) -> Iterator[InputContainer]:
    """Open `source` and close it at the end of the scope.

    Raises:
        StreamError: it cannot be opened.
    """
    if source.scheme in RTSP_PORTS:
        with _open_rtsp(source, limits) as container:
            yield container
    elif source.scheme == "file":
        with _open_regular(_allowed(source, limits)) as file, _open_file(source, file) as container:
            yield container
    else:
        message = f"streams of the scheme {source.scheme or '(none)'!r} cannot be opened"
        raise StreamError(FaultClass.PROTOCOL, message)


def _open_rtsp(source: StreamSource, limits: IngestLimits) -> InputContainer:
    started = time.monotonic()
    cause: av.error.FFmpegError
    options = {
        "rtsp_transport": (source.transport or limits.transport).value,
        "timeout": str(round(limits.media_timeout * MICROSECONDS)),
        "fpsprobesize": "0",  # else opening takes 20 pictures: 2 s at 10 a second
    }
    try:
        return av.open(
            libav_url(source.url),
            "r",
            options=options,
            # The second bounds the wait for one packet of media. libav's own `timeout` is no
            # bound for that: a camera that only sends RTCP goes on resetting it.
            # The first counts twice: for the dialogue, and for finding out what the media is.
            timeout=(limits.open_timeout / 2, limits.silence_timeout),
        )
    except av.error.FFmpegError as error:
        cause = error
    # Outside of the handler: the error must not become part of the new one, it holds the URL.
    raise _explain(source, cause, time.monotonic() - started, limits)


def _explain(
    source: StreamSource, cause: av.error.FFmpegError, elapsed: float, limits: IngestLimits
) -> StreamError:
    server = _server(source)
    if not is_ambiguous(cause):
        return classify(cause, server.name)
    if elapsed >= min(limits.open_timeout / 2, limits.silence_timeout):
        return StreamError(FaultClass.TIMEOUT, f"{server.name} does not answer in time")
    return diagnose(server, limits.open_timeout - elapsed)


def _allowed(source: StreamSource, limits: IngestLimits) -> Path:
    """Return the real path of a file stream, or raise `StreamError` if it may not be read."""
    asked = _path(source)
    try:
        path = asked.resolve(strict=True)
    except (OSError, ValueError, RuntimeError) as error:
        raise StreamError(FaultClass.NOT_FOUND, f"{asked.name} does not exist") from error
    if not any(path.is_relative_to(folder.resolve()) for folder in limits.file_dirs):
        message = f"{asked.name} lies outside the folders that streams may be read from"
        raise StreamError(FaultClass.NOT_FOUND, message)
    return path


@contextmanager
def _open_regular(path: Path) -> Iterator[BinaryIO]:
    """Open `path`, which must be a regular file: a pipe or a device could block for ever."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW | os.O_CLOEXEC)
    except OSError as error:
        message = f"{path.name}: {os.strerror(error.errno or 0)}"
        raise StreamError(FaultClass.NOT_FOUND, message) from error
    status = os.fstat(descriptor)
    if not stat.S_ISREG(status.st_mode):
        os.close(descriptor)
        raise StreamError(FaultClass.NOT_FOUND, f"{path.name} is not a file")
    with os.fdopen(descriptor, "rb") as file:
        if not status.st_size:
            raise StreamError(FaultClass.PROTOCOL, f"{path.name} is empty")
        yield file


def _open_file(source: StreamSource, file: BinaryIO) -> InputContainer:
    """Open a recording through Python's file, so that libav opens nothing by name itself."""
    try:
        return av.open(file, "r", buffer_size=FILE_BUFFER, options={"protocol_whitelist": "none"})
    except (av.error.FFmpegError, ValueError) as error:
        message = f"{name(source)} is not a recording that can be read"
        raise StreamError(FaultClass.PROTOCOL, message) from error


def _server(source: StreamSource) -> Server:
    try:
        parts = urlsplit(libav_url(source.url))
        host, port = parts.hostname or "", parts.port or RTSP_PORTS[source.scheme]
    except ValueError:
        host, port = "", 0
    if not host:
        message = "the stream's URL names no host and port that could be dialled"
        raise StreamError(FaultClass.PROTOCOL, message)
    return Server(host, port, tls=source.scheme == "rtsps")


def _path(source: StreamSource) -> Path:
    return Path(unquote(urlsplit(source.url).path))


def _split(url: str) -> tuple[str, str, str]:
    """Return scheme, userinfo and the rest; a password may hold `@` or `/` as they are."""
    head, _, rest = url.partition("://")
    authority, slash, path = rest.partition("/")
    is_host = authority.rpartition(":")[2].isdigit() or ":" not in authority
    if "@" in path and "@" not in authority and not is_host:
        userinfo, _, rest = rest.rpartition("@")
        return head, userinfo, rest
    userinfo, _, host = authority.rpartition("@")
    return head, userinfo, f"{host}{slash}{path}"
