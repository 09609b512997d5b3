"""Loads the configuration.

Precedence: built-in < `cad.toml` < `data_dir/overrides.toml` < variables `CAD_SECTION__KEY`.
"""

import os
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import ValidationError
from pydantic_core import ErrorDetails
from pydantic_settings import BaseSettings, EnvSettingsSource, SettingsConfigDict

from cad.base.errors import shorten
from cad.base.redact import MASK
from cad.config.settings import KafkaSettings, ObjectSettings, Settings

DEFAULT_FILE = Path("/etc/cad/cad.toml")
OVERRIDES = "overrides.toml"

NOT_SERVED = {
    "gb28181": "GB/T 28181 cameras",
    "containers": "ENGINE packages",
}
"""Sections of later versions: asking for one is refused by name, never accepted and ignored."""

_PREFIX = "CAD_"
_SECRET = ("password", "secret")

Table = dict[str, Any]


class ConfigError(Exception):
    """The configuration cannot be used; `problems` has one sentence for each cause."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("; ".join(problems))
        self.problems = problems


class _Layers(Settings, BaseSettings):
    """`Settings` as pydantic-settings reads them from variables: `CAD_API__PORT` is `api.port`."""

    model_config = SettingsConfigDict(  # type: ignore[mutable-override] # as pydantic-settings has it
        env_prefix=_PREFIX, env_nested_delimiter="__"
    )


def load(file: Path | None = None) -> Settings:
    """Return the settings in force; without `file` the default one is read if it exists.

    Raises:
        ConfigError: with every problem found, each naming key, value and expectation.
    """
    path = file or DEFAULT_FILE
    written = _read(path) if file is not None or path.exists() else {}
    environment = _environment()
    base = validate(merged(written, environment))
    overrides_path = base.machine.data_dir / OVERRIDES
    if not overrides_path.exists():
        return base
    overrides = _read(overrides_path)
    if "data_dir" in overrides.get("machine", {}):
        raise ConfigError([f"{overrides_path}: machine.data_dir cannot be overridden here"])
    return validate(merged(merged(written, overrides), environment))


def merged(lower: Table, upper: Table) -> Table:
    """Return `lower` with every key of `upper` laid over it, table by table."""
    result = dict(lower)
    for key, value in upper.items():
        below = result.get(key)
        if isinstance(below, dict) and isinstance(value, dict):
            result[key] = merged(below, value)
        else:
            result[key] = value
    return result


def validate(table: Table) -> Settings:
    """Return `table` as settings, or raise `ConfigError`."""
    known = {key: value for key, value in table.items() if key not in NOT_SERVED}
    problems = [_not_served(key) for key in table if key in NOT_SERVED and _asked(table[key])]
    try:
        settings = Settings.model_validate(known)
    except ValidationError as error:
        found = error.errors(include_url=False)
        raise ConfigError(problems + [_sentence(detail) for detail in found]) from error
    problems += _contradictions(settings)
    if problems:
        raise ConfigError(problems)
    return settings


def _read(path: Path) -> Table:
    try:
        return tomllib.loads(path.read_text("utf-8"))
    except OSError as error:
        raise ConfigError([f"{path}: cannot be read: {error.strerror}"]) from error
    except UnicodeDecodeError as error:
        raise ConfigError([f"{path}: is not UTF-8: {error.reason}"]) from error
    except tomllib.TOMLDecodeError as error:
        raise ConfigError([f"{path}: is not TOML: {error}"]) from error


def _environment() -> Table:
    """Return what the variables `CAD_SECTION__KEY` set; a section nobody knows is a problem."""
    sections = {
        name.removeprefix(_PREFIX).partition("__")[0].lower()
        for name in os.environ
        if name.startswith(_PREFIX) and "__" in name
    }
    unknown = sorted(sections - set(Settings.model_fields) - set(NOT_SERVED))
    if unknown:
        raise ConfigError([f"{_PREFIX}{name.upper()}__…: no such section" for name in unknown])
    not_served: Table = dict.fromkeys(sections & set(NOT_SERVED), True)
    return merged(not_served, EnvSettingsSource(_Layers)())


def _asked(section: object) -> bool:
    """Whether a section of a later version asks for anything; `enabled = false` does not."""
    return not (isinstance(section, Mapping) and section.get("enabled") is False)


def _not_served(section: str) -> str:
    return f"[{section}]: this version does not serve {NOT_SERVED[section]}; remove the section"


def _sentence(detail: ErrorDetails) -> str:
    key = ".".join(str(part) for part in detail["loc"])
    if detail["type"] == "extra_forbidden":
        return f"{key}: no such key"
    given = MASK if any(word in key for word in _SECRET) else shorten(detail["input"])
    return f"{key}: {detail['msg']} (given: {given})"


def _contradictions(settings: Settings) -> list[str]:
    """Return what no single key shows."""
    api, platform = settings.api, settings.platform
    rules = [
        (bool(api.tls_cert) != bool(api.tls_key), "api.tls_cert and api.tls_key: set both or none"),
        (
            bool(api.client_ca) and api.allow_http and not api.tls_cert,
            "api.client_ca: needs api.tls_cert, for api.allow_http alone serves plain HTTP",
        ),
        (
            bool(platform.client_cert) != bool(platform.client_key),
            "platform.client_cert and platform.client_key: set both or none",
        ),
        (
            bool(platform.client_id) != bool(platform.client_secret),
            "platform.client_id and platform.client_secret: set both or none",
        ),
        (
            bool(api.password) and bool(api.password_file),
            "api.password and api.password_file: set one",
        ),
        (
            "{algoFilePackageId}" not in platform.content_path,
            "platform.content_path: must contain {algoFilePackageId}",
        ),
        (
            platform.url.startswith("http://") and not api.allow_http,
            "platform.url: http needs api.allow_http = true; use https",
        ),
        *_destination_rules(settings.kafka, settings.objects),
    ]
    return [sentence for broken, sentence in rules if broken]


def _destination_rules(kafka: KafkaSettings, objects: ObjectSettings) -> list[tuple[bool, str]]:
    """Return what must not be, and the sentence for it."""
    return [
        (
            kafka.uses_sasl and not (kafka.username and kafka.password_file),
            f"kafka.security: {kafka.security} needs kafka.username and kafka.password_file",
        ),
        (
            bool(kafka.username or kafka.password_file) and not kafka.uses_sasl,
            "kafka.username and kafka.password_file: need a kafka.security that begins with SASL",
        ),
        (
            bool(kafka.ca_file or kafka.client_cert) and not kafka.uses_tls,
            "kafka.ca_file and kafka.client_cert: need kafka.security SSL or SASL_SSL",
        ),
        (
            bool(kafka.client_key) and not kafka.client_cert,
            "kafka.client_key: set kafka.client_cert too",
        ),
        (
            bool(objects.endpoint) and not (objects.access_key and objects.secret_key_file),
            "objects.endpoint: set objects.access_key and objects.secret_key_file too",
        ),
        (
            bool(objects.ca_file) and not objects.endpoint.startswith("https://"),
            "objects.ca_file: needs an objects.endpoint with https",
        ),
    ]
