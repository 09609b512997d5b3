"""The route table alone: spellings, verbs, encoded ids."""

import contextlib

import pytest
from aiohttp import web
from hypothesis import given
from hypothesis import strategies as st
from yarl import URL

from cad.base.errors import BadValueError, NotFoundError
from cad.control.api.app import PUBLIC_ROUTES
from cad.control.api.routing import MethodNotAllowedError, Route, RouteTable
from cad.wire.envelope import ANNEX_G


async def nothing(request: web.Request) -> web.Response:
    return web.Response()


TABLE = RouteTable(
    Route(method, path, nothing, ANNEX_G)
    for method, path in [
        ("GET", "/CAP/AlgoTasks/{id}"),
        ("POST", "/CAP/AlgoTasks"),
        ("POST", "/CAP/AlgoTasks:search"),
        ("POST", "/CAP/AlgoTasks/{id}:pause"),
    ]
)


@pytest.mark.parametrize(
    ("method", "raw", "path", "variables"),
    [
        ("POST", "/CAP/AlgoTasks", "/CAP/AlgoTasks", {}),
        ("POST", "/cap/algotasks/", "/CAP/AlgoTasks", {}),
        ("POST", "/CAP/AlgoTasks:search", "/CAP/AlgoTasks:search", {}),
        ("POST", "/CAP/AlgoTasks%3Asearch", "/CAP/AlgoTasks:search", {}),
        ("POST", "/CAP/AlgoTasks%3aSEARCH", "/CAP/AlgoTasks:search", {}),
        ("POST", "/CAP/AlgoTasks/a:b:pause", "/CAP/AlgoTasks/{id}:pause", {"id": "a:b"}),
        ("GET", "/CAP/AlgoTasks/a%2Fb%3A1", "/CAP/AlgoTasks/{id}", {"id": "a/b:1"}),
        ("GET", "/CAP/AlgoTasks/a:unknown", "/CAP/AlgoTasks/{id}", {"id": "a:unknown"}),
        ("GET", "/%43AP/AlgoTasks/%E4%BB%BB", "/CAP/AlgoTasks/{id}", {"id": "任"}),
    ],
)
@pytest.mark.row("COM-05")
@pytest.mark.row("COM-06")
def test_a_path_finds_its_route(
    method: str, raw: str, path: str, variables: dict[str, str]
) -> None:
    match = TABLE.find(method, raw)
    assert (match.route.path, match.variables) == (path, variables)


@pytest.mark.parametrize(
    "raw", ["/", "", "//", "/CAP", "/CAP/AlgoTasks/a/b", "/CAP/AlgoTasks/:pause"]
)
def test_any_other_path_is_not_served(raw: str) -> None:
    with pytest.raises(NotFoundError):
        TABLE.find("POST", raw)


def test_another_method_is_told_which_ones_there_are() -> None:
    with pytest.raises(MethodNotAllowedError) as refusal:
        TABLE.find("PUT", "/CAP/AlgoTasks")
    assert refusal.value.allowed == "POST"


def test_broken_encoding_is_refused() -> None:
    with pytest.raises(BadValueError):
        TABLE.find("GET", "/CAP/AlgoTasks/%FF")


@given(st.text(min_size=1).filter(lambda text: text.strip("/") and text != "."))
def test_any_id_survives_its_encoding(task_id: str) -> None:
    raw = URL.build(path="/CAP/AlgoTasks").raw_path + "/" + _encoded(task_id)
    assert TABLE.find("GET", raw).variables == {"id": task_id}


def _encoded(text: str) -> str:
    return "".join(f"%{byte:02X}" for byte in text.encode())


@given(st.text(), st.sampled_from(["GET", "POST", "DELETE", "PATCH"]))
def test_no_path_makes_it_fail(raw: str, method: str) -> None:
    with contextlib.suppress(NotFoundError, MethodNotAllowedError, BadValueError):
        RouteTable(PUBLIC_ROUTES).find(method, raw)
