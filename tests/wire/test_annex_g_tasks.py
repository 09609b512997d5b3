"""Annex G: answers as other devices print them."""

import pytest

from cad.base.errors import RefusedError
from cad.domain.tasks import TaskState
from cad.wire.annex_g_tasks import (
    AlgoTask,
    AlgoTaskCreateData,
    AlgoTaskIdRequest,
    AlgoTaskPage,
    AlgoTaskSearchRequest,
)
from cad.wire.envelope import read_envelope
from tests.spec import example


def test_the_printed_create_answer_is_read() -> None:
    data = AlgoTaskCreateData.read(read_envelope(example("G.2-create-task.response")).data)
    [task] = data.created_streams
    assert (task.task_info.id, task.state) == ("1321adad1312312", TaskState.PENDING)
    options = task.task_info.stream_options
    assert options is not None
    assert options.video_stream_options is not None
    assert options.video_stream_options.url.startswith("iot://")


@pytest.mark.parametrize("name", ["updateStreams", "updatedStreams"])
@pytest.mark.parametrize("nested", [False, True])
def test_updated_tasks_are_found_in_every_printed_form(name: str, *, nested: bool) -> None:
    task = {"taskInfo": {"id": "1"}}
    data = AlgoTaskCreateData.read({name: [{"createdStreams": [task]}] if nested else [task]})
    assert [task.task_info.id for task in data.updated_streams] == ["1"]


def test_the_printed_page_is_read() -> None:
    page = AlgoTaskPage.read(read_envelope(example("G.6-search-tasks.response")).data)
    assert (page.total, len(page.records)) == (101, 1)


@pytest.mark.parametrize(
    ("inside", "beside", "state"),
    [
        ("RUNNING", "PENDING", TaskState.RUNNING),
        (None, "PAUSED", TaskState.PAUSED),
        (None, None, None),
    ],
)
def test_the_state_inside_wins_over_the_one_beside(
    inside: str | None, beside: str | None, state: TaskState | None
) -> None:
    assert AlgoTask.read({"taskInfo": {"status": inside}, "status": beside}).state is state


@pytest.mark.parametrize(
    ("body", "number", "size"),
    [({}, 1, 20), ({"pageNumber": 0, "pageSize": 5000}, 1, 1000), ({"pageNumber": "3"}, 3, 20)],
)
def test_paging_has_defaults_and_a_cap(body: object, number: int, size: int) -> None:
    request = AlgoTaskSearchRequest.read(body)
    assert (request.page_number, request.page_size) == (number, size)


@pytest.mark.parametrize("body", [{"pageNumber": -1}, {"pageSize": 0}, {"id": {"a": 1}}])
def test_a_page_that_cannot_be_is_refused(body: object) -> None:
    with pytest.raises(RefusedError):
        AlgoTaskSearchRequest.read(body)


def test_force_is_read_from_a_query() -> None:
    assert AlgoTaskIdRequest.read({"taskId": "1", "force": "true"}).force
