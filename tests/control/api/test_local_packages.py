"""Orders about packages over the local socket."""

import pytest

from cad.domain.ids import ServiceId
from tests.control.api.conftest import Caller, Fakes

CODE = ServiceId("OPEN-PERSON_DETECT-1.0.0")
FILES, PACKAGES = "/local/v1/filePackages", "/local/v1/packages"


async def test_an_archive_of_the_device_is_taken(call_local: Caller, fakes: Fakes) -> None:
    answer = await call_local("POST", FILES, {"path": "/media/stick/person.tar.gz"})
    number = answer.data["algoFilePackageId"]
    assert [order.url for order in fakes.packages.orders] == ["file:///media/stick/person.tar.gz"]
    assert (await call_local("DELETE", f"{FILES}/{number}")).code == 0
    assert fakes.packages.pushed == {}


@pytest.mark.parametrize("path", ["person.tar.gz", "", "/a\0b"])
async def test_a_path_that_is_not_absolute_is_refused(call_local: Caller, path: str) -> None:
    answer = await call_local("POST", FILES, {"path": path})
    assert (answer.code, "path: expected" in answer.text) == (40002, True)


async def test_files_of_the_device_are_read_for_the_socket_only(call: Caller) -> None:
    assert (await call("POST", FILES, {"path": "/etc/passwd"})).status == 404


async def test_a_package_is_installed_stopped_started_and_uninstalled(
    call_local: Caller, fakes: Fakes
) -> None:
    await call_local("POST", PACKAGES, {"algoPackageCode": CODE, "args": "keep=person"})
    assert fakes.packages.installed[CODE].args == "keep=person"
    for verb in ("stop", "start"):
        assert (await call_local("POST", f"{PACKAGES}/{CODE}:{verb}")).code == 0
    assert (await call_local("DELETE", f"{PACKAGES}/{CODE}", {"force": True})).code == 0
    assert fakes.packages.installed == {}
