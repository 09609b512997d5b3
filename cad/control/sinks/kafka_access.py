"""How this device gets at Kafka brokers: encryption and account."""

import ssl
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from cad.base.tls import client_context
from cad.config.secret_file import read_secret_file
from cad.config.settings import KafkaSettings


@dataclass(frozen=True, slots=True)
class KafkaAccess:
    """What every connection to brokers begins with."""

    settings: KafkaSettings = field(default_factory=KafkaSettings)
    password: str = field(default="", repr=False)
    context: ssl.SSLContext | None = None
    """None = connections are not encrypted."""

    def arguments(self) -> dict[str, Any]:
        """Return what aiokafka wants to know of it."""
        account = {
            "sasl_mechanism": self.settings.mechanism,
            "sasl_plain_username": self.settings.username,
            "sasl_plain_password": self.password,
        }
        return {
            "security_protocol": self.settings.security or "PLAINTEXT",
            "ssl_context": self.context,
            **(account if self.settings.uses_sasl else {}),
        }


def kafka_access(settings: KafkaSettings) -> KafkaAccess:
    """Return the access that `settings` ask for; reads the files they name. Blocks.

    Raises:
        BadValueError: a file cannot be read or is not what it should be.
    """
    password, context = "", None
    if settings.uses_sasl:
        password = read_secret_file(Path(settings.password_file), "kafka.password_file")
    if settings.uses_tls:
        context = client_context(
            "kafka",
            ca_file=settings.ca_file,
            client_cert=settings.client_cert,
            client_key=settings.client_key,
        )
    return KafkaAccess(settings, password, context)
