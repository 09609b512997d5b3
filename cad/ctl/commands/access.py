"""`cadctl access …`: who may get tokens, and the keys that sign them."""

from typing import Annotated
from urllib.parse import quote

import typer

from cad.ctl.client import table_of
from cad.ctl.output import duration, print_pairs, print_table
from cad.ctl.session import Json, api, run, show
from cad.domain.access import Scope
from cad.wire.local_access import ACCOUNTS, ROTATE_KEYS, AccountItem, SecretItem
from cad.wire.oauth import RotatedKeys

app = typer.Typer(no_args_is_help=True)

Name = Annotated[str, typer.Argument(help="Name of the account (client_id).")]


@app.callback()
def access() -> None:
    """Who may get tokens."""


@app.command("list")
def accounts(context: typer.Context, *, as_json: Json = False) -> None:
    """List the accounts."""
    show(run(api(context).call("GET", ACCOUNTS)), as_json, _render_accounts)


@app.command("add")
def add(
    context: typer.Context,
    name: Name,
    *,
    scope: Annotated[list[Scope] | None, typer.Option(help="What it may use.")] = None,
    as_json: Json = False,
) -> None:
    """Make an OAuth2 client; its secret is shown this once."""
    body = {"name": name, "scopes": [s.value for s in scope or [Scope.CAD]]}
    show(run(api(context).call("POST", ACCOUNTS, body)), as_json, _render_secret)


@app.command("remove")
def remove(context: typer.Context, name: Name) -> None:
    """Forget a client; its tokens are worth nothing from now on."""
    run(api(context).call("DELETE", _path(name)))


@app.command("rotate")
def rotate(context: typer.Context, name: Name, *, as_json: Json = False) -> None:
    """Give an account a new secret; the old one stays valid for a while."""
    show(run(api(context).call("POST", f"{_path(name)}:rotate")), as_json, _render_secret)


@app.command("rotate-keys")
def rotate_keys(context: typer.Context, *, as_json: Json = False) -> None:
    """Have a new key sign tokens; tokens of the old one stay valid until they expire."""
    show(run(api(context).call("POST", ROTATE_KEYS)), as_json, _render_key)


def _path(name: str) -> str:
    return f"{ACCOUNTS}/{quote(name, safe='')}"


def _render_accounts(data: object) -> None:
    items = [AccountItem.read(row) for row in table_of(data)]
    rows = [(i.name, i.kind, " ".join(i.scopes), i.created, i.old_secrets) for i in items]
    print_table(("name", "kind", "scopes", "created", "old secrets"), rows, "no accounts")


def _render_secret(data: object) -> None:
    item = SecretItem.read(data)
    pairs: list[tuple[str, object]] = [("name", item.name), ("secret", item.secret)]
    if item.old_valid_seconds:
        pairs.append(("old one valid for", duration(item.old_valid_seconds)))
    print_pairs(pairs)


def _render_key(data: object) -> None:
    print_pairs([("kid", RotatedKeys.read(data).kid)])
