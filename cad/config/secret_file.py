"""Secrets that stand in files of their own, apart from the configuration."""

from pathlib import Path

from cad.base.errors import BadValueError


def read_secret_file(path: Path, field: str) -> str:
    """Return the first line of the file at `path`, which the setting `field` names. Blocks.

    Raises:
        BadValueError: the file cannot be read, or the line is empty.
    """
    try:
        secret = path.read_text(encoding="utf-8").partition("\n")[0].rstrip("\r")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "no text in utf-8"
        raise BadValueError(
            f"expected a readable file: {reason}", field=field, given=str(path)
        ) from error
    if not secret:
        raise BadValueError("expected a secret in the first line", field=field, given=str(path))
    return secret
