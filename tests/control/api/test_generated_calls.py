"""Calls generated from the API's own document, over TLS: no server error, nothing undocumented."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
import schemathesis
from aiohttp import web
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.core.result import Ok
from schemathesis.specs.openapi import checks

from cad.control.api.app import local_app, local_surface, public_app, public_surface
from cad.control.api.auth import Gate
from cad.control.api.openapi import describe
from cad.domain.ids import FilePackageId, ServiceId
from cad.domain.packages import PushOrder
from cad.wire.local_events import EVENTS_TAIL
from cad.wire.new_task import read_new_task
from tests.control.api.conftest import DEVICE, MAX_BODY, PROOF, Fakes, make_fakes
from tests.control.api.served import ServedApi
from tests.spec.catalogue import CODE
from tests.spec.orders import order

CHECKS = [
    not_a_server_error,
    checks.status_code_conformance,
    checks.content_type_conformance,
    checks.response_headers_conformance,
    checks.response_schema_conformance,
]
KNOWN: dict[str, Any] = {
    "deviceCode": DEVICE.code,
    "algoPackageCode": CODE,
    "algoFilePackageId": 1,
    "id": "task-1",
}
BOUNDED = settings(
    max_examples=12,
    derandomize=True,
    database=None,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)


def operations(document: Any) -> list[Any]:
    """Return every operation that ends by itself."""
    schema = schemathesis.openapi.from_dict(document)
    schema.validate()
    found = [result for result in schema.get_all_operations() if isinstance(result, Ok)]
    return [result.ok() for result in found if result.ok().path != EVENTS_TAIL]


PUBLIC = operations(describe(public_surface(DEVICE)))
LOCAL = operations(describe(local_surface(DEVICE)))


@dataclass
class Subject:
    """An API, and what is behind it."""

    api: ServedApi
    fakes: Fakes

    async def populate(self) -> None:
        """Make what the calls may name: a file package, an algorithm package, a task."""
        await self.fakes.packages.push(PushOrder(file_package_id=FilePackageId(1)))
        await self.fakes.packages.install(ServiceId(CODE), "")
        await self.fakes.tasks.create(read_new_task(order(), DEVICE.zone))


@contextmanager
def serving(make: Callable[[Fakes], web.Application], folder: Path) -> Iterator[Subject]:
    made: list[Fakes] = []

    async def make_app() -> web.Application:
        made.append(await make_fakes())
        return make(made[0])

    with ServedApi(make_app, folder) as api:
        yield Subject(api, made[0])


def public_api(fakes: Fakes) -> web.Application:
    gate = Gate(fakes.access.door, basic=True)
    return public_app(fakes.services(), gate, max_body_bytes=MAX_BODY)


def local_api(fakes: Fakes) -> web.Application:
    return local_app(fakes.services(), max_body_bytes=MAX_BODY)


@pytest.fixture(scope="module")
def public(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Subject]:
    with serving(public_api, tmp_path_factory.mktemp("public")) as subject:
        subject.api.session.headers["Authorization"] = PROOF
        yield subject


@pytest.fixture(scope="module")
def local(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Subject]:
    with serving(local_api, tmp_path_factory.mktemp("local")) as subject:
        yield subject


def generated(operation: Any) -> st.SearchStrategy[Any]:
    """Return calls of `operation`: well-formed on what is there and what is not, and malformed."""
    names = {parameter.name for parameter in operation.path_parameters}
    known = {name: value for name, value in KNOWN.items() if name in names}
    calls = st.one_of(
        operation.as_strategy(path_parameters=known),
        operation.as_strategy(),
        operation.as_strategy(generation_mode=GenerationMode.NEGATIVE),
    )
    # A longer line is refused before it is a request: with status 400 and no more.
    return calls.filter(lambda case: len(quote(case.formatted_path)) < 4096)


def call_all(operation: Any, subject: Subject) -> None:
    session = subject.api.session

    @BOUNDED
    @given(case=generated(operation))
    def each(case: Any) -> None:
        response = case.call(base_url=subject.api.url, session=session, verify=session.verify)
        case.validate_response(response, checks=CHECKS)

    subject.api.run(subject.populate())
    each()


@pytest.mark.timeout(120)
@pytest.mark.parametrize("operation", PUBLIC, ids=lambda operation: operation.label)
def test_calls_on_the_network_are_answered_as_documented(operation: Any, public: Subject) -> None:
    call_all(operation, public)


@pytest.mark.timeout(120)
@pytest.mark.parametrize("operation", LOCAL, ids=lambda operation: operation.label)
def test_calls_on_the_socket_are_answered_as_documented(operation: Any, local: Subject) -> None:
    call_all(operation, local)
