"""Which sink takes an event where."""

import ssl

import pytest

from cad.base.clock import SystemClock
from cad.control.sinks.http import HttpSink, HttpSinks
from cad.control.sinks.kafka import KafkaSink
from cad.control.sinks.objects import ObjectSink
from cad.domain.destinations import (
    BucketDestination,
    Destination,
    HttpDestination,
    KafkaDestination,
)
from tests.control.sinks.conftest import sinks_by_type


@pytest.mark.parametrize(
    ("destination", "kind"),
    [
        (HttpDestination("http://h/"), HttpSink),
        (KafkaDestination(("k:9092",), "T"), KafkaSink),
        (BucketDestination("full", ""), ObjectSink),
    ],
)
@pytest.mark.row("IO-06")
async def test_each_type_of_destination_has_its_sink(destination: Destination, kind: type) -> None:
    http = HttpSinks(ssl.create_default_context(), SystemClock())
    async with sinks_by_type(http) as sinks:
        assert isinstance(sinks(destination), kind)
