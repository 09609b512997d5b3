"""From an order by Table G.8 to a task of this device.

What the standard or the design allows and this version does not serve is refused here, and only
here, by name: other schemes than RTSP and files, playback by time, pictures by GA/T 1400,
activity gating.
"""

from collections.abc import Sequence
from datetime import datetime
from zoneinfo import ZoneInfo

from cad.base.errors import BadValueError, MissingFieldError
from cad.domain.dialects import STANDARD, Dialect
from cad.domain.ids import ServiceId
from cad.domain.rules import Rule
from cad.domain.streams import StreamSource
from cad.domain.tasks import NewTask
from cad.wire.annex_g_rules import RuleParams
from cad.wire.annex_g_tasks import AlgoTaskCreateRequest, StreamOptions, VideoStreamOptions
from cad.wire.destinations import read_destinations
from cad.wire.times import read_time
from cad.wire.urls import has_host, scheme_of, shown_url

NOT_SERVED = "not served by this version"
STREAM = "taskInfo.streamOptions"
VIDEO = f"{STREAM}.videoStreamOptions"

SERVED_SCHEMES = ("rtsp", "rtsps", "file")
KNOWN_SCHEMES = {
    "gb28181": "GB/T 28181",
    "iot": "IoT streams",
    "rtmp": "RTMP",
    "http": "HTTP-FLV",
    "https": "HTTP-FLV",
}
"""Sources of AM-32 that are refused by name."""


def read_new_task(body: object, zone: ZoneInfo, dialect: Dialect = STANDARD) -> NewTask:
    """Return the task that `body`, parsed JSON of Table G.8, orders.

    Args:
        body: the request.
        zone: of local times in it (AM-14).
        dialect: of who wrote it.

    Raises:
        MissingFieldError, BadValueError: name the member at fault.
    """
    request = AlgoTaskCreateRequest.read(body)
    info = request.task_info
    video = _video(info.stream_options)
    return NewTask(
        service_id=ServiceId(request.algo_service_id),
        restart_policy=request.restart_policy,
        source=_source(video, zone),
        analysis_rate=video.analysis_fps,
        rules=_rules(info.rules_params, dialect),
        destinations=tuple(
            read_destinations(rule.destinations, f"taskInfo.rulesParams[{place}].destinations")
            for place, rule in enumerate(info.rules_params)
        ),
        cabin_name=info.labels.algo_cabin_name,
        version=info.labels.version,
        task_info=info.to_json(),
    )


def _rules(given: Sequence[RuleParams], dialect: Dialect) -> tuple[Rule, ...]:
    rules: list[Rule] = []
    for place, rule in enumerate(given):
        try:
            rules.append(rule.to_rule(dialect.multi_line))
        except ValueError as error:
            field = f"taskInfo.rulesParams[{place}].areas"
            raise BadValueError(str(error), field=field) from None
    return tuple(rules)


def _video(options: StreamOptions) -> VideoStreamOptions:
    if options.image_stream_options is not None:
        raise BadValueError(
            f"GA/T 1400 pictures are {NOT_SERVED}",
            field="taskInfo.streamOptions.imageStreamOptions",
        )
    if options.video_stream_options is None:
        raise MissingFieldError(VIDEO, "the video stream")
    if options.video_stream_options.activity_gating == "on":
        raise BadValueError(f"activity gating is {NOT_SERVED}", field=f"{VIDEO}.activityGating")
    return options.video_stream_options


def _source(video: VideoStreamOptions, zone: ZoneInfo) -> StreamSource:
    source = StreamSource(
        url=video.url,
        transport=video.transport,
        loop=video.loop,
        start=_moment(video.start_time, f"{VIDEO}.startTime", zone),
        end=_moment(video.end_time, f"{VIDEO}.endTime", zone),
    )
    _check_url(source)
    _check_options(source)
    return source


def _moment(text: str | None, field: str, zone: ZoneInfo) -> datetime | None:
    try:
        return read_time(text, zone) if text else None
    except ValueError as error:
        raise BadValueError(str(error), field=field, given=text) from None


def _check_url(source: StreamSource) -> None:
    scheme = scheme_of(source.url)
    if scheme in KNOWN_SCHEMES:
        _refuse_url(source, f"{KNOWN_SCHEMES[scheme]} ({scheme}://) is {NOT_SERVED}")
    if scheme not in SERVED_SCHEMES:
        _refuse_url(source, "expected rtsp://, rtsps:// or file://")
    if not source.url.isprintable():
        _refuse_url(source, "expected a URL without control characters")
    if scheme == "file":
        if not source.url.lower().startswith("file:///"):
            _refuse_url(source, "expected file:/// and an absolute path")
    elif not has_host(source.url):
        _refuse_url(source, "expected rtsp://host[:port]/path, a password percent-encoded")


def _check_options(source: StreamSource) -> None:
    if source.loop and source.scheme != "file":
        raise BadValueError("loop is for file:// only", field=f"{VIDEO}.loop", given=True)
    if source.transport and source.scheme == "file":
        raise BadValueError(
            "transport is for RTSP only", field=f"{VIDEO}.transport", given=source.transport
        )
    if source.start and source.end and source.start >= source.end:
        raise BadValueError("expected a time after startTime", field=f"{VIDEO}.endTime")
    if source.start or source.end:
        raise BadValueError(f"playback by time is {NOT_SERVED}", field=f"{VIDEO}.startTime")


def _refuse_url(source: StreamSource, expected: str) -> None:
    raise BadValueError(expected, field=f"{VIDEO}.url", given=shown_url(source.url))
