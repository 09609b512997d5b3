"""Whether a task may be made: what its algorithm and its worker have to say about it. Pure."""

from dataclasses import replace
from datetime import datetime

from cad.base.errors import BadValueError, ContradictionError, NotFoundError
from cad.domain.destinations import BucketDestination
from cad.domain.faults import Fault, FaultClass
from cad.domain.packages import AlgorithmManifest
from cad.domain.streams import StreamSource
from cad.domain.tasks import (
    NewTask,
    RestartPolicy,
    TaskOrder,
    TaskRecord,
    TaskState,
    UnreadableTask,
)
from cad.protocols.worker.messages import StartTask, UnsendableError, encode


def known_algorithm(new: NewTask, algorithm: AlgorithmManifest | None) -> AlgorithmManifest:
    """Return the algorithm of the task's service, or raise `NotFoundError` (AM-07)."""
    if algorithm is None:
        raise NotFoundError(
            "the service of an installed algorithm", field="algoServiceId", given=new.service_id
        )
    return algorithm


def check_event_types(new: NewTask, algorithm: AlgorithmManifest) -> None:
    """Raise `BadValueError` if a rule asks for what the algorithm does not report (AM-111)."""
    allowed = algorithm.event_types
    for index, rule in enumerate(new.rules):
        if allowed and rule.event_type not in allowed:
            raise BadValueError(
                f"one of {', '.join(allowed)}",
                field=f"taskInfo.rulesParams[{index}].eventType",
                given=rule.event_type,
            )


def check_destinations(new: NewTask, *, stores_images: bool) -> None:
    """Raise `BadValueError` if pictures are to go where this device cannot store any (AM-102)."""
    if stores_images:
        return
    for index, destinations in enumerate(new.destinations):
        if any(isinstance(each, BucketDestination) for each in destinations):
            raise BadValueError(
                "cannot be served: objects.endpoint is not configured",
                field=f"taskInfo.rulesParams[{index}].destinations.imageDest",
            )


def label_mismatches(new: NewTask, algorithm: AlgorithmManifest) -> list[ContradictionError]:
    """Return one error for each label that does not fit the algorithm (AM-112)."""
    pairs = (
        ("algoCabinName", new.cabin_name, algorithm.cabin_name),
        ("version", new.version, algorithm.version),
    )
    return [
        ContradictionError(
            f"{actual}, which is what {new.service_id} runs",
            field=f"taskInfo.labels.{label}",
            given=given,
        )
        for label, given, actual in pairs
        if given and actual and given != actual
    ]


def check_runnable(order: TaskOrder) -> None:
    """Raise `BadValueError` if no worker can be told to run `order`."""
    if not order.rules:
        raise BadValueError("cannot run: its record is damaged; delete it and order it again")
    try:
        encode(StartTask(order))
    except UnsendableError as error:
        raise BadValueError(f"cannot be given to a worker: {error}", field="taskInfo") from error


def sound_record(task: TaskRecord | UnreadableTask, now: datetime) -> TaskRecord:
    """Return `task` as it is found at a start: in ERROR if it cannot be run, for the others run."""
    if isinstance(task, UnreadableTask):
        return _remnant(task, now)
    try:
        check_runnable(task.order)
    except BadValueError as error:
        return replace(task, state=TaskState.ERROR, fault=_unsound(str(error), now))
    return task


def _remnant(task: UnreadableTask, now: datetime) -> TaskRecord:
    order = TaskOrder(
        task_id=task.task_id,
        service_id=task.service_id,
        stream_id=task.stream_id,
        source=StreamSource(url=""),
    )
    return TaskRecord(
        order=order,
        restart_policy=RestartPolicy.NEVER,
        destinations=(),
        task_info="{}",
        created_at=now,
        state=TaskState.ERROR,
        fault=_unsound(task.reason, now),
    )


def _unsound(reason: str, now: datetime) -> Fault:
    return Fault(FaultClass.PROTOCOL, reason, now)
