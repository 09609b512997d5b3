"""The authority of a folder, over the restarts of a platform."""

import asyncio
import ssl
from datetime import UTC, datetime, timedelta
from pathlib import Path

import aiohttp
import pytest

from cad.base.errors import BadValueError
from cad.sim.platform.ca import CA_LIFETIME, CertificateAuthority
from cad.sim.platform.server import PlatformOptions, ReferencePlatform
from cad.wire.annex_h_machine import SM2_KEY

NOW = datetime(2026, 11, 22, tzinfo=UTC)


async def test_whoever_trusts_a_platform_trusts_it_after_its_restart(tmp_path: Path) -> None:
    async with ReferencePlatform(PlatformOptions(folder=tmp_path)) as platform:
        context = await asyncio.to_thread(ssl.create_default_context, cafile=platform.ca_file)
    async with (
        ReferencePlatform(PlatformOptions(folder=tmp_path)) as platform,
        aiohttp.ClientSession() as session,
        session.get(platform.url + SM2_KEY, ssl=context) as response,
    ):
        assert response.status == 200


def test_keys_are_for_nobody_else_to_read(tmp_path: Path) -> None:
    (tmp_path / "ca.key").write_text("left behind")
    identity = CertificateAuthority(tmp_path, NOW).issue("server", ["localhost"])
    for key in (tmp_path / "ca.key", identity.key):
        assert key.stat().st_mode & 0o777 == 0o600


def test_an_authority_that_is_over_is_made_anew(tmp_path: Path) -> None:
    first = CertificateAuthority(tmp_path, NOW).file.read_bytes()
    kept = CertificateAuthority(tmp_path, NOW + CA_LIFETIME - timedelta(days=1))
    assert kept.file.read_bytes() == first
    assert CertificateAuthority(tmp_path, NOW + CA_LIFETIME).file.read_bytes() != first


@pytest.mark.parametrize("name", ["ca.pem", "ca.key"])
def test_files_that_are_none_are_named(tmp_path: Path, name: str) -> None:
    CertificateAuthority(tmp_path, NOW)
    (tmp_path / name).write_text("garbage")
    with pytest.raises(BadValueError, match=name):
        CertificateAuthority(tmp_path, NOW)


def test_a_key_of_another_certificate_is_named(tmp_path: Path) -> None:
    for folder in ("one", "two"):
        CertificateAuthority(tmp_path / folder, NOW)
    (tmp_path / "two" / "ca.key").replace(tmp_path / "one" / "ca.key")
    with pytest.raises(BadValueError, match=r"ca\.key"):
        CertificateAuthority(tmp_path / "one", NOW)
