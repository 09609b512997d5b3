"""The base of every wire class: tolerant in what it reads, complete in what it writes.

`Name`, `Text`, `Number` and `Long` limit what is read; what this device writes has plain types, for
an answer that is too long must be seen all the same.

Reading (AM-20): unknown members are ignored, null counts as absent, names of members are compared
without regard to case, further spellings are understood where the standard prints several. Writing:
the table's name, and the other printed names beside it where a class says so.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Annotated, Any, Self, cast

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    SerializerFunctionWrapHandler,
    ValidationError,
    model_serializer,
    model_validator,
)
from pydantic.alias_generators import to_camel
from pydantic_core import ErrorDetails, from_json

from cad.base.errors import BadValueError, MissingFieldError, RefusedError
from cad.base.printable import has_controls
from cad.wire.echo import SECRET_MEMBERS, without_secrets

NAME_LIMIT = 128
TEXT_LIMIT = 4096

LARGEST_INTEGER = 2**31 - 1
"""Of `Integer` of the tables."""


def _without_controls(name: str) -> str:
    if has_controls(name):
        raise ValueError("expected a name without control characters")
    return name


Name = Annotated[str, Field(min_length=1, max_length=NAME_LIMIT), AfterValidator(_without_controls)]
"""An id or a name (AM-20)."""


def _plain(text: str) -> str:
    if has_controls(text.translate(_BLANKS)):
        raise ValueError("expected text without control characters but tabs and line ends")
    return text


def _no_truth(given: object) -> object:
    if isinstance(given, bool):
        raise ValueError("expected a number, not true or false")  # noqa: TRY004 - pydantic's way
    return given


_BLANKS = dict.fromkeys(map(ord, "\t\n\r"), " ")

Text = Annotated[str, Field(max_length=TEXT_LIMIT)]
"""Free text (AM-20)."""

PlainText = Annotated[Text, AfterValidator(_plain)]
"""Text that is handed on to other programs."""

Number = Annotated[float, Field(allow_inf_nan=False), BeforeValidator(_no_truth)]
"""A finite number."""

Long = Annotated[int, Field(ge=0, lt=2**63), BeforeValidator(_no_truth)]
"""`Long` of the tables; accepted as a String too (AM-16)."""


@dataclass(frozen=True, slots=True, init=False)
class AlsoRead:
    """Further names under which a member is understood."""

    names: tuple[str, ...]

    def __init__(self, *names: str) -> None:
        object.__setattr__(self, "names", names)


@dataclass(frozen=True, slots=True, init=False)
class AlsoWritten:
    """Further names under which a member is written, and understood."""

    names: tuple[str, ...]

    def __init__(self, *names: str) -> None:
        object.__setattr__(self, "names", names)


class WireModel(BaseModel):
    """One structure of the standard's tables."""

    model_config = ConfigDict(
        frozen=True,
        extra="ignore",
        alias_generator=to_camel,
        validate_by_name=True,
        coerce_numbers_to_str=True,
    )

    @classmethod
    def read(cls, given: object) -> Self:
        """Return `given`, a parsed JSON value, as this structure.

        Raises:
            MissingFieldError, BadValueError: name the first member at fault in dotted form.
        """
        try:
            return cls.model_validate(given)
        except ValidationError as error:
            raise refusal(error) from None  # its text holds the values, secrets included

    @classmethod
    def named(cls, given: Mapping[str, object]) -> dict[str, object]:
        """Return `given` with the table's names for its members, without null ones.

        Of several spellings of one member the first that the class lists wins.
        """
        spellings = _spellings(cls)
        named: dict[str, tuple[int, object]] = {}
        for key, value in given.items():
            name, rank = spellings.get(key) or spellings.get(key.lower(), (key, 0))
            if value is not None and (name not in named or rank < named[name][0]):
                named[name] = (rank, value)
        return {name: value for name, (_, value) in named.items()}

    def to_wire(self) -> dict[str, object]:
        """Return this structure as JSON values under its printed names; absent members left out."""
        return self.model_dump(mode="json", by_alias=True, exclude_none=True)

    @model_validator(mode="before")
    @classmethod
    def _read_tolerantly(cls, given: object) -> object:
        return cls.named(given) if isinstance(given, Mapping) else given

    @model_serializer(mode="wrap")
    def _write_every_name(self, write: SerializerFunctionWrapHandler) -> dict[str, Any]:
        written = cast("dict[str, Any]", write(self))
        for name, others in _written_too(type(self)):
            if name in written:
                written.update(dict.fromkeys(others, written[name]))
        return written


@cache
def _spellings(model: type[WireModel]) -> dict[str, tuple[str, int]]:
    """Map each spelling, as printed and in lower case, to the table's name and its rank."""
    table: dict[str, tuple[str, int]] = {}
    for attribute, field in model.model_fields.items():
        name = field.alias or attribute
        also = [n for m in field.metadata if isinstance(m, AlsoRead | AlsoWritten) for n in m.names]
        for rank, spelling in enumerate([name, *also, attribute]):
            table.setdefault(spelling, (name, rank))
            table.setdefault(spelling.lower(), (name, rank))
    return table


@cache
def _written_too(model: type[WireModel]) -> tuple[tuple[str, tuple[str, ...]], ...]:
    """Return the members that are written under several names, with the further names."""
    return tuple(
        (field.alias or attribute, mark.names)
        for attribute, field in model.model_fields.items()
        for mark in field.metadata
        if isinstance(mark, AlsoWritten)
    )


def read_json(text: bytes) -> object:
    """Return the value in `text`, JSON in UTF-8 with or without a byte order mark.

    NaN and Infinity, which some writers emit, are read, so that the member that holds one can be
    named when it is refused. Nesting is bounded by the parser.

    Raises:
        BadValueError: says where the text stops being JSON.
    """
    try:
        return from_json(text.removeprefix(b"\xef\xbb\xbf"))
    except ValueError as error:
        raise BadValueError(f"expected JSON in UTF-8: {error}", field="body") from None


def refusal(error: ValidationError) -> RefusedError:
    """Return the first finding of `error` as our error."""
    finding = error.errors(include_url=False)[0]
    field = dotted(finding["loc"])
    if finding["type"] == "missing":
        return MissingFieldError(field)
    secret = field.rpartition(".")[2].lower() in SECRET_MEMBERS
    given = None if secret else _shown(finding["input"])
    return BadValueError(_expectation(finding), field=field, given=given)


def _shown(given: object) -> object:
    """Return what of `given` may be repeated to its sender: scalars, secrets cut."""
    return None if isinstance(given, Mapping | list | tuple) else without_secrets(given)


def dotted(location: Sequence[int | str]) -> str:
    """Return `location` in dotted form: `taskInfo.rulesParams[0].eventType`."""
    steps = (f"[{step}]" if isinstance(step, int) else f".{step}" for step in location)
    return "".join(steps).removeprefix(".")


_EXPECTED = {
    "model_type": "expected an object",
    "model_attributes_type": "expected an object",
    "dict_type": "expected an object",
    "list_type": "expected an array",
    "tuple_type": "expected an array",
    "string_type": "expected a string",
    "string_too_short": "expected at least {min_length} character(s)",
    "string_too_long": "expected at most {max_length} characters",
    "string_pattern_mismatch": "expected text of the form {pattern}",
    "too_short": "expected at least {min_length} element(s)",
    "too_long": "expected at most {max_length} elements",
    "int_type": "expected an integer",
    "int_parsing": "expected an integer",
    "int_from_float": "expected an integer",
    "float_type": "expected a number",
    "float_parsing": "expected a number",
    "finite_number": "expected a finite number",
    "bool_type": "expected true or false",
    "bool_parsing": "expected true or false",
    "enum": "expected {expected}",
    "literal_error": "expected {expected}",
    "greater_than_equal": "expected at least {ge}",
    "greater_than": "expected more than {gt}",
    "less_than_equal": "expected at most {le}",
    "less_than": "expected less than {lt}",
    "value_error": "{error}",
}


def _expectation(finding: ErrorDetails) -> str:
    template = _EXPECTED.get(finding["type"])
    if template is None:
        return finding["msg"]
    return template.format_map(finding.get("ctx", {}))
