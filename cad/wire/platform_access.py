"""What a platform offers beside the annexes so that devices can prove and protect: keys, tokens."""

from typing import Annotated

from pydantic import Field

from cad.wire.model import AlsoRead, Text, WireModel

TOKEN = "/oauth2/token"  # noqa: S105 - a path
"""Where tokens are given (RFC 6749 §3.2, AM-34)."""

DEFAULT_LIFETIME = 3600
"""Seconds (AM-34)."""


class Sm2PublicKey(WireModel):
    """The key for which passwords are encrypted (`GET /ACP/keys/sm2`, AM-82)."""

    public_key: Annotated[Text, Field(min_length=1), AlsoRead("key", "sm2PublicKey")]
    """Hex, base64 or PEM."""


class AccessToken(WireModel):
    """A token as the token endpoint gives it (RFC 6749 §5.1)."""

    access_token: Annotated[Text, Field(alias="access_token", min_length=1, repr=False)]
    token_type: Annotated[Text, Field(alias="token_type")] = "Bearer"  # noqa: S105 - a scheme
    expires_in: Annotated[int, Field(alias="expires_in", ge=1)] = DEFAULT_LIFETIME
    """Seconds."""
    refresh_token: Annotated[Text | None, Field(alias="refresh_token", repr=False)] = None
    scope: Text | None = None
    """What the token is good for, separated by spaces."""
