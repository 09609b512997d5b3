"""Keys and tokens as platforms offer them."""

import pytest

from cad.base.errors import RefusedError
from cad.wire.platform_access import AccessToken, Sm2PublicKey


@pytest.mark.parametrize("name", ["publicKey", "publickey", "key", "sm2PublicKey"])
def test_a_key_is_understood_under_several_names(name: str) -> None:
    assert Sm2PublicKey.read({name: "04ab"}).public_key == "04ab"


def test_a_token_is_written_with_the_names_of_the_rfc() -> None:
    token = AccessToken(access_token="t", expires_in=60)
    written = {"access_token": "t", "token_type": "Bearer", "expires_in": 60}
    assert token.to_wire() == written
    assert AccessToken.read(written) == token


def test_a_token_without_a_life_time_lives_an_hour() -> None:
    assert AccessToken.read({"access_token": "t"}).expires_in == 3600


@pytest.mark.parametrize("answer", [{}, {"access_token": None}, {"access_token": ""}, []])
def test_an_answer_without_a_token_is_refused(answer: object) -> None:
    with pytest.raises(RefusedError):
        AccessToken.read(answer)


def test_a_token_is_never_printed() -> None:
    assert "s3cret" not in repr(AccessToken(access_token="s3cret"))
