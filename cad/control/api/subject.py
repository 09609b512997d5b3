"""What a call is about, for the audit log: its package, file package, task, account; no secrets."""

import re
from collections.abc import Callable, Mapping

from aiohttp import web

from cad.base.errors import shorten, some_of

SUBJECT: web.RequestKey[dict[str, str]] = web.RequestKey("subject", dict)
READS: web.RequestKey[bool] = web.RequestKey("reads", bool)
"""Set if a call that might have changed something only read (AM-118)."""

_QUOTED = re.compile(r'"[^"]*"?')
_KEY = re.compile(r"(?:^|[\s,])([A-Za-z_]\w{0,31})=(?![=\s,]|$)")
_HOST = re.compile(r"[^/:]*")


def concern(request: web.Request, members: Mapping[str, object]) -> None:
    """Note that the call is about `members`; those that are absent or empty are left out."""
    printed = {name: _printed(name, value) for name, value in members.items() if value}
    request[SUBJECT] = {**request.get(SUBJECT, {}), **printed}


def subject_of(request: web.Request) -> str:
    """Return what was noted, as `name=value` pairs with blanks between."""
    return " ".join(f"{name}={value}" for name, value in request.get(SUBJECT, {}).items())


def _printed(name: str, value: object) -> str:
    text = some_of(value, ",") if isinstance(value, list) else str(value)
    return shorten(_CUT.get(name, str)(text))


def _host(url: str) -> str:
    """Return scheme and host of `url`: paths and queries may hold a secret, as user parts do."""
    head, separator, rest = url.partition("?")[0].partition("://")
    found = _HOST.match(rest.rpartition("@")[2])
    return f"{head}{separator}{found[0]}" if separator and found else ""


def _keys(args: str) -> str:
    """Return the keys in `args` (AM-122), without their values."""
    return ",".join(_KEY.findall(_QUOTED.sub("…", args)))


_CUT: Mapping[str, Callable[[str], str]] = {"url": _host, "authAddress": _host, "args": _keys}
