"""Analysis tasks (Annex G; in CAD mode also under /CAD/machine/algoTasks, AM-31).

Members of Table G.8 that the table calls mandatory and that tell the device nothing it does not
know otherwise may be absent: `labels`, `areas` (the whole picture), `areaid`, `resolution`.
"""

import json
from collections.abc import Mapping
from typing import Annotated, Any, Literal, Self
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, BeforeValidator, Field, field_validator, model_validator

from cad.base.clock import local_text
from cad.base.errors import BadValueError, TooLargeError
from cad.base.redact import redact
from cad.domain.faults import Fault, FaultClass
from cad.domain.streams import Transport
from cad.domain.tasks import FrameCounts, RestartPolicy, TaskState
from cad.domain.views import TaskView
from cad.wire.annex_g_rules import (
    MOST_RULES,
    STRAY_IN_TASK_INFO,
    OpenModel,
    RuleParams,
)
from cad.wire.echo import without_secrets
from cad.wire.model import (
    LARGEST_INTEGER,
    AlsoRead,
    AlsoWritten,
    Name,
    Number,
    Text,
    WireModel,
)

TASKS = "/CAP/AlgoTasks"
MACHINE_TASKS = "/CAD/machine/algoTasks"

LARGEST_PAGE = 1000
FASTEST_ANALYSIS = 1000.0
LARGEST_TASK_INFO = 1024 * 1024
"""Characters of JSON."""
SLOWEST_ANALYSIS = 0.01


def _analysis_rate(rate: float) -> float:
    if 0 < rate < SLOWEST_ANALYSIS:
        raise ValueError(f"expected 0 for every frame, or at least {SLOWEST_ANALYSIS:g} a second")
    return rate


class TaskLabels(OpenModel):
    """Labels of a task (Table G.8, AM-112)."""

    algo_cabin_name: Text = ""
    version: Text = ""


class VideoStreamOptions(OpenModel):
    """A video stream (Table G.8), with our extension members."""

    url: Annotated[Text, Field(min_length=1)]
    resolution: Text | None = None
    """Class of size such as PIXELS_200W (AM-104)."""
    analysis_fps: Annotated[
        Number, Field(ge=0, le=FASTEST_ANALYSIS), AfterValidator(_analysis_rate)
    ] = 5.0
    """Extension: frames per second to analyse; 0 = every frame. Below 1, only who stays in an area
    is followed from picture to picture, and line crossings are hardly seen."""
    loop: bool = False
    """Extension, files only: start again at the end."""
    transport: Transport | None = None
    """Extension, RTSP only."""
    start_time: Text | None = None
    end_time: Text | None = None
    """Extension, playback: the time range (AM-14)."""
    activity_gating: Literal["on", "off"] | None = None
    """Extension: whether pictures without motion are left out."""


class StreamOptions(OpenModel):
    """What is analysed (Table G.8)."""

    video_stream_options: Annotated[
        VideoStreamOptions | None, AlsoWritten("VideoStreamOptions")
    ] = None
    image_stream_options: dict[str, Any] | None = None
    """Extension: pictures by GA/T 1400 (AM-32)."""


class TaskInfo(OpenModel):
    """What a task watches for, and on which stream (Table G.8)."""

    labels: TaskLabels = TaskLabels()
    rules_params: Annotated[list[RuleParams], Field(min_length=1, max_length=MOST_RULES)]
    stream_options: StreamOptions

    @model_validator(mode="before")
    @classmethod
    def _gather_rules(cls, given: object) -> object:
        if not isinstance(given, Mapping):
            return given
        members = cls.named(given)
        rules = members.get("rulesParams")
        if isinstance(rules, list):
            stray = RuleParams.stray(given, STRAY_IN_TASK_INFO)
            members["rulesParams"] = [RuleParams.gathered(rule, stray) for rule in rules]
        return members

    def to_json(self) -> str:
        """Return the whole structure as JSON text, credentials included.

        Raises:
            BadValueError: a member that the standard does not know holds NaN or an infinity.
            TooLargeError: it is more than is kept of a task, and repeated in every answer.
        """
        members = self.model_dump(by_alias=True, exclude_none=True)
        try:
            text = json.dumps(members, ensure_ascii=False, allow_nan=False)
        except ValueError:
            raise BadValueError("expected finite numbers", field="taskInfo") from None
        if len(text) > LARGEST_TASK_INFO:
            raise TooLargeError(
                f"expected at most {LARGEST_TASK_INFO} characters of JSON",
                field="taskInfo",
                given=len(text),
            )
        return text


class AlgoTaskCreateRequest(WireModel):
    """Orders a task (Table G.8)."""

    algo_service_id: Annotated[Name, AlsoRead("algoPackageCode")]
    """In CAD mode the `algoPackageCode` (AM-31)."""
    restart_policy: RestartPolicy
    task_info: TaskInfo


class AlgoTaskIdRequest(WireModel):
    """Names one task (Tables G.10, G.12, G.14, G.18)."""

    id: Annotated[Name, AlsoRead("taskId")]
    force: bool = False
    """Extension of G.3: do not wait until its events are delivered."""


def _listed(given: object) -> object:
    if isinstance(given, str | int):
        return [] if given == "" else [given]
    return given


Filter = Annotated[list[Text], BeforeValidator(_listed), Field(max_length=LARGEST_PAGE)]
"""One value or several; empty = all."""


class AlgoTaskSearchRequest(WireModel):
    """Asks for a page of tasks (Table G.16, AM-12, AM-13)."""

    id: Filter = Field(default_factory=list)
    algo_service_id: Annotated[Filter, AlsoRead("algoPackageCode")] = Field(default_factory=list)
    event_type: Filter = Field(default_factory=list)
    page_number: Annotated[int, Field(ge=0, le=LARGEST_INTEGER)] = 1
    page_size: Annotated[int, Field(ge=1)] = 20

    @field_validator("page_number")
    @classmethod
    def _count_from_one(cls, number: int) -> int:
        return max(number, 1)

    @field_validator("page_size")
    @classmethod
    def _within_the_cap(cls, size: int) -> int:
        return min(size, LARGEST_PAGE)


class StatusReason(WireModel):
    """Why a task has no results (extension member of `taskInfo`)."""

    kind: Annotated[FaultClass, Field(alias="class")]
    message: str
    since: str
    """Local time."""

    @classmethod
    def from_fault(cls, fault: Fault, zone: ZoneInfo) -> Self:
        """Return `fault` as it is answered."""
        return cls(
            kind=fault.kind,
            message=redact(fault.message),
            since=local_text(fault.since, zone),
        )


class TaskFrames(WireModel):
    """What became of the pictures of a task (extension member of `taskInfo`)."""

    received: int
    decoded: int
    analysed: int
    dropped: int
    age_ms: int | None = None
    """Age of the last analysed picture; absent = none yet."""

    @classmethod
    def from_counts(cls, counts: FrameCounts, age: float | None) -> Self:
        """Return `counts` and `age` (seconds) as they are answered."""
        return cls(
            received=counts.received,
            decoded=counts.decoded,
            analysed=counts.analysed,
            dropped=counts.dropped,
            age_ms=None if age is None else max(0, round(age * 1000)),
        )


class AnsweredVideo(OpenModel):
    """A video stream in an answer."""

    url: str = ""
    """Credentials removed."""
    resolution: str | None = None


class AnsweredStream(OpenModel):
    """What is analysed, in an answer."""

    video_stream_options: Annotated[AnsweredVideo | None, AlsoWritten("VideoStreamOptions")] = None


class AnsweredTaskInfo(OpenModel):
    """`taskInfo` of an answer (Tables G.9, G.17, G.19): the echo of the order, and how it goes.

    The echo has no limits: masks for secrets may be longer than these were.
    """

    id: str | None = None
    status: TaskState | None = None
    labels: dict[str, Any] = Field(default_factory=dict)
    stream_options: AnsweredStream | None = None
    status_reason: StatusReason | None = None
    frames: TaskFrames | None = None
    events: int | None = None
    """Extension: events stored since the task was made."""

    @field_validator("stream_options", mode="before")
    @classmethod
    def _without_an_empty_stream(cls, given: object) -> object:
        return given or None


class AlgoTask(WireModel):
    """A task in an answer (Tables G.9, G.17, G.19)."""

    algo_service_id: str = ""
    restart_policy: RestartPolicy | None = None
    task_info: AnsweredTaskInfo
    status: TaskState | None = None
    """Also inside `task_info`, which is believed first (AM-108)."""
    created_date: str | None = None
    """Extension: local time."""

    @property
    def state(self) -> TaskState | None:
        """The task's state from whichever place has it."""
        return self.task_info.status or self.status

    @classmethod
    def from_view(cls, view: TaskView, zone: ZoneInfo) -> Self:
        """Return what the device answers about a task: never a credential."""
        order = view.record.order
        echo = _echo(view.record.task_info)
        progress = AnsweredTaskInfo(
            id=order.task_id,
            status=view.state,
            status_reason=StatusReason.from_fault(view.fault, zone) if view.fault else None,
            frames=TaskFrames.from_counts(view.frames, view.age),
            events=view.events,
        )
        ours = progress.model_dump(by_alias=True, exclude_none=True, exclude_defaults=True)
        return cls(
            algo_service_id=order.service_id,
            restart_policy=view.record.restart_policy,
            task_info=AnsweredTaskInfo.read({**echo, **ours}),
            status=view.state,
            created_date=local_text(view.record.created_at, zone),
        )


_OURS = {"id", "status", "statusReason", "frames", "events"}
"""Members of an answer that are never taken from the order, however they are spelt there."""


def _echo(task_info: str) -> dict[str, object]:
    """Return what was ordered as it may be repeated."""
    given = without_secrets(json.loads(task_info))
    if not isinstance(given, Mapping):
        return {}
    named = AnsweredTaskInfo.named(given)
    return {name: value for name, value in named.items() if name not in _OURS}


class AlgoTaskCreateData(WireModel):
    """What a create did (Table G.9): tasks made, and tasks whose rules it replaced (AM-106)."""

    created_streams: list[AlgoTask] = Field(default_factory=list)
    updated_streams: Annotated[list[AlgoTask], AlsoWritten("updateStreams")] = Field(
        default_factory=list
    )

    @field_validator("updated_streams", mode="before")
    @classmethod
    def _flatten(cls, given: object) -> object:
        """Take the tasks out of the `createdStreams` that the table nests (AM-106)."""
        if not isinstance(given, list):
            return given
        return [task for item in given for task in _nested(item)]


def _nested(item: object) -> list[object]:
    inner = item.get("createdStreams") if isinstance(item, Mapping) else None
    return inner if isinstance(inner, list) else [item]


class AlgoTaskPage(WireModel):
    """A page of tasks (Table G.17)."""

    total: int
    page_number: int
    page_size: int
    records: list[AlgoTask]
