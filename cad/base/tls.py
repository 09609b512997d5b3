"""TLS towards servers: whom this device trusts, and how it proves itself by certificate."""

import ssl

from cad.base.errors import BadValueError


def client_context(
    section: str, *, ca_file: str = "", client_cert: str = "", client_key: str = ""
) -> ssl.SSLContext:
    """Return a context for connections to servers: TLS 1.2 or later, names checked. Blocks.

    Args:
        section: of the settings that name the files, for messages.
        ca_file: PEM file of further CAs to trust; empty = the system's alone.
        client_cert: PEM file to prove this device with; empty = none.
        client_key: PEM file of its key; empty = the key is in `client_cert`.

    Raises:
        BadValueError: a file cannot be read or is not what it should be.
    """
    context = ssl.create_default_context()
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    if ca_file:
        _trust(context, section, ca_file)
    if client_cert:
        _identify(context, section, client_cert, client_key)
    return context


def _trust(context: ssl.SSLContext, section: str, ca_file: str) -> None:
    try:
        context.load_verify_locations(ca_file)
    except OSError as error:
        raise BadValueError(
            f"expected a readable file of PEM certificates: {error}",
            field=f"{section}.ca_file",
            given=ca_file,
        ) from error


def _identify(context: ssl.SSLContext, section: str, client_cert: str, client_key: str) -> None:
    try:
        context.load_cert_chain(client_cert, client_key or None)
    except OSError as error:
        raise BadValueError(
            f"expected a PEM certificate and, in it or in client_key, its key: {error}",
            field=f"{section}.client_cert",
            given=client_cert,
        ) from error
