"""The certificate that the API shows, and who may call over it (9.2)."""

import ipaddress
import logging
import os
import ssl
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from cad.base.clock import Clock
from cad.base.errors import CadError
from cad.config.settings import ApiSettings

logger = logging.getLogger(__name__)

LIFETIME = timedelta(days=3650)
"""Of a self-signed certificate: nobody is on site to renew it."""
CLOCK_TOLERANCE = timedelta(days=1)
EARLIEST = datetime(2026, 1, 1, tzinfo=UTC)
"""A clock that stands before this is wrong: it must not date a certificate."""


class TlsSettingsError(CadError):
    """The certificate, key or CA of the settings cannot be used."""


@dataclass(frozen=True, slots=True)
class TlsFiles:
    """The files with which the API is served, all PEM."""

    cert: Path
    key: Path
    client_ca: Path | None
    """Whose clients may connect; None = anybody."""

    def paths(self) -> list[Path]:
        """Return all of them."""
        return [path for path in (self.cert, self.key, self.client_ca) if path is not None]


def tls_files(
    settings: ApiSettings, data_dir: Path, names: Sequence[str], clock: Clock
) -> TlsFiles | None:
    """Return the files to serve with, None for plain HTTP. Blocks; writes files.

    Without a configured certificate one is made once in `data_dir`/tls, for `names` (host names and
    addresses), and said in the log.
    """
    if not settings.tls_cert and settings.allow_http:
        logger.warning("api: plain HTTP (api.allow_http): passwords travel unprotected")
        return None
    client_ca = Path(settings.client_ca) if settings.client_ca else None
    if settings.tls_cert:
        cert, key = Path(settings.tls_cert), Path(settings.tls_key or settings.tls_cert)
    else:
        cert, key = _self_signed(data_dir / "tls", names, clock)
    return TlsFiles(cert, key, client_ca)


def read_context(files: TlsFiles) -> ssl.SSLContext:
    """Return the TLS context of a server with `files` (TLS 1.2 or later, AM-36). Blocks.

    Raises:
        TlsSettingsError: names the setting whose file cannot be used.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    try:
        # With a password given, an encrypted key is refused instead of asked for on the terminal.
        context.load_cert_chain(files.cert, files.key, password="")
    except (OSError, ValueError) as error:
        sentence = f"api.tls_cert {files.cert}, api.tls_key {files.key}: {error}"
        raise TlsSettingsError(sentence) from error
    if files.client_ca is not None:
        _demand_clients(context, files.client_ca)
    return context


def check_tls(settings: ApiSettings) -> None:
    """Raise TlsSettingsError if a file that the settings name cannot be used. Blocks."""
    client_ca = Path(settings.client_ca) if settings.client_ca else None
    if settings.tls_cert:
        read_context(TlsFiles(Path(settings.tls_cert), Path(settings.tls_key), client_ca))
    elif client_ca is not None:
        _demand_clients(ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER), client_ca)


def _demand_clients(context: ssl.SSLContext, client_ca: Path) -> None:
    try:
        context.load_verify_locations(cafile=client_ca)
    except (OSError, ValueError) as error:
        raise TlsSettingsError(f"api.client_ca {client_ca}: {error}") from error
    context.verify_mode = ssl.CERT_REQUIRED
    # A resumed session is not verified again, and would outlive a change of the CA.
    context.num_tickets = 0
    context.options |= ssl.OP_NO_TICKET


def _self_signed(directory: Path, names: Sequence[str], clock: Clock) -> tuple[Path, Path]:
    """Return the certificate and key in `directory`, made there if they are not."""
    cert, key = directory / "server.crt", directory / "server.key"
    if not (cert.exists() and key.exists()):
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        _make_certificate(cert, key, names, clock)
        logger.warning("api: no api.tls_cert; made the self-signed %s", cert)
    else:
        logger.info("api: no api.tls_cert; using the self-signed %s", cert)
    return cert, key


def _make_certificate(cert: Path, key: Path, names: Sequence[str], clock: Clock) -> None:
    private = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, names[0][:64])])
    begin = max(clock.now(), EARLIEST) - CLOCK_TOLERANCE
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(private.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(begin)
        .not_valid_after(begin + LIFETIME)
        .add_extension(x509.SubjectAlternativeName([_general(n) for n in names]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(private, hashes.SHA256())
    )
    text = private.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    _write(key, text, 0o600)
    _write(cert, certificate.public_bytes(serialization.Encoding.PEM), 0o644)


def _general(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)


def _write(path: Path, content: bytes, mode: int) -> None:
    """Write a file so that it is there whole, with its mode, or not at all."""
    unfinished = path.with_suffix(path.suffix + ".new")
    unfinished.unlink(missing_ok=True)
    unfinished.touch(mode=mode, exist_ok=False)
    with unfinished.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    unfinished.replace(path)
