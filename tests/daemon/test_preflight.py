"""Keys and files that the configuration names and that cannot be used."""

from pathlib import Path

import pytest

from cad.config.load import validate
from cad.daemon.preflight import unusable
from tests.daemon.test_main import cadd

SECTIONS = {
    "platform.sm2_public_key": {"sm2_public_key": "0102"},
    "platform.ca_file": {"ca_file": "/absent"},
    "platform.client_cert": {"client_cert": "/absent", "client_key": "/absent"},
    "api.tls_cert": {"tls_cert": "/absent", "tls_key": "/absent"},
    "api.client_ca": {"client_ca": "/absent"},
    "api.password_file": {"password_file": "/absent"},
    "kafka.password_file": {
        "security": "SASL_PLAINTEXT",
        "username": "u",
        "password_file": "/absent",
    },
    "kafka.ca_file": {"security": "SSL", "ca_file": "/absent"},
    "objects.secret_key_file": {
        "endpoint": "http://s3:9000",
        "access_key": "a",
        "secret_key_file": "/absent",
    },
}


@pytest.mark.parametrize("key", SECTIONS)
def test_what_cannot_be_used_is_named(key: str) -> None:
    settings = validate({key.partition(".")[0]: SECTIONS[key]})
    (problem,) = unusable(settings)
    assert key in problem


def test_nothing_is_wrong_with_the_built_in_settings() -> None:
    assert unusable(validate({})) == []


@pytest.mark.parametrize("words", [(), ("--check-config",)])
async def test_an_unusable_key_ends_with_78_and_its_name(
    tmp_path: Path, words: tuple[str, ...]
) -> None:
    code, said = await cadd(tmp_path, *words, settings='[platform]\nsm2_public_key = "0102"')
    assert code == 78
    assert "platform.sm2_public_key" in said
