"""What a caller sent, given back without its secrets."""

from collections.abc import Mapping

from cad.base.redact import MASK, redact
from cad.domain.streams import StreamSource

SECRET_MEMBERS = frozenset(
    {
        "password",
        "passwd",
        "pwd",
        "secret",
        "clientsecret",
        "token",
        "authorization",
        "client_secret",
        "refresh_token",
        "access_token",
        "refreshtoken",
        "accesstoken",
    }
)
"""Names of members, in lower case, whose values are never shown."""


def without_secrets(value: object) -> object:
    """Return `value`, parsed JSON, with credentials cut out of URLs and secret members masked."""
    if isinstance(value, str):
        return StreamSource(url=value).public_url if "://" in value else redact(value)
    if isinstance(value, list):
        return [without_secrets(element) for element in value]
    if isinstance(value, Mapping):
        return {
            name: MASK if str(name).lower() in SECRET_MEMBERS else without_secrets(member)
            for name, member in value.items()
        }
    return value
