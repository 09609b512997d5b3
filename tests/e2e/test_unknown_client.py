"""A device without an OAuth2 client: its platform knows it by its login alone."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from cad.domain.views import LinkState
from cad.sim.bench import until
from cad.sim.platform.registry import Machine
from cad.sim.platform.server import PlatformOptions, ReferencePlatform
from tests.e2e.box import CODE, DEADLINE, Box, device_at
from tests.e2e.receiver import RawReceiver

WITHOUT_CLIENT = {"platform": {"client_id": "", "client_secret": ""}}


@pytest.fixture
async def box(tmp_path: Path) -> AsyncIterator[Box]:
    platform = ReferencePlatform(PlatformOptions(folder=tmp_path / "platform"))
    platform.receiver = RawReceiver()
    async with platform, device_at(platform, tmp_path, WITHOUT_CLIENT) as box:
        yield box


async def registered_anew(box: Box, former: str) -> Machine:
    """Wait until the platform knows the device by another password than `former`."""

    async def entry() -> Machine | None:
        known = box.platform.registry.machines.get(CODE)
        return known if known and known.login.password != former else None

    return await until(entry, DEADLINE, "the device did not register with its new password")


@pytest.mark.row("SEC-06")
async def test_a_password_renewed_just_before_a_power_cut_locks_nobody_out(box: Box) -> None:
    former = (await box.bench.registered()).login.password
    await box.platform.go_away()
    await box.device.ctl("access", "rotate", "admin")
    await box.unplug()
    await box.platform.come_back()
    assert box.platform.registry.machines[CODE].login.password == former
    await box.device.start()
    await registered_anew(box, former)
    assert (await box.answering()).link.state in {LinkState.REGISTERING, LinkState.ONLINE}
    async with box.bench.calling() as client:
        assert (await client.status()).is_online
