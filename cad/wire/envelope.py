"""The envelope around every answer: one tolerant reader, a writer per annex (AM-01..AM-05)."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from cad.base.errors import BadValueError
from cad.domain.dialects import CodeType, Dialect, EmptyData
from cad.wire.model import read_json

SUCCESS = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class EnvelopeStyle:
    """How one annex prints its envelope."""

    name: str
    code_is_text: bool
    message_names: tuple[str, ...]
    empty: EmptyData
    is_standard: bool = True
    """Whether peers print it, each in its dialect; ours are the same for all."""

    def spoken_in(self, dialect: Dialect) -> "EnvelopeStyle":
        """Return the style as peers of `dialect` expect it."""
        if not self.is_standard:
            return self
        wanted = dialect.code_type
        as_text = self.code_is_text if wanted is None else wanted is CodeType.TEXT
        return replace(self, code_is_text=as_text, empty=dialect.empty_data or self.empty)

    def code(self, code: int) -> int | str:
        """Return a result code in the type that the annex prints."""
        return str(code) if self.code_is_text else code

    def write(
        self, data: object = None, *, code: int = SUCCESS, message: str = "success", request_id: str
    ) -> dict[str, object]:
        """Return the envelope around `data`; None = no payload."""
        envelope: dict[str, object] = {"code": self.code(code)}
        envelope.update(dict.fromkeys(self.message_names, message))
        envelope["requestId"] = request_id
        if data is not None or self.empty is EmptyData.NULL:
            envelope["data"] = data
        elif code == SUCCESS and self.empty in _EMPTY:
            envelope["data"] = _EMPTY[self.empty]
        return envelope


_EMPTY: Mapping[EmptyData, object] = {EmptyData.TRUE: True, EmptyData.OBJECT: {}}

ANNEX_G = EnvelopeStyle(
    name="AnnexG", code_is_text=False, message_names=("msg", "message"), empty=EmptyData.TRUE
)
ANNEX_D = replace(ANNEX_G, name="AnnexD", message_names=("message",))
ANNEX_G_QUERY = replace(ANNEX_G, name="AnnexGQuery", message_names=("mgs", "msg", "message"))
"""Tables G.17 and G.19 print `mgs` (AM-02)."""
ANNEX_H = EnvelopeStyle(
    name="AnnexH", code_is_text=True, message_names=("message",), empty=EmptyData.NULL
)
ANNEX_I = replace(ANNEX_H, name="AnnexI", empty=EmptyData.LEFT_OUT)
LOCAL = EnvelopeStyle(
    name="Local",
    code_is_text=False,
    message_names=("message",),
    empty=EmptyData.LEFT_OUT,
    is_standard=False,
)
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
