"""Whom this device trusts as its platform, and how it proves itself by certificate."""

import ssl

from cad.base.errors import BadValueError
from cad.config.settings import PlatformSettings


def tls_context(settings: PlatformSettings) -> ssl.SSLContext:
    """Return the TLS context for every connection to the platform (TLS 1.2 or later, AM-36).

    Blocks; meant for the start of the daemon.

    Raises:
        BadValueError: a file cannot be read or is not what it should be.
    """
    context = ssl.create_default_context()
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    if settings.ca_file:
        _trust(context, settings.ca_file)
    if settings.client_cert:
        _identify(context, settings)
    return context


def _trust(context: ssl.SSLContext, ca_file: str) -> None:
    try:
        context.load_verify_locations(ca_file)
    except OSError as error:
        raise BadValueError(
            f"expected a readable file of PEM certificates: {error}",
            field="platform.ca_file",
            given=ca_file,
        ) from error


def _identify(context: ssl.SSLContext, settings: PlatformSettings) -> None:
    try:
        context.load_cert_chain(settings.client_cert, settings.client_key or None)
    except OSError as error:
        raise BadValueError(
            f"expected a PEM certificate and, in it or in client_key, its key: {error}",
            field="platform.client_cert",
            given=settings.client_cert,
        ) from error
