"""Access without disk and with a clock to turn."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from cad.control.access.accounts import new_secret
from cad.control.access.service import AccessGround, AccessPolicy, AccessService, ApiUser
from cad.control.access.timekeeper import Timekeeper
from cad.domain.access import (
    AccessRecord,
    AccessState,
    Account,
    Login,
    RefreshFamily,
    StoredSigningKey,
)

USER = "admin"
PASSWORD = "Pa:ss wörd"
HOUR = 3600.0
GRACE = 24 * HOUR
KEY_LIFE = 30 * 24 * HOUR
START = datetime(2026, 11, 22, 4, tzinfo=UTC)


class TurnedClock:
    """Stands until it is turned."""

    def __init__(self, wall: datetime = START, uptime: float = 100.0) -> None:
        self.wall, self.uptime = wall, uptime

    def now(self) -> datetime:
        return self.wall

    def monotonic(self) -> float:
        return self.uptime

    def turn(self, seconds: float) -> None:
        """Let time go by."""
        self.wall += timedelta(seconds=seconds)
        self.uptime += seconds

    def jump(self, wall: datetime) -> None:
        """Set the wall clock."""
        self.wall = wall


def _key(record: AccessRecord) -> tuple[type, str]:
    match record:
        case StoredSigningKey():
            return type(record), record.kid
        case Account():
            return type(record), record.name
        case RefreshFamily():
            return type(record), record.family


@dataclass
class MemoryStore:
    """Keeps what a disk would keep."""

    records: dict[tuple[type, str], AccessRecord] = field(default_factory=dict)
    password: str = PASSWORD
    failure: Exception | None = None

    async def load(self) -> AccessState:
        found = list(self.records.values())
        return AccessState(
            keys=[r for r in found if isinstance(r, StoredSigningKey)],
            accounts=[r for r in found if isinstance(r, Account)],
            families=[r for r in found if isinstance(r, RefreshFamily)],
        )

    async def apply(
        self, *, keep: Sequence[AccessRecord] = (), forget: Sequence[AccessRecord] = ()
    ) -> None:
        if self.failure is not None:
            raise self.failure
        self.records.update({_key(record): record for record in keep})
        for record in forget:
            self.records.pop(_key(record), None)

    async def keep_api_password(self, password: str) -> None:
        self.password = password


@dataclass
class World:
    """A device's access, which can be started again."""

    clock: TurnedClock = field(default_factory=TurnedClock)
    store: MemoryStore = field(default_factory=MemoryStore)
    boot: str = "boot-1"
    is_generated: bool = True

    async def open(self) -> AccessService:
        """Start the service with what is kept."""
        user = ApiUser(login=Login(USER, self.store.password), is_generated=self.is_generated)
        ground = AccessGround(
            store=self.store,
            passwords=self.store,
            timekeeper=Timekeeper(self.clock, self.boot),
        )
        policy = AccessPolicy(issuer="machine_code", grace=GRACE, key_life=KEY_LIFE)
        return await AccessService.open(user, ground, policy)

    async def reboot(self, wall: datetime) -> AccessService:
        """Switch the machine off and on; its clock starts at `wall`."""
        self.boot = new_secret()
        self.clock.wall, self.clock.uptime = wall, 5.0
        return await self.open()
