"""The platform's receiver of events, which keeps them as they came over the wire."""

import json
from typing import Any

from aiohttp import web
from typing_extensions import override

from cad.sim.platform.receiver import EventReceiver


class RawReceiver(EventReceiver):
    """Keeps the JSON of each event next to what the platform understood of it."""

    def __init__(self) -> None:
        super().__init__()
        self.documents: dict[str, dict[str, Any]] = {}
        """By `eventId`, as they came first."""

    @override
    async def receive(self, request: web.Request) -> web.Response:
        document = json.loads(await request.read())
        answer = await super().receive(request)
        if answer.status < 300:
            self.documents.setdefault(document["eventId"], document)
        return answer

    def of(self, task_id: str) -> list[dict[str, Any]]:
        """The events of a task, in the order in which they came."""
        return [event for event in self.documents.values() if event["taskId"] == task_id]

    def sequences(self) -> dict[str, list[int]]:
        """The sequence numbers of all events, by task, in the order in which they came."""
        found: dict[str, list[int]] = {}
        for event in self.documents.values():
            found.setdefault(event["taskId"], []).append(event["sequence"])
        return found
