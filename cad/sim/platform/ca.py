"""A certificate authority for a test bench, and the server certificates that it gives."""

import ipaddress
import os
import ssl
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)
from cryptography.x509.oid import NameOID

from cad.base.errors import BadValueError

LIFETIME = timedelta(days=30)
"""Of a server's certificate; each start of a platform has it made anew."""
CA_LIFETIME = timedelta(days=3650)
"""Of the authority, whose certificate is copied to devices by hand."""
SKEW = timedelta(days=1)
"""How far behind a device's clock may be."""


@dataclass(frozen=True, slots=True)
class Identity:
    """A certificate with its key, as files."""

    certificate: Path
    key: Path

    def server_context(self) -> ssl.SSLContext:
        """Return the TLS context of a server with this certificate."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        context.load_cert_chain(self.certificate, self.key)
        return context


class CertificateAuthority:
    """Signs certificates with the key of its folder, which is made once. Its methods block."""

    def __init__(self, folder: Path, now: datetime, name: str = "CAD test bench") -> None:
        """Take the authority in `folder`, made there as `name` if there is none or it is over.

        Raises:
            BadValueError: the files in `folder` are no authority.
        """
        folder.mkdir(parents=True, exist_ok=True)
        self._folder, self._now = folder, now
        self.file = folder / "ca.pem"
        """The certificate that devices must trust."""
        key = folder / "ca.key"
        kept = _read(self.file, key) if self.file.exists() and key.exists() else None
        if kept is not None and now < kept[0].not_valid_after_utc:
            self._name, self._key = kept[0].subject, kept[1]
            return
        self._name, self._key = _name(name), ec.generate_private_key(ec.SECP256R1())
        self.file.unlink(missing_ok=True)  # first: a new key beside an old certificate fits nothing
        _write_key(key, self._key)
        self.file.write_bytes(self._signed(self._own_certificate()))

    def issue(self, name: str, hosts: Sequence[str]) -> Identity:
        """Return a certificate for a server that is reached under `hosts` (names or addresses)."""
        key = ec.generate_private_key(ec.SECP256R1())
        names = x509.SubjectAlternativeName([_alternative(host) for host in hosts])
        certificate = self._builder(_name(name), key.public_key()).add_extension(
            names, critical=False
        )
        identity = Identity(self._folder / f"{name}.pem", self._folder / f"{name}.key")
        identity.certificate.write_bytes(self._signed(certificate))
        _write_key(identity.key, key)
        return identity

    def _own_certificate(self) -> x509.CertificateBuilder:
        return self._builder(self._name, self._key.public_key(), CA_LIFETIME).add_extension(
            x509.BasicConstraints(ca=True, path_length=0), critical=True
        )

    def _builder(
        self, subject: x509.Name, key: ec.EllipticCurvePublicKey, lifetime: timedelta = LIFETIME
    ) -> x509.CertificateBuilder:
        return x509.CertificateBuilder(
            issuer_name=self._name,
            subject_name=subject,
            public_key=key,
            serial_number=x509.random_serial_number(),
            not_valid_before=self._now - SKEW,
            not_valid_after=self._now + lifetime,
        )

    def _signed(self, builder: x509.CertificateBuilder) -> bytes:
        return builder.sign(self._key, hashes.SHA256()).public_bytes(Encoding.PEM)


def _read(certificate: Path, key: Path) -> tuple[x509.Certificate, ec.EllipticCurvePrivateKey]:
    """Return the authority that is kept in two files."""
    try:
        found = x509.load_pem_x509_certificate(certificate.read_bytes())
        private = load_pem_private_key(key.read_bytes(), None)
    except (ValueError, TypeError) as error:
        raise BadValueError(
            f"expected the PEM certificate {certificate.name} and its unencrypted key {key.name}, "
            "or neither",
            field="folder",
            given=str(key.parent),
        ) from error
    if not isinstance(private, ec.EllipticCurvePrivateKey) or (
        private.public_key() != found.public_key()
    ):
        raise BadValueError(
            f"expected in {key.name} the elliptic-curve key of {certificate.name}",
            field="folder",
            given=str(key.parent),
        )
    return found, private


def _write_key(path: Path, key: ec.EllipticCurvePrivateKey) -> None:
    """Write `key` for nobody else to read, from its first byte on."""
    path.unlink(missing_ok=True)
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))


def _name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def _alternative(host: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(host))
    except ValueError:
        return x509.DNSName(host)
