"""`cadctl access` and `cadctl audit`."""

import json

import pytest

from tests.ctl.conftest import Daemon, Technician

ACCOUNTS = "/local/v1/access/accounts"
ENTRY = {
    "time": "2026-11-22 12:00:00.000", "who": "admin", "means": "bearer", "source": "10.0.0.1",
    "method": "POST", "path": "/CAD/machine/algoPackages", "status": 200, "code": 0,
    "requestId": "r-1", "subject": "algoPackageCode=OPEN-PERSON_DETECT-1.0.0", "repeated": 0,
}  # fmt: skip


def test_accounts_are_listed(daemon: Daemon, technician: Technician) -> None:
    daemon.answers[f"GET {ACCOUNTS}"] = [
        {
            "name": "north",
            "kind": "client",
            "scopes": ["cad", "cap"],
            "created": "2026-11-22 12:00:00.000",
            "oldSecrets": 1,
        }
    ]
    output = technician.types("access", "list").output
    assert all(word in output for word in ("north", "client", "cad cap", "2026-11-22"))


def test_a_client_is_made_and_its_secret_shown(daemon: Daemon, technician: Technician) -> None:
    daemon.answers[f"POST {ACCOUNTS}"] = {"name": "n", "secret": "S", "oldValidSeconds": 0}
    output = technician.types("access", "add", "n", "--scope", "cap", "--scope", "cad").output
    assert output.split() == ["name", "n", "secret", "S"]
    assert daemon.asked == [("POST", ACCOUNTS, {"name": "n", "scopes": ["cap", "cad"]})]


@pytest.mark.parametrize(
    ("words", "asked"),
    [
        ("access remove a/b", ("DELETE", f"{ACCOUNTS}/a%2Fb")),
        ("access rotate n --json", ("POST", f"{ACCOUNTS}/n:rotate")),
        ("access rotate-keys --json", ("POST", "/local/v1/access/keys:rotate")),
        ("audit", ("GET", "/local/v1/audit?limit=1000")),
        ("audit --since 2h --limit 5", ("GET", "/local/v1/audit?limit=5&since=2h")),
    ],
)
def test_what_is_asked_of_the_daemon(
    daemon: Daemon, technician: Technician, words: str, asked: tuple[str, str]
) -> None:
    assert technician.types(*words.split()).exit_code == 0
    assert [(method, path) for method, path, _ in daemon.asked] == [asked]


def test_a_renewed_secret_says_how_long_the_old_one_lives(
    daemon: Daemon, technician: Technician
) -> None:
    answer = {"name": "n", "secret": "S", "oldValidSeconds": 86400}
    daemon.answers[f"POST {ACCOUNTS}/n:rotate"] = answer
    assert "1 d 0 h" in technician.types("access", "rotate", "n").output


def test_calls_are_listed(daemon: Daemon, technician: Technician) -> None:
    failed = ENTRY | {"who": "unknown", "code": 40101, "status": 401, "repeated": 7}
    daemon.answers["GET /local/v1/audit"] = [ENTRY, failed]
    lines = technician.types("audit").output.splitlines()
    assert any("admin" in line and "PERSON_DETECT-1.0.0" in line for line in lines)
    assert any("admin" in line and "done" in line for line in lines)
    assert any("unknown" in line and "40101 (and 7 more)" in line for line in lines)
    assert json.loads(technician.types("audit", "--json").output) == [ENTRY, failed]


def test_an_empty_log_is_said_so(daemon: Daemon, technician: Technician) -> None:
    daemon.answers["GET /local/v1/audit"] = []
    assert "no management calls" in technician.types("audit").output
    assert json.loads(technician.types("audit", "--json").output) == []
