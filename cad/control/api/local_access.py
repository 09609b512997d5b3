"""Accounts, keys and the audit log, on the local socket only: they show or make secrets."""

from aiohttp import web

from cad.base.errors import ConflictError, NotFoundError, UnavailableError
from cad.control.api.contract import Contract
from cad.control.api.http import parse, reply
from cad.control.api.routing import Route
from cad.control.api.services import ACCESS, AUDIT, DEVICE
from cad.wire import local_access as wire
from cad.wire.envelope import LOCAL
from cad.wire.oauth import RotatedKeys


async def accounts(request: web.Request) -> web.Response:
    """List who can get tokens."""
    zone = request.app[DEVICE].zone
    found = request.app[ACCESS].accounts()
    return reply(request, [wire.AccountItem.from_account(a, zone).to_wire() for a in found])


async def add_client(request: web.Request) -> web.Response:
    """Make a client; its secret is shown this once."""
    wanted = await parse(request, wire.AddClientRequest)
    made = await request.app[ACCESS].add_client(wanted.name, frozenset(wanted.scopes))
    return reply(request, wire.SecretItem.from_secret(made).to_wire())


async def remove_client(request: web.Request) -> web.Response:
    """Forget a client; its tokens are worth nothing from now on."""
    await request.app[ACCESS].remove_client((await parse(request, wire.AccountRequest)).name)
    return reply(request)


async def rotate_secret(request: web.Request) -> web.Response:
    """Give an account a new secret; the last one stays valid for a while (AM-35)."""
    wanted = await parse(request, wire.AccountRequest)
    made = await request.app[ACCESS].rotate_secret(wanted.name)
    return reply(request, wire.SecretItem.from_secret(made).to_wire())


async def rotate_keys(request: web.Request) -> web.Response:
    """Have a new key sign tokens; those of the last one stay valid (AM-35)."""
    return reply(request, RotatedKeys(kid=await request.app[ACCESS].rotate_keys()).to_wire())


async def audit(request: web.Request) -> web.Response:
    """List management calls, oldest first."""
    wanted, device = await parse(request, wire.AuditRequest), request.app[DEVICE]
    begin = wanted.begin(device.clock.now(), device.zone)
    entries = await request.app[AUDIT].entries(begin, wanted.limit)
    return reply(request, [wire.AuditItem.from_entry(e, device.zone).to_wire() for e in entries])


_CHANGE = (ConflictError, NotFoundError, UnavailableError)
_ONE = f"{wire.ACCOUNTS}/{{name}}"

ROUTES = (
    Route("GET", wire.ACCOUNTS, accounts, LOCAL, Contract(answers=list[wire.AccountItem])),
    Route(
        "POST",
        wire.ACCOUNTS,
        add_client,
        LOCAL,
        Contract(
            takes=(wire.AddClientRequest,),
            subject=("name", "scopes"),
            answers=wire.SecretItem,
            refuses=_CHANGE,
        ),
    ),
    Route(
        "DELETE",
        _ONE,
        remove_client,
        LOCAL,
        Contract(takes=(wire.AccountRequest,), subject=("name",), refuses=_CHANGE),
    ),
    Route(
        "POST",
        f"{_ONE}:rotate",
        rotate_secret,
        LOCAL,
        Contract(
            takes=(wire.AccountRequest,),
            subject=("name",),
            answers=wire.SecretItem,
            refuses=_CHANGE,
        ),
    ),
    Route(
        "POST",
        wire.ROTATE_KEYS,
        rotate_keys,
        LOCAL,
        Contract(answers=RotatedKeys, refuses=(UnavailableError,)),
    ),
    Route(
        "GET",
        wire.AUDIT,
        audit,
        LOCAL,
        Contract(takes=(wire.AuditRequest,), answers=list[wire.AuditItem]),
    ),
)
