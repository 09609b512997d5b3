"""`args` of an installation."""

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cad.base.errors import BadValueError
from cad.control.packages.arguments import parse_args
from cad.domain.packages import ServiceSettings

LABELS = ("person", "car", "traffic light")
GOOD = {
    "": ServiceSettings(),
    "xpuType=NVIDIA_T4": ServiceSettings(xpu_type="NVIDIA_T4"),
    "score_threshold=0.5,nms_iou=.6 max_batch=16": ServiceSettings(
        score_threshold=0.5, nms_iou=0.6, max_batch=16
    ),
    " , keep=person ,": ServiceSettings(keep=("person",)),
    "keep=person,car,score_threshold=1": ServiceSettings(
        keep=("person", "car"), score_threshold=1.0
    ),
    'keep=car "traffic light" max_batch=1': ServiceSettings(
        keep=("car", "traffic light"), max_batch=1
    ),
    'keep="traffic light"': ServiceSettings(keep=("traffic light",)),
}
BAD = [
    ("score_threshold=2", "args.score_threshold"),
    ("score_threshold=nan", "args.score_threshold"),
    ("nms_iou=", "args.nms_iou"),
    ("nms_iou=high", "args.nms_iou"),
    ("max_batch=0", "args.max_batch"),
    ("max_batch=257", "args.max_batch"),
    ("max_batch=1.5", "args.max_batch"),
    ("max_batch=1 max_batch=1", "args.max_batch"),
    ("keep=dog", "args.keep"),
    ("keep=", "args.keep"),
    ("xpuType=$(reboot)", "args.xpuType"),
    ('keep="person', "args"),
]


@pytest.mark.parametrize("text", GOOD)
def test_what_is_set_is_understood(text: str) -> None:
    assert parse_args(text, LABELS, strict=True) == (GOOD[text], ())


@pytest.mark.parametrize(("text", "field"), BAD)
@pytest.mark.parametrize("strict", [True, False])
def test_a_bad_value_is_refused_by_name(text: str, field: str, strict: bool) -> None:
    with pytest.raises(BadValueError, match="expected") as caught:
        parse_args(text, LABELS, strict=strict)
    assert caught.value.field == field


@pytest.mark.parametrize("text", ["streamUrl=rtsp://u:p@c", "verbose", "max_batch=2 fast"])
def test_an_unknown_key_is_refused_in_strict_mode(text: str) -> None:
    with pytest.raises(BadValueError, match="expected one of score_threshold") as caught:
        parse_args(text, LABELS, strict=True)
    assert "rtsp" not in str(caught.value)


def test_an_unknown_key_is_reported_and_ignored_otherwise() -> None:
    found = parse_args("verbose max_batch=2 x=1", LABELS, strict=False)
    assert found == (ServiceSettings(max_batch=2), ("verbose", "x"))


@given(st.text() | st.text(alphabet='keep=max_batch,"1. '), st.booleans())
def test_any_text_is_understood_or_refused(text: str, strict: bool) -> None:
    with contextlib.suppress(BadValueError):
        parse_args(text, LABELS, strict=strict)


@given(
    st.lists(st.sampled_from(LABELS), min_size=1, unique=True), st.sampled_from([",", " ", ", "])
)
def test_any_choice_of_names_survives(names: list[str], separator: str) -> None:
    text = "keep=" + separator.join(f'"{name}"' for name in names)
    assert parse_args(text, LABELS, strict=True).settings.keep == tuple(names)
