"""What the audit log is told of a request: who, from where, what, with what result."""

import socket
import struct
from typing import NamedTuple

from aiohttp import web
from aiohttp.typedefs import Handler

from cad.base.redact import redact
from cad.control.api.auth import read_basic
from cad.control.api.http import CALLER, CLAIMED, CODE, MATCH, REQUEST_ID
from cad.control.api.services import ACCESS, AUDIT, DEVICE
from cad.control.api.subject import READS, subject_of
from cad.domain.access import Caller, Means, Scope
from cad.domain.audit import AuditEntry

PATH_LIMIT = 256
UNKNOWN = "unknown"
_REFUSED_AT_THE_DOOR = {401, 429}
_UCRED = struct.Struct("3i")


class Peer(NamedTuple):
    """The process at the other end of the local socket."""

    pid: int
    uid: int


PEER: web.RequestKey[Peer] = web.RequestKey("peer", Peer)


@web.middleware
async def with_audit(request: web.Request, handler: Handler) -> web.StreamResponse:
    """List the call if it changed something, showed a secret, or was a failed login (9.1)."""
    response = await handler(request)
    if _is_listed(request, response.status):
        await request.app[AUDIT].record(_entry(request, response.status))
    return response


@web.middleware
async def with_peer(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Say who calls on the local socket (unix(7), SO_PEERCRED)."""
    peer = _peer(request)
    name = f"uid:{peer.uid}" if peer else "local"
    request[CALLER] = Caller(name, frozenset(Scope), Means.LOCAL)
    if peer:
        request[PEER] = peer
    return await handler(request)


def _peer(request: web.Request) -> Peer | None:
    connection = request.get_extra_info("socket")
    if connection is None or connection.family != socket.AF_UNIX:
        return None
    found = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _UCRED.size)
    pid, uid, _ = _UCRED.unpack(found)
    return Peer(pid, uid)


def _is_listed(request: web.Request, status: int) -> bool:
    if status in _REFUSED_AT_THE_DOOR:
        # Many clients ask once without proof, to be told which one is wanted.
        return bool(request.headers.get("Authorization")) or CLAIMED in request
    match = request.get(MATCH)
    return match is not None and match.route.is_audited and READS not in request


def _entry(request: web.Request, status: int) -> AuditEntry:
    caller = request.get(CALLER)
    peer = request.get(PEER)
    return AuditEntry(
        time=request.app[DEVICE].clock.now(),
        who=caller.name if caller else _claimed(request),
        means=caller.means if caller else Means.NONE,
        source=f"pid {peer.pid}" if peer else request.remote or "",
        method=request.method,
        path=redact(request.rel_url.raw_path)[:PATH_LIMIT],
        subject=subject_of(request),
        status=status,
        code=request.get(CODE, 0),
        request_id=request[REQUEST_ID],
    )


def _claimed(request: web.Request) -> str:
    """Return the name somebody failed to prove, if there is an account of it."""
    basic = read_basic(request.headers.get("Authorization", ""))
    name = request.get(CLAIMED) or (basic.name if basic else "")
    return name if request.app[ACCESS].door.is_known(name) else UNKNOWN
