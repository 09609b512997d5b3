"""Whom this device trusts as its platform, and how it proves itself by certificate."""

import ssl

from cad.base.tls import client_context
from cad.config.settings import PlatformSettings


def tls_context(settings: PlatformSettings) -> ssl.SSLContext:
    """Return the TLS context for every connection to the platform (TLS 1.2 or later, AM-36).

    Blocks; meant for the start of the daemon.

    Raises:
        BadValueError: a file cannot be read or is not what it should be.
    """
    return client_context(
        "platform",
        ca_file=settings.ca_file,
        client_cert=settings.client_cert,
        client_key=settings.client_key,
    )
