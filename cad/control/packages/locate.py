"""Where the archive of a file package comes from and what proves it (AM-36, AM-85, AM-119)."""

import re
from dataclasses import dataclass
from urllib.parse import quote, urlsplit

from yarl import URL

from cad.base.errors import BadValueError, MissingFieldError
from cad.base.redact import redact
from cad.config.settings import PlatformSettings
from cad.domain.packages import PushOrder

_MD5 = re.compile(r"[0-9A-Fa-f]{32}")


@dataclass(frozen=True, slots=True)
class Source:
    """An archive that may be downloaded."""

    url: str
    """May hold credentials."""
    md5: str
    """Lower case hex; empty = not known."""


@dataclass(frozen=True, slots=True)
class AllowedHosts:
    """The hosts that archives come from: `name` (any port) or `name:port`."""

    names: frozenset[str]

    @classmethod
    def of(cls, settings: PlatformSettings) -> "AllowedHosts":
        """Return the platform's own host and `download_hosts`."""
        own = urlsplit(settings.url).hostname
        return cls(frozenset(name.lower() for name in (own, *settings.download_hosts) if name))

    def check(self, url: str, field: str = "url") -> None:
        """Raise BadValueError unless `url` is http or https on one of the hosts."""
        try:
            parts = URL(url)  # as the client will understand it
            host, port = (parts.host or "").lower(), parts.explicit_port
        except ValueError:
            raise _no_url(url, field) from None
        if parts.scheme not in {"http", "https"} or not host:
            raise _no_url(url, field)
        if not {host, f"{host}:{port}"} & self.names:
            raise BadValueError(
                "expected the platform's host or one of platform.download_hosts "
                f"({', '.join(sorted(self.names)) or 'none is set'})",
                field=field,
                given=host,
            )


def locate(order: PushOrder, settings: PlatformSettings, *, strict: bool) -> Source:
    """Return where `order` has its archive.

    Strict mode wants a digest beside a URL (AM-85); the order that the standard prints has neither.

    Raises:
        RefusedError: the URL is missing or not allowed, or the digest is missing or malformed.
    """
    url = order.url or _content_url(order, settings)
    AllowedHosts.of(settings).check(url)
    if strict and order.url and not order.md5:
        raise MissingFieldError("md5", "the MD5 of what is at url, 32 hex digits")
    md5 = usable_md5(order.md5, strict=strict)
    if urlsplit(url).scheme == "http" and not md5:
        raise BadValueError("expected 32 hex digits, since the URL is http", field="md5")
    return Source(url, md5)


def locate_licence(given: str, settings: PlatformSettings) -> Source:
    """Return where a `licenseFile` is: a path on the platform, or a URL of its own (AM-120).

    Raises:
        RefusedError: there is no platform, the host is not allowed, or http could be tampered with.
    """
    url = given
    if urlsplit(given).scheme not in {"http", "https"}:
        if not settings.url:
            raise MissingFieldError("platform.url", "a platform to fetch licenseFile from")
        url = f"{settings.url.rstrip('/')}/{given.lstrip('/')}"
    AllowedHosts.of(settings).check(url, field="licenseFile")
    if urlsplit(url).scheme == "http" and urlsplit(settings.url).scheme == "https":
        raise BadValueError("expected https", field="licenseFile", given=redact(url))
    return Source(url, "")


def usable_md5(given: str, *, strict: bool) -> str:
    """Return a digest that can be compared; empty if `given` is none (refused if `strict`)."""
    if _MD5.fullmatch(given):
        return given.lower()
    if strict and given:
        raise BadValueError("expected 32 hex digits", field="md5", given=given)
    return ""


def _no_url(given: str, field: str) -> BadValueError:
    return BadValueError("expected an http or https URL", field=field, given=redact(given))


def _content_url(order: PushOrder, settings: PlatformSettings) -> str:
    if not settings.url:
        raise MissingFieldError("url", "the archive's URL, since no platform is configured")
    number = quote(str(order.file_package_id))
    path = settings.content_path.replace("{algoFilePackageId}", number)
    return f"{settings.url.rstrip('/')}/{path.lstrip('/')}"
