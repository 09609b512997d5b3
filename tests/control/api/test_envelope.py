"""Every refusal says code, field, what was given and what was expected, and never a secret."""

import copy
import logging
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cad.base.errors import ConflictError, InsufficientError, NotFoundError, UnavailableError
from cad.base.log_context import RequestIdFilter
from tests.control.api.conftest import Answer, Caller, Fakes
from tests.spec.orders import TASKS, order

SECRET = "s3cret"
WRONG = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**70), 2**70),
    st.floats(),
    st.text(max_size=200),
    st.just(f"rtsp://u:{SECRET}@h/x"),
    st.just(f"password={SECRET}"),
    st.just([]),
    st.just({"a": SECRET}),
    st.just("x" * 5000),
)
Step = str | int


def places(value: Any) -> Iterator[tuple[Step, ...]]:
    """Yield where a value stands inside `value`, for each that it holds."""
    pairs: list[tuple[Any, Any]] = []
    if isinstance(value, dict):
        pairs = list(value.items())
    elif isinstance(value, list):
        pairs = list(enumerate(value))
    for step, inner in pairs:
        yield (step,)
        yield from ((step, *rest) for rest in places(inner))


ORDER = order(url=f"rtsp://u:{SECRET}@10.0.0.1/live")
PLACES = list(places(ORDER))


def spoilt(place: tuple[Step, ...], wrong: object) -> Any:
    """Return the order with `wrong` at `place`."""
    body = copy.deepcopy(ORDER)
    inner = body
    for step in place[:-1]:
        inner = inner[step]
    inner[place[-1]] = wrong
    return body


def assert_explained(answer: Answer) -> None:
    """Assert that a refusal says everything that it has to."""
    body = answer.json
    assert str(body["code"])[:3] == str(answer.status)
    assert body["requestId"] == answer.headers["X-Request-Id"]
    assert body["error"]["expected"]
    assert body["message"].startswith(f"{body['error']['field']}: ")
    assert body["error"].get("given", "") in body["message"]
    assert SECRET not in answer.text


@pytest.mark.row("COM-11")
@given(st.sampled_from(PLACES), WRONG)
@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
async def test_an_order_spoilt_anywhere_is_explained(
    call: Caller, place: tuple[Step, ...], wrong: object
) -> None:
    answer = await call("POST", TASKS[0], spoilt(place, wrong))
    assert answer.status in {200, 400}
    if answer.status == 400:
        assert_explained(answer)


@given(st.sampled_from(["algoFilePackageId", "url", "md5", "algoPackageCode", "args"]), WRONG)
@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
async def test_a_package_order_spoilt_anywhere_is_explained(
    call: Caller, member: str, wrong: object
) -> None:
    body = {"algoFilePackageId": 1, "algoPackageCode": "A-B-1.0.0", member: wrong}
    for path in ("/CAD/machine/algoFilePackages", "/CAD/machine/algoPackages"):
        answer = await call("POST", path, body)
        assert answer.status in {200, 400}
        if answer.status == 400:
            assert_explained(answer)


@pytest.mark.parametrize(
    "error",
    [
        NotFoundError("expected a known one", field="id", given=f"password={SECRET}"),
        ConflictError("expected another state", field="id"),
        InsufficientError("12 streams of 12 are in use"),
        UnavailableError("the disk does not answer"),
    ],
    ids=lambda error: type(error).__name__,
)
async def test_every_family_has_its_status(call: Caller, fakes: Fakes, error: Any) -> None:
    async def fail(_: object) -> None:
        raise error

    fakes.tasks.create = fail  # type: ignore[method-assign,assignment] # a service that refuses
    answer = await call("POST", TASKS[0], order())
    assert (answer.status, answer.code) == (error.status, error.code)
    assert answer.code // 100 == answer.status
    assert SECRET not in answer.text


async def test_an_internal_error_says_its_request_id_and_nothing_else(
    call: Caller, fakes: Fakes, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(_: object) -> None:
        raise ZeroDivisionError(f"division of {SECRET}")

    caplog.handler.addFilter(RequestIdFilter())
    fakes.tasks.get = fail  # type: ignore[method-assign,assignment] # a service with a bug
    answer = await call("GET", f"{TASKS[0]}/task-1")
    assert answer.status == 500
    told = {"code": 50000, **dict.fromkeys(["mgs", "msg", "message"], "internal error")}
    assert answer.json == {**told, "requestId": answer.headers["X-Request-Id"]}
    [record] = [record for record in caplog.records if record.levelno == logging.ERROR]
    assert getattr(record, "request_id", "") == answer.json["requestId"]
