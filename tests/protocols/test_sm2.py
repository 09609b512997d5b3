"""SM2 against the standard's example, eight other implementations' ciphertexts, and OpenSSL."""

import base64
import json
import subprocess
from contextlib import suppress
from itertools import chain
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cad.base.errors import BadValueError
from cad.protocols.sm2 import (
    BadCiphertextError,
    BadKeyError,
    Encoding,
    Form,
    N,
    PrivateKey,
    PublicKey,
    decrypt,
    detect,
    draw_scalar,
    encrypt,
    encrypt_text,
)
from tests.protocols.openssl import OpenSsl

VECTORS: dict[str, Any] = json.loads(
    (Path(__file__).parent.parent / "vectors" / "sm2.json").read_text()
)
KEY = PrivateKey(int(VECTORS["kat"][0]["private"], 16))
FORMS = VECTORS["public_key_forms"]
FORM_NAMES = ["hex 04", "hex bare", "hex compressed", "base64 SubjectPublicKeyInfo", "PEM"]

few = settings(max_examples=15, deadline=None)


def with_fixed_numbers() -> list[Any]:
    return [
        pytest.param(vector, Encoding(name), id=f"{vector['name'][:20]} {name}")
        for vector in chain(VECTORS["kat"], VECTORS["edge_c1"])
        for name in vector["ciphertext"]
    ]


def private_key(vector: dict[str, Any]) -> PrivateKey:
    return PrivateKey(int(vector["private"], 16))


@pytest.mark.parametrize(("vector", "encoding"), with_fixed_numbers())
def test_a_known_number_gives_the_known_ciphertext(
    vector: dict[str, Any], encoding: Encoding
) -> None:
    key, number = PublicKey.parse(vector["public"]), int(vector["k"], 16)
    plain = bytes.fromhex(vector["plaintext_hex"])
    data = encrypt(plain, key, encoding, draw=lambda: number)
    assert data.hex() == vector["ciphertext"][encoding]
    assert decrypt(data, private_key(vector), encoding) == plain


@pytest.mark.row("SEC-08")
@pytest.mark.parametrize(
    "vector",
    VECTORS["vectors"],
    ids=lambda v: f"{v['producer'].split()[0]} {v['encoding']} {v['key_class']}",
)
def test_what_others_encrypt_is_decrypted(vector: dict[str, Any]) -> None:
    key, encoding = private_key(vector), Encoding(vector["encoding"])
    data = bytes.fromhex(vector["ciphertext_hex"])
    plain = bytes.fromhex(vector["plaintext_hex"])
    assert decrypt(data, key, encoding) == plain
    assert key.public == PublicKey.parse(vector["public"])


@pytest.mark.parametrize(
    ("data", "encoding", "key"),
    [
        pytest.param(bytes.fromhex(text), Encoding(name), private_key(case), id=case["name"] + name)
        for case in VECTORS["negative"]
        for name, text in case["ciphertext"].items()
    ],
)
def test_a_ciphertext_that_others_refuse_is_refused(
    data: bytes, encoding: Encoding, key: PrivateKey
) -> None:
    with pytest.raises(BadCiphertextError):
        decrypt(data, key, encoding)
    assert detect(data.hex(), key) is None


@pytest.mark.parametrize("case", VECTORS["bad_public_keys"], ids=lambda case: case["name"])
def test_a_bad_public_key_is_refused(case: dict[str, str]) -> None:
    with pytest.raises(BadKeyError):
        PublicKey.parse(case["public"])


@pytest.mark.parametrize("name", FORM_NAMES)
def test_every_form_of_a_public_key_is_the_same_key(name: str) -> None:
    assert PublicKey.parse(FORMS[name]).hex() == FORMS["hex 04"]


def test_binary_forms_in_base64_are_the_same_key() -> None:
    for name in ("hex 04", "hex bare", "hex compressed"):
        text = base64.b64encode(bytes.fromhex(FORMS[name])).decode()
        assert PublicKey.parse(text).hex() == FORMS["hex 04"]


@pytest.mark.parametrize("vector", VECTORS["vectors"][:8], ids=lambda v: v["key_class"])
def test_a_key_is_told_by_its_length_and_not_by_how_it_begins(vector: dict[str, Any]) -> None:
    with_mark = PublicKey.parse(vector["public"])
    assert PublicKey.parse(vector["public"][2:]) == with_mark


@pytest.mark.parametrize("name", ["encryptHex", "encryptBcd", "encryptBase64"])
def test_hutool_texts_are_recognised_as_encrypted(name: str) -> None:
    key = PrivateKey(int(FORMS["private"], 16))
    assert detect(FORMS["ciphertexts of Passw0rd"][name], key) == "Passw0rd"


@pytest.mark.parametrize("text", ["hex", "HEX", "base64"])
@pytest.mark.parametrize("encoding", Encoding)
@pytest.mark.parametrize("charset", ["utf-8", "gbk"])
def test_every_form_is_found_out(encoding: Encoding, text: Any, charset: Any) -> None:
    value = encrypt_text("密码-2024", KEY.public, Form(encoding, text, charset))
    assert detect(value, KEY) == "密码-2024"


@pytest.mark.parametrize("value", ["", "password", "cafe" * 60, "QUJD" * 40, "密码", "0" * 400])
def test_a_plain_password_is_not_taken_for_encrypted(value: str) -> None:
    assert detect(value, KEY) is None


def test_a_zero_mask_is_drawn_again() -> None:
    zero = next(number for number in range(1, 4000) if leaves_plain(number))
    numbers = iter([zero, 7])
    data = encrypt(b"x", KEY.public, Encoding.C1C3C2, draw=lambda: next(numbers))
    assert next(numbers, None) is None
    assert decrypt(data, KEY, Encoding.C1C3C2) == b"x"


def leaves_plain(number: int) -> bool:
    draws = iter([number, 7])
    encrypt(b"x", KEY.public, Encoding.C1C3C2, draw=lambda: next(draws))
    return next(draws, None) is None


def test_nothing_cannot_be_encrypted() -> None:
    with pytest.raises(BadValueError, match="at least one byte"):
        encrypt(b"", KEY.public, Encoding.DER)


def test_a_character_outside_the_charset_is_refused() -> None:
    with pytest.raises(BadValueError, match="gbk"):
        encrypt_text("🔐", KEY.public, Form(charset="gbk"))


def test_binary_inside_a_ciphertext_is_no_text() -> None:
    data = encrypt(b"\xff\xff\xff", KEY.public, Encoding.DER)
    assert detect(data.hex(), KEY) is None


@pytest.mark.parametrize("number", [0, N - 1, N])
def test_a_private_key_outside_the_range_is_refused(number: int) -> None:
    with pytest.raises(BadKeyError, match="private key"):
        PrivateKey(number)


def test_a_private_key_is_never_printed() -> None:
    assert str(KEY.number) not in repr(KEY)


def test_a_key_of_another_curve_is_refused() -> None:
    prime256 = "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE" + "A" * 86 + "=="
    with pytest.raises(BadKeyError, match="SM2 curve"):
        PublicKey.parse(prime256)


def test_a_coordinate_beyond_the_prime_is_refused() -> None:
    with pytest.raises(BadKeyError, match="prime"):
        PublicKey.parse("ff" * 64)


def test_a_wrapped_key_without_a_point_is_refused() -> None:
    data = base64.b64decode(FORMS["base64 SubjectPublicKeyInfo"])
    short = b"\x30\x19" + data[2:23] + b"\x03\x02\x00\x04"
    with pytest.raises(BadKeyError, match="expected a point in the key"):
        PublicKey.from_bytes(short)


def test_ephemeral_numbers_lie_below_the_order() -> None:
    assert all(0 < draw_scalar() < N for _ in range(50))


@few
@given(plain=st.binary(min_size=1, max_size=100), encoding=st.sampled_from(Encoding))
def test_what_is_encrypted_is_decrypted(plain: bytes, encoding: Encoding) -> None:
    assert decrypt(encrypt(plain, KEY.public, encoding), KEY, encoding) == plain


@few
@given(position=st.integers(0, 103), bit=st.integers(0, 7), encoding=st.sampled_from(Encoding))
def test_a_flipped_bit_is_noticed(position: int, bit: int, encoding: Encoding) -> None:
    data = bytearray(encrypt(b"Passw0rd", KEY.public, encoding, draw=lambda: 12345))
    data[position % len(data)] ^= 1 << bit
    with pytest.raises(BadCiphertextError):
        decrypt(bytes(data), KEY, encoding)


@given(st.binary(max_size=200), st.sampled_from(Encoding))
def test_garbage_gives_only_the_documented_error(data: bytes, encoding: Encoding) -> None:
    with pytest.raises(BadCiphertextError):
        decrypt(data, KEY, encoding)


@given(st.one_of(st.text(max_size=200), st.binary(max_size=100).map(bytes.hex)))
def test_a_garbage_key_gives_only_the_documented_error(text: str) -> None:
    with suppress(BadKeyError):
        PublicKey.parse(text)


@pytest.mark.peer
def test_openssl_decrypts_what_we_encrypt(openssl: OpenSsl) -> None:
    data = encrypt("密码 2024".encode(), openssl.public, Encoding.DER)
    assert openssl.decrypt(data).decode() == "密码 2024"


@pytest.mark.peer
def test_we_decrypt_what_openssl_encrypts(openssl: OpenSsl) -> None:
    data = openssl.encrypt("密码 2024".encode())
    assert decrypt(data, openssl.private, Encoding.DER).decode() == "密码 2024"


@pytest.mark.peer
def test_a_public_key_file_of_openssl_is_read(openssl: OpenSsl) -> None:
    assert PublicKey.parse(openssl.public_pem()) == openssl.private.public


@pytest.mark.peer
def test_openssl_notices_a_changed_ciphertext(openssl: OpenSsl) -> None:
    data = bytearray(encrypt(b"Passw0rd", openssl.public, Encoding.DER))
    data[-1] ^= 1
    with pytest.raises(subprocess.CalledProcessError):
        openssl.decrypt(bytes(data))
