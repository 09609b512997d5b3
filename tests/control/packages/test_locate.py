"""Where archives may come from."""

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cad.base.errors import BadValueError, MissingFieldError, RefusedError
from cad.config.settings import PlatformSettings
from cad.control.packages.locate import AllowedHosts, Source, locate
from cad.domain.ids import FilePackageId
from cad.domain.packages import PushOrder

PLATFORM = PlatformSettings(
    url="https://platform.example:9443/", download_hosts=("Store.example", "ports.example:81")
)
MD5 = "0123456789abcdefABCDEF0123456789"


def order(url: str = "", md5: str = "") -> PushOrder:
    return PushOrder(file_package_id=FilePackageId(12), url=url, md5=md5)


def test_without_a_url_it_is_the_platforms_own_content_path() -> None:
    assert locate(order(), PLATFORM, strict=True) == Source(
        "https://platform.example:9443/ACP/AlgoFilePackages/12/content", ""
    )


def test_the_digest_may_be_of_any_case() -> None:
    assert locate(order(md5=MD5), PLATFORM, strict=True).md5 == MD5.lower()


def test_what_is_no_digest_is_refused_in_strict_mode_only() -> None:
    given_md5 = "7a90a32d-8ae8-4ffa-b000-07ef71058bab"
    assert locate(order(md5=given_md5), PLATFORM, strict=False).md5 == ""
    with pytest.raises(BadValueError, match="md5: expected 32 hex digits"):
        locate(order(md5=given_md5), PLATFORM, strict=True)


@pytest.mark.row("COM-13")
def test_a_digest_beside_a_url_may_be_missing_in_lenient_mode_only() -> None:
    url = "https://store.example/x"
    assert locate(order(url), PLATFORM, strict=False).md5 == ""
    with pytest.raises(MissingFieldError, match="md5: missing"):
        locate(order(url), PLATFORM, strict=True)


def test_http_needs_a_digest() -> None:
    url = "http://store.example/x"
    assert locate(order(url, MD5), PLATFORM, strict=True).url == url
    with pytest.raises(BadValueError, match=r"md5: .* since the URL is http"):
        locate(order(url), PLATFORM, strict=False)


def test_without_a_platform_the_url_is_needed() -> None:
    with pytest.raises(MissingFieldError, match="no platform is configured"):
        locate(order(), PlatformSettings(), strict=True)


@pytest.mark.parametrize(
    "url",
    ["https://platform.example/x", "https://STORE.example:4/x", "https://u:p@ports.example:81/"],
)
def test_the_platform_and_the_listed_hosts_are_allowed(url: str) -> None:
    AllowedHosts.of(PLATFORM).check(url)


@pytest.mark.parametrize(
    "url",
    [
        "https://ports.example/x",
        "https://store.example.evil/x",
        "https://store.example@evil/x",
        "file:///etc/passwd",
        "https:///x",
        "https://[::1/x",
        "https://ports.example:99999999/x",
    ],
)
def test_any_other_is_refused(url: str) -> None:
    with pytest.raises(BadValueError, match="url: expected"):
        AllowedHosts.of(PLATFORM).check(url)


def test_credentials_are_not_told() -> None:
    with pytest.raises(BadValueError) as caught:
        AllowedHosts.of(PLATFORM).check("ftp://user:geheim@store.example/x")
    assert "geheim" not in str(caught.value)


@given(st.text())
def test_any_text_is_allowed_or_refused(url: str) -> None:
    with contextlib.suppress(RefusedError):
        AllowedHosts.of(PLATFORM).check(url)
