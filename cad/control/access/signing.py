"""Access tokens: JWT signed with ES256 (RFC 7519, RFC 9068), and the keys that sign them.

A key that is retired signs no more, but its tokens are taken until the last of them has expired; so
a rotation is not noticed by anybody. `kid` is the thumbprint of the public key (RFC 7638).
"""

import hashlib
import json
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any, Self

import jwt
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from jwt.algorithms import ECAlgorithm
from jwt.utils import base64url_encode

from cad.control.access.errors import InvalidTokenError
from cad.domain.access import Moment, Scope, StoredSigningKey

ALGORITHM = "ES256"
TOKEN_TYPE = "at+jwt"  # noqa: S105 - RFC 9068 §2.1
TOKEN_LIFETIME = 3600
"""Seconds (AM-34)."""
KEY_OVERLAP = 24 * 3600.0
"""Seconds that a retired key still checks tokens; more than they live."""
TOKEN_LIMIT = 4096
"""Characters; ours have about 500."""

_REQUIRED = ["sub", "scope", "iat", "exp", "boot", "up"]


@dataclass(frozen=True, slots=True)
class Claims:
    """What an access token says."""

    account: str
    scopes: frozenset[Scope]
    issued: Moment


@dataclass(frozen=True, slots=True)
class SigningKey:
    """A key as it is used."""

    stored: StoredSigningKey
    private: ec.EllipticCurvePrivateKey = field(repr=False)
    jwk: Mapping[str, str]
    """Its public half (RFC 7517)."""

    @classmethod
    def generate(cls, now: Moment) -> Self:
        """Make a new key."""
        private = ec.generate_private_key(ec.SECP256R1())
        pem = private.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        ).decode()
        kid = _thumbprint(_public_jwk(private))
        return cls.opened(StoredSigningKey(kid, pem, now))

    @classmethod
    def opened(cls, stored: StoredSigningKey) -> Self:
        """Return a key that was kept."""
        private = serialization.load_pem_private_key(stored.pem.encode(), None)
        if not isinstance(private, ec.EllipticCurvePrivateKey):
            raise TypeError(f"signing key {stored.kid} is no EC key")
        marks = {"kid": stored.kid, "use": "sig", "alg": ALGORITHM}
        return cls(stored, private, _public_jwk(private) | marks)


class KeyRing:
    """The keys of a device, newest first; the first one signs."""

    def __init__(self, issuer: str, keys: tuple[SigningKey, ...]) -> None:
        """Take the keys.

        Args:
            issuer: name of the device, issuer and audience of its tokens.
            keys: at least one.
        """
        self._issuer, self.keys = issuer, keys
        self._by_kid = {key.stored.kid: key for key in keys}

    def rotated(self, new: SigningKey, now: Moment) -> "KeyRing":
        """Return the ring with `new` signing."""
        first, *others = self.keys
        retired = replace(first, stored=replace(first.stored, retired=now))
        return KeyRing(self._issuer, (new, retired, *others))

    def pruned(self, now: Moment) -> "KeyRing":
        """Return the ring without the keys whose last tokens have expired."""
        return KeyRing(self._issuer, tuple(key for key in self.keys if _is_alive(key, now)))

    def age(self, now: Moment) -> float:
        """Return for how many seconds the first key has been signing."""
        return now.since(self.keys[0].stored.made)

    def jwks(self) -> dict[str, list[dict[str, str]]]:
        """Return the public keys (RFC 7517 §5)."""
        return {"keys": [dict(key.jwk) for key in self.keys]}

    def issue(self, account: str, scopes: frozenset[Scope], now: Moment) -> str:
        """Return an access token for `account`.

        `boot` and `up` are the moment by which this device measures its life; `iat` and `exp` are
        the same by the wall clock, for readers elsewhere.
        """
        first = self.keys[0]
        claims = {
            "iss": self._issuer,
            "aud": self._issuer,
            "sub": account,
            "client_id": account,
            "scope": " ".join(sorted(scopes)),
            "jti": uuid.uuid4().hex,
            "iat": now.wall,
            "exp": now.wall + timedelta(seconds=TOKEN_LIFETIME),
            "boot": now.boot,
            "up": now.uptime,
        }
        headers = {"kid": first.stored.kid, "typ": TOKEN_TYPE}
        return jwt.encode(claims, first.private, ALGORITHM, headers=headers)

    def check(self, token: str, now: Moment) -> Claims:
        """Return what `token` says.

        Raises:
            InvalidTokenError: it is not ours, or it has expired.
        """
        claims = self._read(token)
        if not 0 <= now.since(claims.issued) < TOKEN_LIFETIME:
            raise InvalidTokenError("expected an access token that has not expired")
        return claims

    def _read(self, token: str) -> Claims:
        try:
            key = self._by_kid[_header(token)["kid"]]
            claims = jwt.decode(
                token,
                key.private.public_key(),
                algorithms=[ALGORITHM],
                audience=self._issuer,
                issuer=self._issuer,
                # `check` measures the life itself: the wall clock may have jumped.
                options={
                    "require": _REQUIRED,
                    "verify_exp": False,
                    "verify_iat": False,
                    "verify_nbf": False,
                },
            )
            return _claims(claims)
        except (jwt.InvalidTokenError, KeyError, ValueError, TypeError, OverflowError):
            raise InvalidTokenError("expected an access token of this device") from None


def _header(token: str) -> dict[str, Any]:
    if len(token) > TOKEN_LIMIT:
        raise ValueError("no token of ours is so long")
    return jwt.get_unverified_header(token)


def _claims(claims: Mapping[str, Any]) -> Claims:
    """Return claims whose signature was checked."""
    wall = datetime.fromtimestamp(claims["iat"], UTC)
    issued = Moment(str(claims["boot"]), float(claims["up"]), wall)
    scopes = frozenset(Scope(word) for word in str(claims["scope"]).split())
    return Claims(claims["sub"], scopes, issued)


def _is_alive(key: SigningKey, now: Moment) -> bool:
    return key.stored.retired is None or now.since(key.stored.retired) < KEY_OVERLAP


def _public_jwk(private: ec.EllipticCurvePrivateKey) -> dict[str, str]:
    found = ECAlgorithm.to_jwk(private.public_key(), as_dict=True)
    return {name: str(found[name]) for name in ("crv", "kty", "x", "y")}


def _thumbprint(jwk: Mapping[str, str]) -> str:
    text = json.dumps(jwk, separators=(",", ":"), sort_keys=True)
    return base64url_encode(hashlib.sha256(text.encode()).digest()).decode()
