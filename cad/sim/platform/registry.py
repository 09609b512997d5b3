"""The platform's books: which machines are registered, by whom, and until when (AM-79, AM-80).

Pure: it takes the time as an argument. Times are monotonic seconds.
"""

import hmac
from dataclasses import dataclass, field, replace
from enum import StrEnum

from cad.base.errors import ConflictError, ForbiddenError, NotFoundError
from cad.wire.annex_h_machine import KeepaliveRequest, RegisterRequest, UnRegisterRequest

DEFAULT_LEASE = 60.0
"""Seconds after a registration, until a keepalive says otherwise (AM-78)."""
SHORTEST_LEASE = 10.0
LONGEST_LEASE = 86400.0


class MachineState(StrEnum):
    """Where a machine stands for the platform."""

    ONLINE = "online"
    LOST = "lost"
    """No keepalive came within the lease."""


@dataclass(frozen=True, slots=True)
class Login:
    """The credentials under which a machine wants to be called."""

    username: str
    password: str = field(repr=False)

    def same_as(self, other: "Login") -> bool:
        """Compare in constant time."""
        ours = f"{self.username}\n{self.password}".encode()
        return hmac.compare_digest(ours, f"{other.username}\n{other.password}".encode())


@dataclass(frozen=True, slots=True)
class Machine:
    """A registered machine."""

    code: str
    ip: str
    port: int
    login: Login
    client_id: str | None
    """Whose token it registered with; None = without a token."""
    deadline: float
    state: MachineState = MachineState.ONLINE
    registrations: int = 1
    keepalives: int = 0
    password_encrypted: bool = False

    def is_owned_by(self, login: Login, client_id: str | None) -> bool:
        """Whether a caller is the one who registered: by its token, else by its credentials."""
        if self.client_id is not None or client_id is not None:
            return self.client_id == client_id
        return self.login.same_as(login)


class Registry:
    """All registered machines by code."""

    def __init__(self, shortest_lease: float = SHORTEST_LEASE) -> None:
        self.machines: dict[str, Machine] = {}
        self._shortest_lease = shortest_lease

    def register(
        self, request: RegisterRequest, password: str, client_id: str | None, now: float
    ) -> Machine:
        """Enter a machine, or update the one that its owner registered before (H.2).

        Raises:
            ConflictError: another client registered this code.
        """
        login = Login(request.username or "", password)
        known = self.machines.get(request.code)
        if known is not None and not known.is_owned_by(login, client_id):
            raise ConflictError(
                "another device is registered under this code", field="code", given=request.code
            )
        machine = Machine(
            code=request.code,
            ip=request.ip,
            port=request.port,
            login=login,
            client_id=client_id,
            deadline=now + DEFAULT_LEASE,
            registrations=1 if known is None else known.registrations + 1,
            keepalives=0 if known is None else known.keepalives,
            password_encrypted=password != request.password,
        )
        self.machines[request.code] = machine
        return machine

    def keep_alive(self, request: KeepaliveRequest, client_id: str | None, now: float) -> Machine:
        """Renew the lease of a machine (H.4).

        Raises:
            NotFoundError: no such machine is registered; it is to register again.
            ForbiddenError: the token is another machine's.
        """
        known = self._known(request.code)
        if known.client_id != client_id:
            raise ForbiddenError("the machine was registered with another token", field="code")
        lease = min(max(float(request.expires), self._shortest_lease), LONGEST_LEASE)
        machine = replace(
            known,
            deadline=now + lease,
            state=MachineState.ONLINE,
            keepalives=known.keepalives + 1,
        )
        self.machines[request.code] = machine
        return machine

    def unregister(self, request: UnRegisterRequest, password: str, client_id: str | None) -> None:
        """Take a machine off the books (H.3, AM-114).

        Raises:
            NotFoundError: no such machine is registered.
            ForbiddenError: the caller is not the one who registered it.
        """
        login = Login(request.username or "", password)
        if not self._known(request.code).is_owned_by(login, client_id):
            raise ForbiddenError("another device is registered under this code", field="code")
        del self.machines[request.code]

    def forget(self, code: str) -> None:
        """Lose a machine, as after a restore of an old backup."""
        self.machines.pop(code, None)

    def sweep(self, now: float) -> list[Machine]:
        """Mark the machines whose lease has run out, and return them."""
        late = [
            replace(machine, state=MachineState.LOST)
            for machine in self.machines.values()
            if machine.state is MachineState.ONLINE and now >= machine.deadline
        ]
        self.machines.update({machine.code: machine for machine in late})
        return late

    def _known(self, code: str) -> Machine:
        machine = self.machines.get(code)
        if machine is None:
            raise NotFoundError(
                "no machine is registered under this code", field="code", given=code
            )
        return machine
