"""A process that stores events until it is killed: `python -m … DATABASE URL FIRST_NUMBER`.

It prints the number of each event that was acknowledged.
"""

import asyncio
import sys
from itertools import count
from pathlib import Path

from tests.control.sinks.conftest import opened
from tests.control.sinks.examples import event, task


async def run(database: Path, url: str, first: int) -> None:
    async with opened(database) as outbox:
        for number in count(first):
            await outbox.store(event(number, image=bytes(20_000)), task(url))
            sys.stdout.write(f"{number}\n")
            sys.stdout.flush()


if __name__ == "__main__":
    asyncio.run(run(Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])))
