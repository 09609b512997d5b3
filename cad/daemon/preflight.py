"""What the configuration names outside itself: keys, certificates and secrets that must be usable.

Without them the device cannot start, today or tomorrow, so it is told as a configuration at fault.
"""

from collections.abc import Callable, Sequence
from pathlib import Path

from cad.base.errors import BadValueError, CadError
from cad.config.secret_file import read_secret_file
from cad.config.settings import Settings
from cad.control.api.tls import check_tls
from cad.control.platform.tls import tls_context
from cad.control.sinks.kafka_access import kafka_access
from cad.control.sinks.objects import object_access
from cad.protocols.sm2 import BadKeyError, PublicKey


def unusable(settings: Settings) -> list[str]:
    """Return a sentence for each key or file that cannot be used; it names the setting. Blocks."""
    problems = []
    for check in _CHECKS:
        try:
            check(settings)
        except CadError as error:
            problems.append(str(error))
    return problems


def _api_password(settings: Settings) -> None:
    if settings.api.password_file:
        read_secret_file(Path(settings.api.password_file), "api.password_file")


def _sm2_key(settings: Settings) -> None:
    if settings.platform.sm2_public_key:
        try:
            PublicKey.parse(settings.platform.sm2_public_key)
        except BadKeyError as error:
            raise BadValueError(error.expected, field="platform.sm2_public_key") from error


_CHECKS: Sequence[Callable[[Settings], object]] = (
    lambda settings: check_tls(settings.api),
    _api_password,
    lambda settings: tls_context(settings.platform),
    _sm2_key,
    lambda settings: kafka_access(settings.kafka),
    lambda settings: object_access(settings.objects),
)
