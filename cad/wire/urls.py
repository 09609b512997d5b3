"""What is read of URLs that callers give, and what of them may be repeated."""

from urllib.parse import urlsplit

from cad.domain.streams import StreamSource


def scheme_of(url: str) -> str:
    """Return the scheme of `url` in lower case, empty if it has none."""
    return url.partition("://")[0].lower() if "://" in url else ""


def has_host(url: str) -> bool:
    """Whether `url` has a host, a port that can be one if any, and no blanks."""
    try:
        parts = urlsplit(url)
        return bool(parts.hostname) and parts.port != 0 and " " not in url
    except ValueError:
        return False


def shown_url(url: str) -> str | None:
    """Return what of `url` may be repeated; without a scheme nobody knows what is secret in it."""
    return StreamSource(url=url).public_url if "://" in url else None
