import re
import tomllib
from pathlib import Path

import pytest

from cad.config.load import ConfigError, load
from cad.config.settings import Settings

SHIPPED = Path(__file__).parents[2] / "config" / "cad.toml"


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("CAD_MACHINE__DATA_DIR", str(tmp_path / "data"))
    (tmp_path / "data").mkdir()


def written(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "cad.toml"
    path.write_text(text)
    return path


def problems(path: Path) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        load(path)
    return caught.value.problems


def test_shipped_file_documents_every_key_with_its_default() -> None:
    text = re.sub(r"^#([a-z0-9_]+ = )", r"\1", SHIPPED.read_text(), flags=re.MULTILINE)
    table = tomllib.loads(text)

    assert Settings.model_validate(table) == Settings()
    for name, field in Settings.model_fields.items():
        assert set(table[name]) == set(type(field.default).model_fields)


def test_shipped_file_loads_as_it_is() -> None:
    assert load(SHIPPED).api == Settings().api


def test_later_layers_win(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = written(tmp_path, "[api]\nport = 1\nusername = 'file'\n[ingest]\ngive_up = 5\n")
    (tmp_path / "data" / "overrides.toml").write_text("[api]\nport = 2\nusername = 'override'\n")
    monkeypatch.setenv("CAD_API__PORT", "3")

    settings = load(path)

    assert (settings.api.port, settings.api.username, settings.ingest.give_up) == (3, "override", 5)


def test_lists_in_variables_are_json(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CAD_PLATFORM__DOWNLOAD_HOSTS", '["a", "b"]')

    assert load(written(tmp_path, "")).platform.download_hosts == ("a", "b")


def test_every_problem_is_named_with_key_and_value(tmp_path: Path) -> None:
    found = problems(
        written(tmp_path, "[api]\nport = 99999\nnonsense = 1\n[machine]\ncode = 'a b'")
    )

    assert len(found) == 3
    assert any(p.startswith("api.port: ") and "99999" in p for p in found)
    assert "api.nonsense: no such key" in found


def test_a_wrong_password_value_is_not_printed(tmp_path: Path) -> None:
    assert "4711" not in str(problems(written(tmp_path, "[api]\npassword = 4711")))


@pytest.mark.parametrize("section", ["gb28181", "containers"])
def test_sections_of_later_versions_are_refused_by_name(tmp_path: Path, section: str) -> None:
    assert f"[{section}]" in problems(written(tmp_path, f"[{section}]\nx = 1"))[0]


def test_a_later_section_that_is_switched_off_asks_for_nothing(tmp_path: Path) -> None:
    assert load(written(tmp_path, "[gb28181]\nenabled = false")).api == Settings().api


def test_a_variable_of_an_unknown_section_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CAD_APY__PORT", "1")

    assert "CAD_APY__" in problems(written(tmp_path, ""))[0]


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("[api", "is not TOML"),
        ("[api]\ntls_cert = 'x'", "api.tls_key"),
        ("[api]\nclient_ca = 'ca.pem'\nallow_http = true", "api.client_ca"),
        ("[platform]\nclient_id = 'x'", "platform.client_secret"),
        ("[platform]\nurl = 'http://p:1'", "https"),
        ("[platform]\nurl = 'p:1'", "platform.url"),
        ("[platform]\ncontent_path = '/x'", "{algoFilePackageId}"),
        ("[machine]\ntime_zone = 'Mars/Olympus'", "Asia/Shanghai"),
    ],
)
def test_contradictions_are_named(tmp_path: Path, text: str, named: str) -> None:
    assert any(named in problem for problem in problems(written(tmp_path, text)))


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    assert "cannot be read" in problems(tmp_path / "absent.toml")[0]


def test_overrides_cannot_move_the_data_directory(tmp_path: Path) -> None:
    (tmp_path / "data" / "overrides.toml").write_text("[machine]\ndata_dir = '/elsewhere'\n")

    assert "machine.data_dir" in problems(written(tmp_path, ""))[0]


@pytest.mark.parametrize(
    "text",
    [
        "[kafka]\nsecurity = 'SASL_SSL'",
        "[kafka]\nusername = 'u'\npassword_file = '/p'",
        "[kafka]\nca_file = '/ca.pem'",
        "[kafka]\nsecurity = 'SSL'\nclient_key = '/k.pem'",
        "[kafka]\nsecurity = 'ssl'",
        "[objects]\nendpoint = 'https://s3'",
        "[objects]\nendpoint = 'https://user:pw@s3'\naccess_key='a'\nsecret_key_file='/s'",
        "[objects]\nca_file = '/ca.pem'",
    ],
)
def test_destinations_that_cannot_be_reached_so_are_one_problem(tmp_path: Path, text: str) -> None:
    assert len(problems(written(tmp_path, text))) == 1


def test_destinations_are_configured(tmp_path: Path) -> None:
    text = "[kafka]\nsecurity = 'SASL_SSL'\nusername = 'u'\npassword_file = '/p'\n"
    text += "[objects]\nendpoint = 'http://s3:9000'\naccess_key = 'a'\nsecret_key_file = '/s'\n"
    settings = load(written(tmp_path, text))
    assert (settings.kafka.uses_tls, settings.kafka.uses_sasl) == (True, True)
    assert settings.objects.region == "us-east-1"
