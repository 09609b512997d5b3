"""The link against the reference platform over TLS."""

import asyncio
import logging
from pathlib import Path

import pytest

from cad.base.clock import SystemClock
from cad.config.settings import PlatformSettings
from cad.control.platform import client
from cad.control.platform.http import Answer
from cad.control.platform.link import NoPlatform
from cad.control.platform.machine import Event
from cad.domain.access import Login, ToldLogins
from cad.domain.views import LinkState
from cad.sim.platform.registry import Machine, MachineState
from cad.sim.platform.server import PlatformOptions, ReferencePlatform
from cad.wire.annex_h_machine import KEEPALIVE, REGISTER, SM2_KEY, UNREGISTER
from cad.wire.envelope import Envelope
from tests.control.platform.conftest import CODE, PASSWORD, OneBoot, open_link
from tests.waiting import until


def machine(platform: ReferencePlatform) -> Machine:
    return platform.registry.machines[CODE]


async def registered(platform: ReferencePlatform, times: int = 1) -> Machine:
    await until(
        lambda: CODE in platform.registry.machines and machine(platform).registrations >= times
    )
    return machine(platform)


@pytest.mark.row("CAD-01")
async def test_the_platform_learns_address_and_password(
    platform: ReferencePlatform, settings: PlatformSettings
) -> None:
    async with open_link(settings):
        known = await registered(platform)
    assert (known.ip, known.port) == ("127.0.0.1", 8123)
    assert (known.login.username, known.login.password) == ("admin", PASSWORD)
    assert known.password_encrypted


@pytest.mark.row("CAD-05")
async def test_keepalives_keep_the_lease(
    platform: ReferencePlatform, settings: PlatformSettings
) -> None:
    async with open_link(settings) as link:
        await registered(platform)
        await until(lambda: machine(platform).keepalives >= 4)
        view = link.view()
        assert machine(platform).state is MachineState.ONLINE
    assert (view.state, view.registrations, view.last_error) == (LinkState.ONLINE, 1, "")
    assert view.last_keepalive is not None


@pytest.mark.row("CAD-04")
async def test_an_orderly_stop_unregisters(
    platform: ReferencePlatform, settings: PlatformSettings
) -> None:
    async with open_link(settings) as link:
        await registered(platform)
        await until(lambda: link.view().state is LinkState.ONLINE)
    assert platform.registry.machines == {}
    assert link.view().state is LinkState.OFFLINE


@pytest.mark.row("CAD-07")
async def test_a_forgotten_device_registers_again(
    platform: ReferencePlatform, settings: PlatformSettings
) -> None:
    async with open_link(settings) as link:
        await registered(platform)
        platform.forget(CODE)
        await until(lambda: link.view().registrations == 2)
        await registered(platform)
    assert Event.UNKNOWN in [step.event for step in link.transitions()]


@pytest.mark.row("SEC-06")
async def test_new_credentials_are_told_at_once(
    platform: ReferencePlatform, settings: PlatformSettings
) -> None:
    passwords = ["old"]
    async with open_link(settings, passwords=passwords, expires=600.0) as link:
        await registered(platform)
        passwords[0] = "new"
        link.tell_credentials()
        await until(lambda: link.view().registrations == 2)
        assert machine(platform).login.password == "new"


async def power_cut(
    platform: ReferencePlatform, settings: PlatformSettings, password: str, store: OneBoot
) -> None:
    """Register under `password`, and go without a word to the platform."""
    async with open_link(settings, passwords=[password], store=store) as link:
        await until(lambda: link.view().state is LinkState.ONLINE)
        platform.faults.fail_next(UNREGISTER, 503)
    assert machine(platform).login.password == password


@pytest.mark.row("SEC-06")
async def test_a_password_that_changed_while_the_device_was_off_is_taken(
    platform: ReferencePlatform, settings: PlatformSettings
) -> None:
    store = OneBoot()
    await power_cut(platform, settings, "old", store)
    async with open_link(settings, passwords=["new"], store=store) as link:
        await until(lambda: link.view().state is LinkState.ONLINE)
        assert machine(platform).login.password == "new"


async def test_a_power_cut_between_unregistering_and_registering_anew_does_no_harm(
    platform: ReferencePlatform, settings: PlatformSettings
) -> None:
    store = OneBoot()
    await power_cut(platform, settings, "old", store)
    platform.forget(CODE)
    async with open_link(settings, passwords=["new"], store=store):
        assert (await registered(platform)).login.password == "new"


@pytest.mark.parametrize("lost", [1, 3])
async def test_the_former_registration_is_undone_even_if_the_platform_first_refuses_to(
    platform: ReferencePlatform, settings: PlatformSettings, lost: int
) -> None:
    store = OneBoot()
    await power_cut(platform, settings, "old", store)
    platform.faults.fail_next(UNREGISTER, 503, times=lost)
    async with open_link(settings, passwords=["new"], store=store) as link:
        await until(lambda: link.view().state is LinkState.ONLINE)
        assert machine(platform).login.password == "new"


async def test_a_password_whose_registration_was_never_answered_is_known_after_the_next_change(
    platform: ReferencePlatform, settings: PlatformSettings
) -> None:
    store = OneBoot()
    await power_cut(platform, settings, "first", store)
    await power_cut(platform, settings, "second", store)
    unanswered = (Login("admin", "first"), Login("admin", "second"))
    store.told = ToldLogins(platform.url, unanswered)
    async with open_link(settings, passwords=["third"], store=store) as link:
        await until(lambda: link.view().state is LinkState.ONLINE)
        assert machine(platform).login.password == "third"


async def test_credentials_that_change_during_a_registration_are_told_after_it(
    platform: ReferencePlatform, settings: PlatformSettings
) -> None:
    platform.faults.delay_next(REGISTER, 0.3)
    async with open_link(settings, expires=600.0) as link:
        await until(lambda: link.view().state is LinkState.REGISTERING)
        link.tell_credentials()
        await registered(platform, times=2)


async def test_a_platform_that_comes_back_gets_the_device_back(
    platform: ReferencePlatform, settings: PlatformSettings
) -> None:
    async with open_link(settings) as link:
        await registered(platform)
        await platform.go_away()
        await until(lambda: link.view().state is LinkState.OFFLINE)
        assert "no connection" in link.view().last_error
        await platform.come_back()
        await until(lambda: link.view().state is LinkState.ONLINE)
        assert machine(platform).registrations == 2


async def test_a_device_starts_with_the_platform_unreachable(
    platform: ReferencePlatform, settings: PlatformSettings
) -> None:
    await platform.go_away()
    async with open_link(settings) as link:
        await until(lambda: "no connection" in link.view().last_error)
        await platform.come_back()
        await registered(platform)


async def test_a_short_absence_costs_no_registration(
    platform: ReferencePlatform, settings: PlatformSettings
) -> None:
    async with open_link(settings, expires=3.0) as link:
        await registered(platform)
        platform.faults.fail_next(KEEPALIVE, 500, times=2)
        await until(lambda: machine(platform).keepalives == 1)
        assert link.view().registrations == 1


async def test_a_keepalive_that_hangs_is_given_up_before_the_lease_ends(
    platform: ReferencePlatform, settings: PlatformSettings
) -> None:
    platform.faults.delay_next(KEEPALIVE, 8.0)
    async with open_link(settings, timeout=30.0) as link:
        await until(lambda: "no answer to a keepalive" in link.view().last_error)
        await until(lambda: link.view().last_keepalive)
        assert link.view().registrations == 1


@pytest.mark.parametrize("status", [400, 401, 403, 429, 500, 503])
async def test_a_refusing_platform_is_asked_until_it_agrees(
    platform: ReferencePlatform, settings: PlatformSettings, status: int
) -> None:
    platform.faults.fail_next(REGISTER, status, times=4)
    async with open_link(settings) as link:
        await until(lambda: str(status) in link.view().last_error)
        await registered(platform)
        await until(lambda: not link.view().last_error)


async def test_a_bug_in_the_link_is_logged_and_the_next_try_works(
    platform: ReferencePlatform,
    settings: PlatformSettings,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    bugs = [KeyError("a bug")]
    understand = client._understand

    def stumble(answer: Answer) -> Envelope:
        if bugs:
            raise bugs.pop()
        return understand(answer)

    monkeypatch.setattr(client, "_understand", stumble)
    async with open_link(settings):
        await registered(platform)
    assert "internal error: KeyError" in caplog.text


@pytest.mark.parametrize(
    "body", [b"<html>portal</html>", b"\xff\x00garbage", b"x" * 100_000, b'{"code": "nonsense"']
)
async def test_an_answer_that_is_none_is_not_taken_for_success(
    platform: ReferencePlatform, settings: PlatformSettings, body: bytes
) -> None:
    platform.faults.fail_next(REGISTER, 200, times=3, body=body)
    async with open_link(settings) as link:
        await until(lambda: REGISTER in link.view().last_error)
        await registered(platform)


async def test_the_code_in_the_body_counts_and_not_the_status(
    platform: ReferencePlatform, settings: PlatformSettings
) -> None:
    body = b'{"code": "50001", "message": "no\\ncapacity"}'
    platform.faults.fail_next(REGISTER, 200, times=2, body=body)
    async with open_link(settings) as link:
        await until(lambda: "no capacity" in link.view().last_error)
        assert "50001" in link.view().last_error


async def test_a_slow_platform_is_named(
    platform: ReferencePlatform, settings: PlatformSettings
) -> None:
    platform.faults.delay_next(REGISTER, 5.0)
    async with open_link(settings, timeout=0.2) as link:
        await until(lambda: "no answer to POST /CAD/machine/register" in link.view().last_error)
        await registered(platform)


@pytest.mark.row("SEC-02")
async def test_a_certificate_nobody_vouches_for_is_named(
    platform: ReferencePlatform, settings: PlatformSettings
) -> None:
    async with open_link(settings.model_copy(update={"ca_file": ""})) as link:
        await until(lambda: "certificate" in link.view().last_error)
    assert "platform.ca_file" in link.view().last_error
    assert platform.registry.machines == {}


async def test_a_certificate_for_another_name_is_named(tmp_path: Path) -> None:
    options = PlatformOptions(folder=tmp_path, names=("platform.example",))
    async with ReferencePlatform(options) as platform:
        settings = PlatformSettings(url=platform.url, ca_file=str(platform.ca_file))
        async with open_link(settings) as link:
            await until(lambda: "127.0.0.1" in link.view().last_error)


@pytest.mark.row("CAD-02")
async def test_a_second_device_with_the_same_code_is_refused_and_keeps_asking(
    platform: ReferencePlatform, settings: PlatformSettings
) -> None:
    async with open_link(settings):
        first = await registered(platform)
        async with open_link(settings, passwords=["another"]) as second:
            await until(lambda: "40901" in second.view().last_error)
            attempts = len(second.transitions())
            await until(lambda: len(second.transitions()) > attempts + 4)
            assert second.view().registrations == 0
        assert machine(platform).login == first.login


async def test_stopping_a_refused_device_leaves_the_other_one_registered(
    platform: ReferencePlatform, settings: PlatformSettings
) -> None:
    async with open_link(settings):
        await registered(platform)
        platform.faults.delay_next(REGISTER, 5.0)
        async with open_link(settings, passwords=["another"]) as second:
            await until(lambda: second.view().state is LinkState.REGISTERING)
        assert second.view().state is LinkState.OFFLINE
        assert CODE in platform.registry.machines


async def test_a_stop_does_not_wait_for_a_platform_that_is_gone(
    platform: ReferencePlatform, settings: PlatformSettings
) -> None:
    async with open_link(settings) as link:
        await until(lambda: link.view().state is LinkState.ONLINE)
        await platform.go_away()
    assert link.view().state is LinkState.OFFLINE


async def test_a_stop_waits_only_so_long(
    platform: ReferencePlatform, settings: PlatformSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("cad.control.platform.link.FAREWELL_DEADLINE", 0.2)
    platform.faults.delay_next(UNREGISTER, 8.0)
    async with open_link(settings, timeout=30.0) as link:
        await until(lambda: link.view().state is LinkState.ONLINE)
    assert "unregistering" in link.view().last_error


@pytest.mark.row("CAD-03")
async def test_the_password_travels_plain_only_where_no_key_is_offered(
    platform: ReferencePlatform, settings: PlatformSettings
) -> None:
    platform.faults.fail_next(SM2_KEY, 404)
    async with open_link(settings):
        known = await registered(platform)
    assert known.login.password == PASSWORD
    assert not known.password_encrypted


async def test_a_failing_key_endpoint_does_not_make_the_password_plain(
    platform: ReferencePlatform, settings: PlatformSettings
) -> None:
    platform.faults.fail_next(SM2_KEY, 500, times=3)
    async with open_link(settings) as link:
        await until(lambda: SM2_KEY in link.view().last_error)
        assert (await registered(platform)).password_encrypted


@pytest.mark.parametrize("data", [b'"00"', b'{"publicKey": ""}', b"[]", b"null"])
async def test_a_key_that_is_none_is_named_and_the_password_kept_back(
    platform: ReferencePlatform, settings: PlatformSettings, data: bytes
) -> None:
    body = b'{"code": "0", "message": "success", "data": ' + data + b"}"
    platform.faults.fail_next(SM2_KEY, 200, times=3, body=body)
    async with open_link(settings) as link:
        await until(lambda: SM2_KEY in link.view().last_error)
        assert (await registered(platform)).password_encrypted


@pytest.mark.row("SEC-10")
async def test_secrets_never_reach_the_log(
    platform: ReferencePlatform, settings: PlatformSettings, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    body = f'{{"code": "40002", "message": "bad password {PASSWORD}"}}'.encode()
    platform.faults.fail_next(SM2_KEY, 404)
    platform.faults.fail_next(REGISTER, 400, body=body)
    async with open_link(settings) as link:
        await until(lambda: "bad password" in link.view().last_error)
        assert PASSWORD not in link.view().last_error
        await until(lambda: link.view().state is LinkState.ONLINE)
    assert PASSWORD not in caplog.text
    assert "registered with the platform" in caplog.text


async def test_the_same_failure_is_logged_once(
    platform: ReferencePlatform, settings: PlatformSettings, caplog: pytest.LogCaptureFixture
) -> None:
    await platform.go_away()
    async with open_link(settings) as link:
        await until(lambda: len(link.transitions()) > 12)
    assert caplog.text.count("no connection") == 1


async def test_only_the_last_steps_are_kept(
    platform: ReferencePlatform, settings: PlatformSettings
) -> None:
    await platform.go_away()
    async with open_link(settings) as link:
        await until(lambda: len(link.transitions()) == 50)
        first = link.transitions()[0]
        await until(lambda: link.transitions()[0] is not first)
        assert len(link.transitions()) == 50


async def test_without_a_platform_the_link_is_disabled() -> None:
    async with NoPlatform(SystemClock()) as link:
        assert link.view().state is LinkState.DISABLED


@pytest.mark.row("SEC-08")
async def test_a_new_key_of_the_platform_is_taken_at_the_next_registration(
    platform: ReferencePlatform, settings: PlatformSettings
) -> None:
    assert platform.sm2_keys is not None
    async with open_link(settings):
        await registered(platform)
        await asyncio.to_thread(platform.sm2_keys.renew)
        platform.forget(CODE)
        await registered(platform)
        assert machine(platform).login.password == PASSWORD


async def test_unregistering_with_a_password_sealed_for_the_key_before_is_understood(
    platform: ReferencePlatform, settings: PlatformSettings
) -> None:
    assert platform.sm2_keys is not None
    async with open_link(settings):
        await registered(platform)
        await asyncio.to_thread(platform.sm2_keys.renew)
    assert CODE not in platform.registry.machines
