"""The envelope around every answer: one tolerant reader, a writer per annex (AM-01..AM-05)."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum

from cad.base.errors import BadValueError
from cad.wire.model import read_json

SUCCESS = 0


class EmptyData(Enum):
    """How an answer without a payload prints `data` (AM-04, AM-05)."""

    NULL = "null"
    LEFT_OUT = "left out"
    TRUE = "true"
    """On success; left out on failure."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EnvelopeStyle:
    """How one annex prints its envelope."""

    code_is_text: bool
    message_names: tuple[str, ...]
    empty: EmptyData

    def write(
        self, data: object = None, *, code: int = SUCCESS, message: str = "success", request_id: str
    ) -> dict[str, object]:
        """Return the envelope around `data`; None = no payload."""
        envelope: dict[str, object] = {"code": str(code) if self.code_is_text else code}
        envelope.update(dict.fromkeys(self.message_names, message))
        envelope["requestId"] = request_id
        if data is not None or self.empty is EmptyData.NULL:
            envelope["data"] = data
        elif self.empty is EmptyData.TRUE and code == SUCCESS:
            envelope["data"] = True
        return envelope


ANNEX_G = EnvelopeStyle(code_is_text=False, message_names=("msg", "message"), empty=EmptyData.TRUE)
ANNEX_G_QUERY = EnvelopeStyle(
    code_is_text=False, message_names=("mgs", "msg", "message"), empty=EmptyData.TRUE
)
"""Tables G.17 and G.19 print `mgs` (AM-02)."""
ANNEX_H = EnvelopeStyle(code_is_text=True, message_names=("message",), empty=EmptyData.NULL)
ANNEX_I = EnvelopeStyle(code_is_text=True, message_names=("message",), empty=EmptyData.LEFT_OUT)
LOCAL = EnvelopeStyle(code_is_text=False, message_names=("message",), empty=EmptyData.LEFT_OUT)
"""Our own calls on the local socket."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Envelope:
    """An answer as it was understood."""

    code: int
    """0 = success."""
    message: str = ""
    data: object = None
    """The payload; true, {} and null, which mean none, are None (AM-05)."""
    request_id: str = ""

    @property
    def succeeded(self) -> bool:
        """Whether the call was done."""
        return self.code == SUCCESS


def read_envelope(value: object) -> Envelope:
    """Return the envelope in `value`, a parsed JSON value, in the spelling of any annex.

    Raises:
        BadValueError: `value` is no envelope.
    """
    if not isinstance(value, Mapping):
        raise BadValueError("expected an object", field="body", given=value)
    return Envelope(
        code=_code(value.get("code")),
        message=_first_text(value, "message", "msg", "mgs"),
        data=_payload(value.get("data")),
        request_id=_first_text(value, "requestId"),
    )


def read_answer(status: int, body: bytes) -> Envelope:
    """Return the envelope in an HTTP answer; the body's code counts if there is one (AM-06).

    Without an envelope the HTTP status decides: 2xx is a success, any other status gives the code
    of its family.
    """
    try:
        return read_envelope(read_json(body))
    except BadValueError:
        code = SUCCESS if 200 <= status < 300 else status * 100
        return Envelope(code=code, message=f"HTTP status {status} without a result envelope")


def _code(given: object) -> int:
    if isinstance(given, int) and not isinstance(given, bool):
        return given
    if isinstance(given, str) and given.strip().isascii() and given.strip().isdigit():
        return int(given)
    raise BadValueError("expected the number of a result code", field="code", given=given)


def _first_text(value: Mapping[str, object], *names: str) -> str:
    found = (value[name] for name in names if value.get(name) is not None)
    return str(next(found, ""))


def _payload(data: object) -> object:
    return None if data is True or data == {} else data
