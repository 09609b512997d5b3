"""An S3 server that is not ours, in a process of its own; and a judge of signatures."""

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from datetime import timedelta
from urllib.parse import urlencode

import aiohttp
from aiohttp import web
from botocore.auth import S3SigV4QueryAuth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from minio import Minio
from yarl import URL

from cad.config.settings import ObjectSettings
from cad.control.sinks.objects import ObjectAccess
from cad.sim.platform.ca import Identity
from tests.control.sinks.broker import free_port

BUCKETS = ("full-images", "crop-images")
KEY, SECRET, REGION = "AKIAEXAMPLE", "s3cret/key+", "cn-north-1"


def access(endpoint: str, secret: str = SECRET) -> ObjectAccess:
    """Return what gets a device into the store at `endpoint`."""
    settings = ObjectSettings(
        endpoint=endpoint, access_key=KEY, secret_key_file="unread", region=REGION
    )
    return ObjectAccess(settings, secret)


class ObjectStore:
    """Keeps objects in memory: after a restart it has none, and no buckets."""

    def __init__(self, identity: Identity | None = None) -> None:
        self._identity, self._port = identity, free_port()
        self._process: asyncio.subprocess.Process | None = None
        self.endpoint = f"{'https' if identity else 'http'}://127.0.0.1:{self._port}"

    async def start(self) -> None:
        tls = self._identity
        files = ("-c", str(tls.certificate), "-k", str(tls.key)) if tls else ()
        self._process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "moto.server"),
            *("-H", "127.0.0.1", "-p", str(self._port), *files),
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.DEVNULL,
        )
        async with asyncio.timeout(30):
            while await self.call("GET", "/") != 200:  # noqa: ASYNC110 - it tells nobody
                await asyncio.sleep(0.05)

    async def make_buckets(self) -> None:
        for bucket in BUCKETS:
            assert await self.call("PUT", f"/{bucket}") == 200

    async def kill(self) -> None:
        """Kill the server; a dead one is no error."""
        if self._process is not None and self._process.returncode is None:
            self._process.kill()
            await self._process.wait()

    async def call(self, method: str, path: str) -> int:
        """Return the status that the server answers, 0 if it does not."""
        with suppress(aiohttp.ClientError):
            async with aiohttp.request(method, self.endpoint + path, ssl=False) as response:
                return response.status
        return 0

    async def get(self, place: str) -> bytes:
        """Return the object at `place` (`bucket/key`)."""
        client = Minio(f"127.0.0.1:{self._port}", KEY, SECRET, secure=False, region=REGION)
        bucket, _, key = place.partition("/")
        url = client.presigned_get_object(bucket, key)
        async with aiohttp.request("GET", URL(url, encoded=True)) as response:
            assert response.status == 200
            return await response.read()


@asynccontextmanager
async def storing(identity: Identity | None = None) -> AsyncIterator[ObjectStore]:
    """Run a store with the buckets."""
    store = ObjectStore(identity)
    try:
        await store.start()
        await store.make_buckets()
        yield store
    finally:
        await store.kill()


@asynccontextmanager
async def judging() -> AsyncIterator[str]:
    """Run a store that keeps nothing but checks signatures as Amazon's own library makes them."""

    async def judge(request: web.Request) -> web.Response:
        await request.read()
        if request.query["X-Amz-Signature"] == signature(request.method, request.url):
            return web.Response()
        return web.Response(status=403, text="<Error><Code>SignatureDoesNotMatch</Code></Error>")

    app = web.Application()
    app.router.add_route("*", "/{tail:.*}", judge)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


def signature(method: str, url: URL) -> str:
    """Return what `X-Amz-Signature` of a request must be."""
    query = {name: value for name, value in url.query.items() if name != "X-Amz-Signature"}
    assert int(query["X-Amz-Expires"]) <= timedelta(hours=1).total_seconds()
    request = AWSRequest(method, f"{url.with_query(None)}?{urlencode(query)}")
    request.context["timestamp"] = query["X-Amz-Date"]
    auth = S3SigV4QueryAuth(Credentials(KEY, SECRET), "s3", REGION)
    canonical = auth.canonical_request(request)
    return str(auth.signature(auth.string_to_sign(request, canonical), request))
