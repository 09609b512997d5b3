"""Identifiers, so that one kind cannot be passed for another."""

from typing import NewType

TaskId = NewType("TaskId", str)
"""An analysis task (解析任务), `[A-Za-z0-9._-]`."""

StreamId = NewType("StreamId", str)
"""A stream under the name it has in logs, metrics and answers; never its URL."""

ServiceId = NewType("ServiceId", str)
"""An algorithm service (算法服务); in CAD mode the `algoPackageCode` (AM-31)."""

EventId = NewType("EventId", str)
"""An event, a UUID; the idempotency key towards every destination."""

FilePackageId = NewType("FilePackageId", int)
"""An algorithm file package (算法封装文件) under its number in CAD mode (AM-16)."""
