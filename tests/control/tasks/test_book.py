"""Tasks in memory: how one was when an event was raised."""

from dataclasses import replace

from cad.control.tasks.book import FORMER_RECORDS, TaskBook
from cad.domain.rules import Rule
from cad.domain.tasks import TaskRecord
from tests.control.tasks.values import TASK, MemoryTaskStore, event, order, record


def revision(number: int) -> TaskRecord:
    rules = (Rule(event_type=f"TYPE-{number}"),)
    return record(replace(order(), rules=rules, revision=number))


async def book_with(*records: TaskRecord) -> TaskBook:
    book = TaskBook(MemoryTaskStore())
    for each in records:
        await book.put(each)
    return book


async def test_an_event_keeps_the_rule_that_raised_it() -> None:
    book = await book_with(revision(0), revision(1))
    for number in (0, 1):
        raised = replace(event(), revision=number)
        assert book.raised_under(raised) == revision(number)


async def test_a_change_of_state_is_no_other_content() -> None:
    book = await book_with(*(revision(0) for _ in range(2 * FORMER_RECORDS)), revision(1))
    assert book.raised_under(event()) == revision(0)


async def test_an_event_that_no_rule_can_have_raised_finds_none() -> None:
    book = await book_with(revision(0))
    assert book.raised_under(replace(event(), rule_index=1)) is None
    assert book.raised_under(replace(event(), revision=7)) is None
    assert book.raised_under(event(task_id="t9")) is None


async def test_a_removed_task_is_forgotten_with_its_past() -> None:
    book = await book_with(revision(0), revision(1))
    await book.remove(TASK, force=False)
    assert book.raised_under(event()) is None
