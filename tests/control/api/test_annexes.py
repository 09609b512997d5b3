"""Which annex a path belongs to, and how what is not served is refused."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cad.control.api.annexes import annex_of
from cad.control.api.app import PUBLIC_ROUTES
from cad.wire.envelope import ANNEX_G, ANNEX_H, ANNEX_I, LOCAL
from cad.wire.oauth import OAUTH
from tests.control.api.conftest import Caller
from tests.spec.unserved import OF_ANNEXES, OF_OTHERS, Unserved

TEXT_CODES, NUMBER_CODES = "ABC", "DEF"
"""The annexes that print `code` so (AM-01)."""


@pytest.mark.parametrize("printed", OF_ANNEXES, ids=" ".join)
async def test_a_call_of_an_annex_that_is_not_served_is_refused_by_name(
    call: Caller, printed: Unserved
) -> None:
    letter = printed.clause[0]
    answer = await call(printed.method, printed.path)
    assert (answer.status, answer.code) == (404, 40401)
    assert type(answer.json["code"]) is (str if letter in TEXT_CODES else int)
    assert answer.json["message"].startswith(f"path: Annex {letter} (")
    assert "is not served by this version" in answer.json["message"]
    assert ("msg" in answer.json) == (letter in "EF")


@pytest.mark.parametrize("printed", OF_OTHERS, ids=" ".join)
async def test_a_call_of_another_interface_is_refused_by_its_name(
    call: Caller, printed: Unserved
) -> None:
    answer = await call(printed.method, printed.path)
    assert (answer.status, answer.code) == (404, 40401)
    assert printed.clause in answer.json["message"]


async def test_a_stranger_does_not_learn_what_is_served(call: Caller) -> None:
    answer = await call("POST", "/CAP/AlgoServices", headers={"Authorization": ""})
    assert (answer.status, answer.json["code"]) == (401, 40101)
    assert "Annex" not in answer.text


async def test_what_belongs_to_no_annex_is_not_served(call: Caller) -> None:
    answer = await call("GET", "/CAP/AlgoServicesX")
    assert (answer.status, answer.json["code"]) == (404, 40401)
    assert answer.json["msg"].startswith("path: nothing is served here")


@pytest.mark.parametrize(
    ("raw", "style"),
    [
        ("/CAP/algotasks/x", ANNEX_G),
        ("/CAP/%41lgoTasks%3Asearch", ANNEX_G),
        ("/cad/machine/algoTasks", ANNEX_G),
        ("/CAD/machine/status/x", ANNEX_H),
        ("/CAD/machine/algoPackages", ANNEX_I),
        ("/local/v1/x", LOCAL),
        ("/oauth2/token", OAUTH),
        ("/", ANNEX_I),
    ],
)
def test_every_path_has_the_envelope_of_its_annex(raw: str, style: object) -> None:
    assert annex_of(raw).style is style


@given(st.text())
def test_any_path_has_an_annex(raw: str) -> None:
    assert annex_of(raw).style is not None


def test_nothing_that_is_served_is_said_not_to_be() -> None:
    assert [route.path for route in PUBLIC_ROUTES if annex_of(route.path).unserved] == []
