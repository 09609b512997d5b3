"""The device's own token endpoint and what belongs to it (AM-34, AM-35)."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import Field

from cad.domain.dialects import Dialect
from cad.wire.envelope import SUCCESS, EnvelopeStyle
from cad.wire.model import Text, WireModel

JWKS = "/oauth2/jwks"
"""The public keys that check this device's tokens (RFC 7517)."""
ROTATE = "/oauth2/keys/rotate"

INVALID_REQUEST = 40010
INVALID_GRANT = 40011
UNSUPPORTED_GRANT = 40012
INVALID_SCOPE = 40013
INVALID_TOKEN = 40102
INVALID_CLIENT = 40103
INSUFFICIENT_SCOPE = 40302

_ERRORS = {
    INVALID_REQUEST: "invalid_request",
    INVALID_GRANT: "invalid_grant",
    UNSUPPORTED_GRANT: "unsupported_grant_type",
    INVALID_SCOPE: "invalid_scope",
    INVALID_TOKEN: "invalid_token",
    INVALID_CLIENT: "invalid_client",
    INSUFFICIENT_SCOPE: "insufficient_scope",
}
_FAMILIES = {
    401: "invalid_client",
    403: "access_denied",
    429: "slow_down",
    500: "server_error",
    503: "temporarily_unavailable",
}


@dataclass(frozen=True, slots=True)
class OAuthStyle:
    """Answers as RFC 6749 §5 has them: members without an envelope."""

    name: str = "OAuth"

    def spoken_in(self, _dialect: Dialect) -> "OAuthStyle":
        """Return the style; it is the same for all peers."""
        return self

    def write(
        self, data: object = None, *, code: int = SUCCESS, message: str = "success", request_id: str
    ) -> dict[str, object]:
        """Return the members of `data`, or the error that `code` stands for."""
        if code == SUCCESS:
            return dict(data) if isinstance(data, Mapping) else {}
        error = error_name(code)
        return {"error": error, "error_description": message, "requestId": request_id}


OAUTH = OAuthStyle()

AnswerStyle = EnvelopeStyle | OAuthStyle


def error_name(code: int) -> str:
    """Return the error of RFC 6749 §5.2 or RFC 6750 §3.1 that a result code stands for."""
    return _ERRORS.get(code) or _FAMILIES.get(code // 100, "invalid_request")


class TokenForm(WireModel):
    """The parameters of a token request (RFC 6749 §4.3.2, §4.4.2, §6)."""

    grant_type: Annotated[Text, Field(alias="grant_type")]
    username: Text | None = None
    password: Annotated[Text | None, Field(repr=False)] = None
    refresh_token: Annotated[Text | None, Field(alias="refresh_token", repr=False)] = None
    client_id: Annotated[Text | None, Field(alias="client_id")] = None
    client_secret: Annotated[Text | None, Field(alias="client_secret", repr=False)] = None
    scope: Text | None = None


class OAuthError(WireModel):
    """Why a token is not given (RFC 6749 §5.2)."""

    error: str
    error_description: Annotated[str, Field(alias="error_description")]
    request_id: str


class KeySet(WireModel):
    """Public keys (RFC 7517 §5)."""

    keys: list[dict[str, str]]


class RotateRequest(WireModel):
    """Asks for new keys; without members, for a new secret of the caller."""

    keys: Literal["client", "signing"] = "client"


class RotatedSecret(WireModel):
    """The caller's new secret, shown once (members as in RFC 7591 §3.2.1)."""

    client_id: Annotated[Text, Field(alias="client_id")]
    client_secret: Annotated[Text, Field(alias="client_secret", repr=False)]
    client_secret_expires_at: Annotated[int, Field(alias="client_secret_expires_at")] = 0
    """0 = never."""
    old_secret_expires_in: Annotated[int, Field(alias="old_secret_expires_in", ge=0)]
    """Seconds."""


class RotatedKeys(WireModel):
    """The key that signs from now on."""

    kid: Text
