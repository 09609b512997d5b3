"""Finds out why an RTSP server could not be opened, when libav does not say."""

import os
import socket
import ssl
import time
from dataclasses import dataclass

from cad.analysis.ingest.faults import StreamError
from cad.domain.faults import FaultClass


@dataclass(frozen=True, slots=True)
class Server:
    """An RTSP server as it is dialled."""

    host: str
    port: int
    tls: bool

    @property
    def name(self) -> str:
        """How messages name it."""
        return f"{self.host}:{self.port}"


def diagnose(server: Server, timeout: float) -> StreamError:
    """Ask `server` for its OPTIONS, without path or credentials, and say what is wrong with it.

    Blocks for `timeout` seconds at most, name resolution aside.
    """
    deadline = time.monotonic() + timeout
    try:
        with socket.create_connection((server.host, server.port), timeout) as connection:
            return _judge(server, _ask(server, connection, deadline))
    except TimeoutError:
        return StreamError(FaultClass.TIMEOUT, f"{server.name} does not answer in time")
    except socket.gaierror as error:
        return StreamError(FaultClass.CONNECTION, f"{server.host} has no address: {error.strerror}")
    except ssl.SSLError as error:
        return StreamError(FaultClass.PROTOCOL, f"{server.name}: TLS fails: {error.reason}")
    except OSError as error:
        reason = os.strerror(error.errno) if error.errno else "connection failed"
        return StreamError(FaultClass.CONNECTION, f"{server.name}: {reason}")


def _ask(server: Server, connection: socket.socket, deadline: float) -> bytes:
    """Return the first bytes of the answer, empty if there is none."""
    if server.tls:
        with _unverified().wrap_socket(connection) as secured:
            return _exchange(server, secured, deadline)
    return _exchange(server, connection, deadline)


def _unverified() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE  # only the reason of a failure is looked for
    return context


def _exchange(server: Server, connection: socket.socket, deadline: float) -> bytes:
    target = f"[{server.host}]" if ":" in server.host else server.host
    request = f"OPTIONS rtsp://{target}:{server.port}/ RTSP/1.0\r\nCSeq: 1\r\n\r\n"
    connection.sendall(request.encode("ascii", "replace"))
    answer = b""
    while len(answer) < len(b"RTSP/1.0"):
        connection.settimeout(max(deadline - time.monotonic(), 0.001))
        chunk = connection.recv(512)
        if not chunk:
            break
        answer += chunk
    return answer


def _judge(server: Server, answer: bytes) -> StreamError:
    if not answer:
        message = f"{server.name} closes the connection without an answer"
        return StreamError(FaultClass.CONNECTION, message)
    if not answer.startswith(b"RTSP/"):
        return StreamError(FaultClass.PROTOCOL, f"{server.name} does not speak RTSP")
    message = f"{server.name} speaks RTSP, but the stream it describes cannot be understood"
    return StreamError(FaultClass.PROTOCOL, message)
