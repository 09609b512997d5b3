"""URLs of streams."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cad.analysis.ingest.faults import StreamError
from cad.analysis.ingest.limits import IngestLimits
from cad.analysis.ingest.source import endpoint, libav_url, name, opened
from cad.domain.faults import FaultClass
from cad.domain.streams import StreamSource


@pytest.mark.parametrize(
    ("given_url", "expected"),
    [
        ("rtsp://host/a", "rtsp://host/a"),
        ("rtsp://host:554/a@b", "rtsp://host:554/a@b"),
        ("rtsp://u:p@host/a@b", "rtsp://u:p@host/a@b"),
        ("rtsp://u:p@ss@host/a", "rtsp://u:p%40ss@host/a"),
        ("rtsp://u:p%40ss@host/a", "rtsp://u:p%40ss@host/a"),
        ("rtsp://u:p/q@host/a", "rtsp://u:p%2Fq@host/a"),
        ("rtsp://u:50%@host/a", "rtsp://u:50%25@host/a"),
        ("rtsp://u:p:q@[::1]:8554/a?x=1", "rtsp://u:p%3Aq@[::1]:8554/a?x=1"),
        ("rtsp://u:密码@host/", "rtsp://u:%E5%AF%86%E7%A0%81@host/"),
    ],
)
def test_user_and_password_are_written_so_that_libav_reads_them(
    given_url: str, expected: str
) -> None:
    assert libav_url(given_url) == expected


def test_streams_of_one_host_and_account_share_an_endpoint() -> None:
    first, second, other, without = (
        endpoint(StreamSource(url=url))
        for url in ("rtsp://u:p@h/1", "rtsp://u:p@h:554/2", "rtsp://u:q@h/1", "rtsp://h/1")
    )
    assert first == second
    assert first.host == other.host == without.host == "h:554"
    assert len({first.account, other.account, without.account}) == 3


def test_files_share_no_endpoint() -> None:
    assert endpoint(StreamSource(url="file:///a/b.mp4")).host == ""


@pytest.mark.parametrize(
    "url", ["rtsp://u:pw@[::1/x", "rtsp://u:pw@:x/", "rtsp://", "rtsp://h:0x/"]
)
def test_what_names_no_host_is_refused_without_being_shown(url: str) -> None:
    with pytest.raises(StreamError) as caught, opened(StreamSource(url=url), IngestLimits()):
        pass
    assert caught.value.kind is FaultClass.PROTOCOL
    assert "pw" not in str(caught.value)


@given(st.text(max_size=30), st.text(max_size=30))
def test_any_text_as_url_gives_only_documented_errors(head: str, tail: str) -> None:
    source = StreamSource(url=f"{head}://{tail}")
    endpoint(source)
    with pytest.raises(StreamError), opened(source, IngestLimits(open_timeout=0.1)):
        pass


def test_the_name_of_a_source_is_its_host_or_file() -> None:
    assert name(StreamSource(url="rtsp://u:p@h:8554/x?k=s")) == "h:8554"
    assert name(StreamSource(url="file:///var/media/a%20b.mp4")) == "a b.mp4"
