"""The platform's books, without a network."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cad.base.errors import ConflictError, ForbiddenError, NotFoundError
from cad.sim.platform.registry import MachineState, Registry
from cad.wire.annex_h_machine import KeepaliveRequest, RegisterRequest, UnRegisterRequest


def request(ip: str = "10.0.0.1", username: str = "u") -> RegisterRequest:
    return RegisterRequest(code="m", ip=ip, port=8123, username=username)


def beat(expires: int = 60) -> KeepaliveRequest:
    return KeepaliveRequest(code="m", expires=expires)


def test_the_owner_may_register_again_from_another_address() -> None:
    books = Registry()
    books.register(request(), "p", None, 0.0)
    machine = books.register(request("10.0.0.2"), "p", None, 1.0)
    assert (machine.ip, machine.registrations) == ("10.0.0.2", 2)


@pytest.mark.parametrize(
    ("username", "password", "client_id"),
    [("u", "other", None), ("other", "p", None), ("u", "p", "token-of-another")],
)
def test_nobody_else_may(username: str, password: str, client_id: str | None) -> None:
    books = Registry()
    books.register(request(), "p", None, 0.0)
    with pytest.raises(ConflictError):
        books.register(request(username=username), password, client_id, 1.0)
    with pytest.raises(ForbiddenError):
        books.unregister(UnRegisterRequest(code="m", username=username), password, client_id)


def test_the_owner_by_token_may_change_its_password() -> None:
    books = Registry()
    books.register(request(), "p", "client", 0.0)
    assert books.register(request(), "new", "client", 1.0).login.password == "new"


def test_a_stranger_cannot_keep_a_lease_that_a_token_began() -> None:
    books = Registry()
    books.register(request(), "p", "client", 0.0)
    with pytest.raises(ForbiddenError):
        books.keep_alive(beat(), None, 1.0)


def test_a_machine_that_was_forgotten_is_unknown() -> None:
    books = Registry()
    books.register(request(), "p", None, 0.0)
    books.forget("m")
    with pytest.raises(NotFoundError):
        books.keep_alive(beat(), None, 1.0)


def test_the_first_lease_is_the_default_one() -> None:
    books = Registry()
    books.register(request(), "p", None, 0.0)
    assert books.sweep(59.9) == []
    assert [machine.state for machine in books.sweep(60.0)] == [MachineState.LOST]
    assert books.sweep(61.0) == []


@given(st.integers(1, 86400), st.floats(0, 1e6))
@pytest.mark.row("CAD-06")
def test_a_lease_ends_its_length_after_the_last_keepalive(expires: int, now: float) -> None:
    books = Registry()
    books.register(request(), "p", None, now)
    machine = books.keep_alive(beat(expires), None, now)
    assert machine.deadline == now + max(expires, 10)


def test_a_password_is_never_printed() -> None:
    books = Registry()
    assert "s3cret" not in repr(books.register(request(), "s3cret", None, 0.0))
