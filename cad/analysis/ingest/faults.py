"""What can go wrong with a stream, in the classes that an operator acts on."""

import errno
import os

import av.error

from cad.base.errors import CadError
from cad.domain.faults import FaultClass


class StreamError(CadError):
    """A stream cannot be opened, or is lost. The message names the host and holds no secret."""

    transient = True

    def __init__(self, kind: FaultClass, message: str) -> None:
        super().__init__(message)
        self.kind = kind


_BY_TYPE: tuple[tuple[type[av.error.FFmpegError], FaultClass, str], ...] = (
    (av.error.HTTPUnauthorizedError, FaultClass.AUTH, "refuses the user or password (401)"),
    (av.error.HTTPForbiddenError, FaultClass.AUTH, "does not allow this user to watch (403)"),
    (av.error.HTTPNotFoundError, FaultClass.NOT_FOUND, "has no such stream (404)"),
    (av.error.HTTPError, FaultClass.PROTOCOL, "refuses the request with an error of its own"),
    (av.error.TimeoutError, FaultClass.TIMEOUT, "does not answer in time"),
    (av.error.ExitError, FaultClass.TIMEOUT, "does not answer in time"),
    (av.error.EOFError, FaultClass.CONNECTION, "ended the stream"),
    (av.error.DecoderNotFoundError, FaultClass.CODEC, "sends a codec that is not supported"),
    (av.error.DemuxerNotFoundError, FaultClass.CODEC, "sends a format that is not supported"),
)

_NETWORK = frozenset(
    {
        errno.ECONNREFUSED,
        errno.ECONNRESET,
        errno.ECONNABORTED,
        errno.EPIPE,
        errno.EHOSTUNREACH,
        errno.ENETUNREACH,
        errno.ENETDOWN,
        errno.EHOSTDOWN,
        errno.EADDRNOTAVAIL,
    }
)


def classify(error: av.error.FFmpegError, host: str) -> StreamError:
    """Return what `error` means for the stream of `host`.

    The text of `error` is not used: libav puts the URL into it, password included.
    """
    for kind, fault, what in _BY_TYPE:
        if isinstance(error, kind):
            return StreamError(fault, f"{host} {what}")
    if error.errno in _NETWORK:
        return StreamError(FaultClass.CONNECTION, f"{host}: {os.strerror(error.errno)}")
    return StreamError(FaultClass.PROTOCOL, f"{host} sends what cannot be understood")


def is_ambiguous(error: av.error.FFmpegError) -> bool:
    """Whether libav lost the cause: its RTSP client reports most failures as invalid data."""
    return isinstance(error, av.error.InvalidDataError) or error.errno == errno.EIO
