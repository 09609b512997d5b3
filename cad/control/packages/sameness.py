"""Whether a push repeats what is here already (AM-21). Pure."""

from urllib.parse import urlsplit

from cad.control.packages.locate import usable_md5
from cad.domain.packages import FilePackage, PushOrder


def has_same_content(known: FilePackage, order: PushOrder) -> bool:
    """Return whether `order` wants the archive of `known`.

    Digests decide where both sides have one; a URL may be signed anew for each order (AM-85), so
    its query says nothing.
    """
    here = known.archive_md5 or usable_md5(known.md5, strict=False)
    wanted = usable_md5(order.md5, strict=False)
    if here and wanted:
        return here == wanted
    return _without_query(known.url) == _without_query(order.url)


def has_same_licence(known: FilePackage, order: PushOrder) -> bool:
    """Return whether `order` names no other licence, or licence server, than `known` has."""
    return order.auth_address in {"", known.auth_address} and order.license_file in {
        "",
        known.license_file,
    }


def _without_query(url: str) -> str:
    return urlsplit(url)._replace(query="", fragment="").geturl()
