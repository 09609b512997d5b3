"""Two devices with one code."""

from pathlib import Path

import pytest

from cad.sim.bench import until
from tests.e2e.box import CODE, device_at, platform_in

pytestmark = pytest.mark.asyncio(loop_scope="module")

OTHER = "other-device"


@pytest.mark.row("CAD-02", part="a repeated registration that updates is another test's")
async def test_the_second_device_of_a_code_is_refused_and_says_so(tmp_path: Path) -> None:
    second = tmp_path / "second"
    second.mkdir()
    stranger = {"platform": {"client_id": OTHER}}
    async with platform_in(tmp_path, CODE, OTHER) as platform, device_at(platform, tmp_path) as box:
        machine = await box.bench.registered()
        async with device_at(platform, second, stranger) as intruder:
            await intruder.answering()

            async def refused() -> str | None:
                return (await intruder.status()).link.last_error

            reason = await until(refused, 20.0, "the second device was not refused")
            shown = await intruder.device.ctl("status")
        known = platform.registry.machines[CODE]
    assert "another device is registered under this code" in reason
    assert isinstance(shown, dict)
    assert "another device" in shown["link"]["lastError"]
    assert (known.port, known.registrations) == (machine.port, 1)
