"""The printed requests of H.2 to H.4 against the reference platform."""

import aiohttp
import pytest

from cad.sim.platform.server import ReferencePlatform
from tests.spec import example


@pytest.mark.row("COM-15", part="Annexes A to F, which this version does not serve")
async def test_the_printed_life_of_a_machine_is_answered_as_printed(
    platform: ReferencePlatform, http: aiohttp.ClientSession
) -> None:
    leaving = example("H.3-unregister-machine.request")
    known = example("H.2-register-machine.request")
    for slug, body in (
        ("register", known),
        ("keepalive", example("H.4-keepalive-machine.request")),
        ("register", known | {"code": leaving["deviceCode"]}),
        ("unregister", leaving),
    ):
        async with http.post(f"/CAD/machine/{slug}", json=body) as response:
            answer = await response.json()
        printed = example("H.2-register-machine.response")
        assert {name: answer[name] for name in printed} == printed
    assert list(platform.registry.machines) == ["machine_code"]
