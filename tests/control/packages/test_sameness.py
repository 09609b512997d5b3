"""What counts as the same push again."""

from datetime import UTC, datetime

import pytest

from cad.control.packages.sameness import has_same_content, has_same_licence
from cad.domain.ids import FilePackageId
from cad.domain.packages import FilePackage, FilePackageState, PushOrder

NUMBER = FilePackageId(5)
URL, OTHER = "https://host/a.tar.gz?sig=A", "https://host/b.tar.gz"
MD5 = "0123456789abcdef" * 2


def known(url: str = URL, md5: str = "", came: str = "", licence: str = "") -> FilePackage:
    return FilePackage(
        file_package_id=NUMBER,
        state=FilePackageState.AVAILABLE,
        url=url,
        md5=md5,
        archive_md5=came,
        license_file=licence,
        created_at=datetime(2026, 1, 1, tzinfo=UTC),
    )


@pytest.mark.parametrize(
    ("here", "url", "md5", "same"),
    [
        (known(), "https://host/a.tar.gz?sig=B", "", True),
        (known(), OTHER, "", False),
        (known(md5=MD5.upper()), OTHER, MD5, True),
        (known(md5=MD5), URL, "0" * 32, False),
        (known(came=MD5), OTHER, MD5.upper(), True),
        (known(md5="no digest"), URL, MD5, True),
        (known(url="", came=MD5), "", "", True),
    ],
)
def test_digests_decide_and_else_the_url_without_its_query(
    here: FilePackage, url: str, md5: str, same: bool
) -> None:
    assert has_same_content(here, PushOrder(file_package_id=NUMBER, url=url, md5=md5)) is same


@pytest.mark.parametrize(("named", "same"), [("", True), ("/a", True), ("/b", False)])
def test_only_a_licence_that_is_named_can_be_another(named: str, same: bool) -> None:
    order = PushOrder(file_package_id=NUMBER, license_file=named)
    assert has_same_licence(known(licence="/a"), order) is same
