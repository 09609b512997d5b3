"""Whom this device trusts as its platform, and how it proves itself by certificate."""

import ssl
from contextlib import AbstractAsyncContextManager
from functools import partial
from pathlib import Path

from cad.base.tls import client_context
from cad.base.tls_renewal import renewed_context
from cad.config.settings import PlatformSettings


def tls_context(settings: PlatformSettings) -> ssl.SSLContext:
    """Return the TLS context for every connection to the platform (TLS 1.2 or later, AM-36).

    Blocks.

    Raises:
        BadValueError: a file cannot be read or is not what it should be.
    """
    return client_context(
        "platform",
        ca_file=settings.ca_file,
        client_cert=settings.client_cert,
        client_key=settings.client_key,
    )


def renewed_tls(settings: PlatformSettings) -> AbstractAsyncContextManager[ssl.SSLContext]:
    """Return the scope of such a context, in which changes of the files are taken into use.

    Entering it raises what `tls_context` does.
    """
    names = (settings.ca_file, settings.client_cert, settings.client_key)
    files = [Path(name) for name in names if name]
    return renewed_context("platform", files, partial(tls_context, settings))
