"""Access tokens and the keys behind them."""

import base64
import json
from datetime import UTC, datetime, timedelta

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from hypothesis import given
from hypothesis import strategies as st

from cad.control.access.errors import InvalidTokenError
from cad.control.access.signing import KEY_OVERLAP, KeyRing, SigningKey
from cad.domain.access import Moment, Scope

NOON = datetime(2026, 11, 22, 4, tzinfo=UTC)
SCOPES = frozenset({Scope.CAD, Scope.CAP})
LIFE = 3600


def at(seconds: float, boot: str = "boot", wall: datetime = NOON) -> Moment:
    """Return the moment some seconds after the start of a test."""
    return Moment(boot, 100 + seconds, wall + timedelta(seconds=seconds))


KEY, NEXT = SigningKey.generate(at(0)), SigningKey.generate(at(0))
RING = KeyRing("machine", (KEY,))


def test_a_token_says_whose_it_is_and_what_for() -> None:
    claims = RING.check(RING.issue("admin", SCOPES, at(0)), at(1))
    assert (claims.account, claims.scopes) == ("admin", SCOPES)


def test_a_token_is_a_jwt_that_anybody_can_check_with_the_public_keys() -> None:
    token = RING.issue("admin", SCOPES, at(0, wall=datetime.now(UTC)))
    keys = jwt.PyJWKSet.from_dict(RING.jwks())
    header = jwt.get_unverified_header(token)
    read = jwt.decode(token, keys[header["kid"]], ["ES256"], audience="machine", issuer="machine")
    assert (header["alg"], header["typ"], read["scope"]) == ("ES256", "at+jwt", "cad cap")
    assert read["exp"] - read["iat"] == LIFE


def test_the_published_keys_hold_no_private_part() -> None:
    [key] = RING.jwks()["keys"]
    assert set(key) == {"kty", "crv", "x", "y", "kid", "use", "alg"}


@pytest.mark.parametrize(
    ("age", "valid"), [(0, True), (LIFE - 1, True), (LIFE, False), (1e9, False)]
)
def test_a_token_lives_for_an_hour(age: float, *, valid: bool) -> None:
    token = RING.issue("admin", SCOPES, at(0))
    assert is_taken(RING, token, at(age)) is valid


def is_taken(ring: KeyRing, token: str, now: Moment) -> bool:
    try:
        ring.check(token, now)
    except InvalidTokenError:
        return False
    return True


@pytest.mark.parametrize("years", [-56, -1, 1, 56])
def test_a_jump_of_the_clock_changes_no_life(years: int) -> None:
    token = RING.issue("admin", SCOPES, at(0))
    elsewhere = NOON + timedelta(days=365 * years)
    assert is_taken(RING, token, at(LIFE - 1, wall=elsewhere))
    assert not is_taken(RING, token, at(LIFE + 1, wall=elsewhere))


@pytest.mark.parametrize(
    ("after", "valid"), [(1, True), (LIFE - 1, True), (LIFE + 1, False), (-1, False)]
)
def test_after_a_reboot_the_wall_clock_decides(after: float, *, valid: bool) -> None:
    token = RING.issue("admin", SCOPES, at(0))
    assert is_taken(RING, token, at(after, boot="next")) is valid


@pytest.mark.row("SEC-07")
def test_tokens_of_a_retired_key_are_taken_until_they_expire() -> None:
    token = RING.issue("admin", SCOPES, at(0))
    ring = RING.rotated(NEXT, at(10))
    assert is_taken(ring, token, at(LIFE - 1))
    assert jwt.get_unverified_header(ring.issue("a", SCOPES, at(11)))["kid"] == NEXT.stored.kid
    assert len(ring.pruned(at(KEY_OVERLAP)).keys) == 2
    later = ring.pruned(at(10 + KEY_OVERLAP))
    assert [key.stored.kid for key in later.keys] == [NEXT.stored.kid]
    assert not is_taken(later, token, at(20))


def test_a_key_is_the_same_after_it_was_kept() -> None:
    ring = KeyRing("machine", (SigningKey.opened(KEY.stored),))
    assert ring.jwks() == RING.jwks()
    assert is_taken(ring, RING.issue("admin", SCOPES, at(0)), at(1))


def forged(**changes: object) -> str:
    """Return a token of ours with changed claims, signed with our key."""
    own = jwt.decode(RING.issue("admin", SCOPES, at(0)), options={"verify_signature": False})
    claims = {name: value for name, value in (own | changes).items() if value is not None}
    return jwt.encode(claims, KEY.private, "ES256", headers={"kid": KEY.stored.kid})


@pytest.mark.parametrize(
    "changes",
    [
        {"iss": "other"}, {"aud": "other"}, {"sub": None}, {"sub": 7}, {"scope": "root"},
        {"scope": None}, {"scope": 7}, {"iat": "x"}, {"iat": 1e300}, {"boot": None}, {"up": "x"},
        {"up": "nan"}, {"iat": None},
    ],
)  # fmt: skip
def test_a_token_of_another_shape_is_refused(changes: dict[str, object]) -> None:
    assert not is_taken(RING, forged(**changes), at(1))
    assert is_taken(RING, forged(), at(1))


def test_a_token_signed_otherwise_is_refused() -> None:
    own = jwt.decode(RING.issue("admin", SCOPES, at(0)), options={"verify_signature": False})
    kid = {"kid": KEY.stored.kid}
    public = KEY.jwk["x"].encode()
    stranger = ec.generate_private_key(ec.SECP256R1())
    tokens = [
        jwt.encode(own, stranger, "ES256", headers=kid),
        jwt.encode(own, public, "HS256", headers=kid),
        jwt.encode(own, "", "none", headers=kid),
        jwt.encode(own, KEY.private, "ES256"),
        jwt.encode(own, NEXT.private, "ES256", headers={"kid": NEXT.stored.kid}),
    ]
    assert [is_taken(RING, token, at(1)) for token in tokens] == [False] * 5


TOKEN = RING.issue("admin", SCOPES, at(0))


@given(st.text(), st.integers(0, len(TOKEN)))
def test_garbage_is_only_ever_refused(text: str, place: int) -> None:
    assert not is_taken(RING, text, at(1))
    changed = TOKEN[:place] + text + TOKEN[place:]
    if text:
        assert not is_taken(RING, changed, at(1))


@given(st.dictionaries(st.sampled_from(["kid", "alg", "typ"]), st.none() | st.lists(st.none())))
def test_any_header_is_only_ever_refused(header: dict[str, object]) -> None:
    head = base64.urlsafe_b64encode(json.dumps(header).encode()).decode().rstrip("=")
    assert not is_taken(RING, head + TOKEN[TOKEN.index(".") :], at(1))
