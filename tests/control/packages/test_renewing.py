"""Which packages are prepared anew when they run on something else."""

import asyncio
import dataclasses

from cad.control.packages.book import Book
from cad.control.packages.renewing import Renewing
from cad.domain.packages import AlgoPackage
from tests.control.packages.test_book import Stored
from tests.control.store.test_packages import PACKAGE


def on_a_card(_service_id: str) -> list[str]:
    return ["CUDAExecutionProvider"]


async def test_a_package_that_is_installed_again_is_looked_at_again() -> None:
    book, renewed = Book(Stored(([], [PACKAGE], []))), list[AlgoPackage]()

    async def prepare(package: AlgoPackage) -> None:
        renewed.append(package)

    await book.load()
    renewing = Renewing(book, on_a_card, asyncio.Lock(), prepare)
    await renewing.look()
    await renewing.look()
    assert renewed == [PACKAGE]
    del book.packages[PACKAGE.code]
    await renewing.look()
    book.show(dataclasses.replace(PACKAGE))
    await renewing.look()
    assert renewed == [PACKAGE, PACKAGE]
