"""The sink for each type of destination."""

from cad.control.sinks.http import HttpSinks
from cad.control.sinks.kafka import KafkaSinks
from cad.control.sinks.objects import ObjectSink
from cad.control.sinks.ports import Sink
from cad.domain.destinations import (
    BucketDestination,
    Destination,
    HttpDestination,
    KafkaDestination,
)


class SinksByType:
    """Makes the sink for a destination."""

    def __init__(self, http: HttpSinks, kafka: KafkaSinks, objects: ObjectSink) -> None:
        """Take over open sinks; who opened them closes them."""
        self._http, self._kafka, self._objects = http, kafka, objects

    def __call__(self, destination: Destination) -> Sink:
        """Return the sink for `destination`."""
        match destination:
            case HttpDestination():
                return self._http(destination)
            case KafkaDestination():
                return self._kafka(destination)
            case BucketDestination():
                return self._objects
