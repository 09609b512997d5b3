"""SM2 public-key encryption of short secrets (GB/T 32918.4-2016, GM/T 0009-2012).

Only the multiplication of points is gmssl's. Around it stands what it lacks: points are checked to
lie on the curve, the ephemeral number comes from the system's generator, and C3 is compared, in
constant time.
A key is told apart by its length and never by how it begins: one key in 256 begins with 04.
Pure, and slow: about 8 ms for each multiplication, two of which make one encryption.
"""

import base64
import hashlib
import hmac
import re
import secrets
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Literal

from cryptography.hazmat import asn1
from cryptography.x509 import ObjectIdentifier
from gmssl.sm2 import CryptSM2, default_ecc_table

from cad.base.errors import BadValueError

P, A, B, N = (int(default_ecc_table[name], 16) for name in "pabn")
G = str(default_ecc_table["g"])

COORDINATE = 32
"""Bytes of a coordinate, of a private key and of an SM3 digest."""
POINT = 2 * COORDINATE

EC_PUBLIC_KEY = ObjectIdentifier("1.2.840.10045.2.1")
SM2_CURVE = ObjectIdentifier("1.2.156.10197.1.301")

_CURVE = CryptSM2("", "")
_ARMOUR = re.compile(r"-----[A-Z ]+-----")


class BadKeyError(BadValueError):
    """A key is in no known form, or is no point of the curve."""


class BadCiphertextError(BadValueError):
    """A value was not encrypted for this key in this form, or was changed on its way."""


class Encoding(StrEnum):
    """How the parts of a ciphertext are put together.

    C1 is the ephemeral point, C2 the masked text, C3 the digest; 04 marks a point that is given
    with both coordinates.
    """

    PREFIXED_C1C3C2 = "04C1C3C2"
    C1C3C2 = "C1C3C2"
    PREFIXED_C1C2C3 = "04C1C2C3"
    C1C2C3 = "C1C2C3"
    DER = "DER"

    @property
    def prefix(self) -> bytes:
        """What stands before C1."""
        return b"\x04" if self.value.startswith("04") else b""

    @property
    def digest_first(self) -> bool:
        """Whether C3 stands before C2."""
        return self.value.endswith("C3C2")


@dataclass(frozen=True, slots=True)
class Form:
    """How a platform wants an encrypted text written; the values are those of the configuration."""

    encoding: Encoding = Encoding.PREFIXED_C1C3C2
    text: Literal["hex", "HEX", "base64"] = "hex"
    charset: Literal["utf-8", "gbk"] = "utf-8"


@dataclass(frozen=True, slots=True)
class PublicKey:
    """A point of the curve other than infinity."""

    x: int
    y: int

    def __post_init__(self) -> None:
        if not (0 <= self.x < P and 0 <= self.y < P):
            raise BadKeyError("expected coordinates below the prime of the SM2 curve")
        if (self.y * self.y - _right_side(self.x)) % P:
            raise BadKeyError("expected a point on the SM2 curve")

    @classmethod
    def parse(cls, text: str) -> "PublicKey":
        """Read hex, base64 or PEM, of a bare point or of a SubjectPublicKeyInfo."""
        return cls.from_bytes(_key_bytes(text))

    @classmethod
    def from_bytes(cls, data: bytes) -> "PublicKey":
        """Read a point (64 bytes, 65 with 04, 33 compressed) or a SubjectPublicKeyInfo (DER)."""
        match len(data):
            case 64:
                return _point(data)
            case 65 if data[0] == 4:
                return _point(data[1:])
            case 33 if data[0] in {2, 3}:
                return _decompress(data)
            case _:
                return cls.from_bytes(_subject_point(data))

    def __bytes__(self) -> bytes:
        return self.x.to_bytes(COORDINATE) + self.y.to_bytes(COORDINATE)

    def hex(self) -> str:
        """Return the point as hexadecimal digits, with 04."""
        return "04" + bytes(self).hex()


@dataclass(frozen=True, slots=True)
class PrivateKey:
    """A number that only its owner knows, and the point that everybody may know."""

    number: int = field(repr=False)
    public: PublicKey = field(init=False)

    def __post_init__(self) -> None:
        if not 0 < self.number < N - 1:
            raise BadKeyError("expected a private key between 1 and the order of the SM2 curve - 2")
        object.__setattr__(self, "public", _point(_times(self.number, G)))

    @classmethod
    def generate(cls) -> "PrivateKey":
        """Draw a new key."""
        return cls(secrets.randbelow(N - 2) + 1)


@asn1.sequence
class _Ciphertext:
    """SM2Cipher of GM/T 0009-2012, 7.2; also what the other encodings are read into."""

    x: int
    y: int
    digest: bytes
    masked: bytes


@asn1.sequence
class _Algorithm:
    name: ObjectIdentifier
    curve: ObjectIdentifier


@asn1.sequence
class _SubjectPublicKeyInfo:
    """RFC 5480, 2."""

    algorithm: _Algorithm
    point: asn1.BitString


def draw_scalar() -> int:
    """Draw the ephemeral number of one encryption."""
    return secrets.randbelow(N - 1) + 1


def encrypt(
    plain: bytes, key: PublicKey, encoding: Encoding, *, draw: Callable[[], int] = draw_scalar
) -> bytes:
    """Encrypt `plain`, at least one byte, for the owner of `key`."""
    if not plain:
        raise BadValueError("expected at least one byte to encrypt")
    while True:
        number = draw()
        shared = _times(number, bytes(key).hex())
        # A mask of zeros would send the text as it is (GB/T 32918.4, 6.1 A5); for a text of one
        # byte that is one draw in 256.
        if any(mask := _derive(shared, len(plain))):
            break
    ephemeral = _point(_times(number, G))
    ciphertext = _Ciphertext(
        x=ephemeral.x, y=ephemeral.y, digest=_digest(shared, plain), masked=_xor(plain, mask)
    )
    return _write(ciphertext, encoding)


def decrypt(data: bytes, key: PrivateKey, encoding: Encoding) -> bytes:
    """Return what was encrypted for `key`.

    Raises:
        BadCiphertextError: `data` is not in this encoding, is for another key, or was changed.
    """
    ciphertext = _read(data, encoding)
    try:
        ephemeral = PublicKey(ciphertext.x, ciphertext.y)
    except BadKeyError as error:
        raise BadCiphertextError("expected C1 to be a point on the SM2 curve") from error
    shared = _times(key.number, bytes(ephemeral).hex())
    mask = _derive(shared, len(ciphertext.masked))
    plain = _xor(ciphertext.masked, mask)
    if not any(mask) or not hmac.compare_digest(_digest(shared, plain), ciphertext.digest):
        raise BadCiphertextError("expected a value encrypted for this key; its digest differs")
    return plain


def encrypt_text(text: str, key: PublicKey, form: Form) -> str:
    """Encrypt `text` the way `form` says.

    Raises:
        BadValueError: the text is empty, or its charset lacks one of its characters.
    """
    try:
        plain = text.encode(form.charset)
    except UnicodeEncodeError as error:
        raise BadValueError(f"expected only characters of {form.charset}") from error
    data = encrypt(plain, key, form.encoding)
    match form.text:
        case "hex":
            return data.hex()
        case "HEX":
            return data.hex().upper()
        case "base64":
            return base64.b64encode(data).decode()


def detect(value: str, key: PrivateKey) -> str | None:
    """Return what `value` hides if it is a ciphertext for `key` in any form, else None (AM-82).

    The digest C3 makes this safe: no password passes for a ciphertext by chance.
    """
    for data in _binary_readings(value):
        for encoding in Encoding:
            with suppress(BadCiphertextError):
                return _decode(decrypt(data, key, encoding))
    return None


def _write(ciphertext: _Ciphertext, encoding: Encoding) -> bytes:
    if encoding is Encoding.DER:
        return asn1.encode_der(ciphertext)
    point = ciphertext.x.to_bytes(COORDINATE) + ciphertext.y.to_bytes(COORDINATE)
    digest, masked = ciphertext.digest, ciphertext.masked
    return encoding.prefix + point + (digest + masked if encoding.digest_first else masked + digest)


def _read(data: bytes, encoding: Encoding) -> _Ciphertext:
    ciphertext = _read_der(data) if encoding is Encoding.DER else _read_joined(data, encoding)
    if not ciphertext.masked:
        raise BadCiphertextError("expected at least one byte of C2")
    return ciphertext


def _read_der(data: bytes) -> _Ciphertext:
    try:
        return asn1.decode_der(_Ciphertext, data)
    except ValueError as error:
        raise BadCiphertextError(
            "expected SEQUENCE { INTEGER x, INTEGER y, OCTET STRING C3, OCTET STRING C2 }"
        ) from error


def _read_joined(data: bytes, encoding: Encoding) -> _Ciphertext:
    body = data.removeprefix(encoding.prefix)
    if len(data) - len(body) != len(encoding.prefix) or len(body) < POINT + COORDINATE:
        raise BadCiphertextError(f"expected the encoding {encoding}", given=f"{len(data)} bytes")
    point, rest = body[:POINT], body[POINT:]
    cut = COORDINATE if encoding.digest_first else len(rest) - COORDINATE
    digest, masked = (rest[:cut], rest[cut:]) if encoding.digest_first else (rest[cut:], rest[:cut])
    return _Ciphertext(
        x=int.from_bytes(point[:COORDINATE]),
        y=int.from_bytes(point[COORDINATE:]),
        digest=digest,
        masked=masked,
    )


def _binary_readings(value: str) -> Iterator[bytes]:
    text = "".join(value.split())
    with suppress(ValueError):
        yield bytes.fromhex(text)
    with suppress(ValueError):
        yield base64.b64decode(text, validate=True)


def _decode(plain: bytes) -> str:
    for charset in ("utf-8", "gbk"):
        with suppress(UnicodeDecodeError):
            return plain.decode(charset)
    raise BadCiphertextError("expected a text in utf-8 or gbk inside the ciphertext")


def _key_bytes(text: str) -> bytes:
    """Return the binary form of a key given as PEM, hexadecimal digits or base64."""
    data = next(_binary_readings(_ARMOUR.sub("", text)), None)
    if data is None:
        raise BadKeyError("expected a public key in hex, base64 or PEM")
    return data


def _subject_point(data: bytes) -> bytes:
    try:
        info = asn1.decode_der(_SubjectPublicKeyInfo, data)
    except ValueError as error:
        raise BadKeyError(
            "expected a point of 64 bytes, 65 with 04, 33 compressed, or a SubjectPublicKeyInfo",
            given=f"{len(data)} bytes",
        ) from error
    if (info.algorithm.name, info.algorithm.curve) != (EC_PUBLIC_KEY, SM2_CURVE):
        raise BadKeyError("expected a key on the SM2 curve", given=info.algorithm.curve)
    point = info.point.as_bytes()
    if len(point) not in {33, 65}:
        raise BadKeyError("expected a point in the key", given=f"{len(point)} bytes")
    return point


def _point(data: bytes) -> PublicKey:
    return PublicKey(int.from_bytes(data[:COORDINATE]), int.from_bytes(data[COORDINATE:]))


def _decompress(data: bytes) -> PublicKey:
    x = int.from_bytes(data[1:])
    y = pow(_right_side(x), (P + 1) // 4, P)
    return PublicKey(x, y if y % 2 == data[0] % 2 else P - y)


def _right_side(x: int) -> int:
    return (x * x * x + A * x + B) % P


def _times(number: int, point_hex: str) -> bytes:
    """Return `number` times a point, as 64 bytes."""
    return bytes.fromhex(_CURVE._kg(number, point_hex))


def _derive(shared: bytes, size: int) -> bytes:
    """Return `size` bytes of the key derivation function (GB/T 32918.4, 5.4.3)."""
    blocks = range(1, -(-size // COORDINATE) + 1)
    return b"".join(_sm3(shared + block.to_bytes(4)) for block in blocks)[:size]


def _digest(shared: bytes, plain: bytes) -> bytes:
    return _sm3(shared[:COORDINATE] + plain + shared[COORDINATE:])


def _sm3(data: bytes) -> bytes:
    return hashlib.new("sm3", data).digest()


def _xor(left: bytes, right: bytes) -> bytes:
    return bytes(a ^ b for a, b in zip(left, right, strict=True))
