"""The API's own description."""

from typing import Any

import jsonschema_rs
import pytest

from cad.control.api.app import PUBLIC_ROUTES, public_surface
from cad.control.api.openapi import describe, result_codes
from tests.control.api.conftest import DEVICE, Caller
from tests.spec import example
from tests.spec.catalogue import PRINTED
from tests.spec.orders import order

DOCUMENT = describe(public_surface(DEVICE))


def schema(name: str) -> Any:
    return {"$ref": f"#/components/schemas/{name}", "components": DOCUMENT["components"]}


async def test_it_is_served_to_those_who_may_call(call: Caller, call_local: Caller) -> None:
    assert (await call("GET", "/openapi.json")).json == DOCUMENT
    assert (await call("GET", "/openapi.json", headers={"Authorization": ""})).status == 401
    assert (await call_local("GET", "/local/v1/openapi")).data == DOCUMENT


async def test_the_socket_describes_itself_too(call_local: Caller) -> None:
    document = (await call_local("GET", "/local/v1/openapi?surface=local")).data
    assert "/local/v1/status" in document["paths"]
    assert document["security"] == []
    assert (await call_local("GET", "/local/v1/openapi?surface=x")).code == 40002


def test_every_route_is_in_it_once() -> None:
    found = [(method.upper(), path) for path, ways in DOCUMENT["paths"].items() for method in ways]
    assert sorted(found) == sorted((route.method, route.path) for route in PUBLIC_ROUTES)
    operations = [operation for ways in DOCUMENT["paths"].values() for operation in ways.values()]
    assert len({operation["operationId"] for operation in operations}) == len(operations)
    assert all(operation["summary"] for operation in operations)


def test_every_clause_of_the_standard_is_in_it() -> None:
    clauses = {o.get("x-clause") for ways in DOCUMENT["paths"].values() for o in ways.values()}
    assert {printed.call.partition("-")[0] for printed in PRINTED} <= clauses


@pytest.mark.parametrize(
    ("name", "request_example"),
    [
        ("AlgoFilePackageRequest", example("I.2-push-algo-file-package.request")),
        ("AlgoPackageInstallRequest", example("I.4-install-algo-package.request")),
        ("AlgoTaskCreateRequest", example("G.2-create-task.request")),
        ("AlgoTaskCreateRequest", order()),
        ("AlgoTaskSearchRequest", example("G.6-search-tasks.request")),
    ],
)
def test_the_examples_fit_its_schemas(name: str, request_example: Any) -> None:
    jsonschema_rs.Draft202012Validator(schema(name)).validate(request_example)


def test_a_member_may_be_missing_only_under_all_its_names() -> None:
    validator = jsonschema_rs.Draft202012Validator(schema("AlgoTaskCreateRequest"))
    body = order()
    body["algoPackageCode"] = body.pop("algoServiceId")
    validator.validate(body)
    del body["algoPackageCode"]
    assert not validator.is_valid(body)


def test_members_are_described() -> None:
    member = DOCUMENT["components"]["schemas"]["DeviceInfo"]["properties"]["cpuUtilization"]
    assert member["description"] == '0..1; "0.11" means 11 %.'


@pytest.mark.row("COM-11")
def test_every_code_family_is_published() -> None:
    codes = result_codes()
    assert {"40001", "40002", "40003", "40401", "40901", "50000", "50701"} <= set(codes)
    assert all(codes.values())
