"""JSON Schemas of what calls take and answer, made from the models that read and write it.

A request's schema lists every spelling of a member. An answer's schema says what is written: each
member under all its names, and nothing is null, for what is absent is left out.
"""

import ast
import inspect
import textwrap
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Literal, cast

from pydantic import BaseModel, TypeAdapter
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue
from pydantic_core import CoreSchema, core_schema
from typing_extensions import override

from cad.wire.model import AlsoRead, AlsoWritten, WireModel

REFERENCE = "#/components/schemas/{model}"

Schema = dict[str, Any]
Use = Literal["validation", "serialization"]


class Schemas:
    """The schemas of requests and answers, which refer to common `components`."""

    def __init__(self, requests: Iterable[type[WireModel]], answers: Iterable[Any]) -> None:
        wanted: list[tuple[Any, Use]] = [(model, "validation") for model in requests]
        wanted += [(kind, "serialization") for kind in answers]
        self._schemas, definitions = TypeAdapter.json_schemas(
            [(kind, use, TypeAdapter(kind)) for kind, use in dict.fromkeys(wanted)],
            ref_template=REFERENCE,
            schema_generator=_Generator,
        )
        self.components: dict[str, Schema] = definitions.get("$defs", {})

    def request(self, model: type[WireModel]) -> Schema:
        """Return the schema of `model` as a request: a reference to a component."""
        return self._schemas[model, "validation"]

    def answer(self, kind: Any) -> Schema:  # noqa: ANN401 - any type that can be written
        """Return the schema of a payload of type `kind`."""
        return self._schemas[kind, "serialization"]

    def resolve(self, schema: Schema) -> Schema:
        """Return the component that `schema` refers to, or `schema` itself."""
        name = str(schema.get("$ref", "")).rpartition("/")[2]
        return self.components[name] if name else schema


class _Generator(GenerateJsonSchema):
    """Writes a model's schema as `WireModel` reads and writes it."""

    @override
    def nullable_schema(self, schema: core_schema.NullableSchema) -> JsonSchemaValue:
        return self.generate_inner(schema["schema"])

    @override
    def default_schema(self, schema: core_schema.WithDefaultSchema) -> JsonSchemaValue:
        written = super().default_schema(schema)
        if written.get("default", ...) is None:
            del written["default"]
        return written

    @override
    def ser_schema(self, schema: Any) -> JsonSchemaValue | None:
        """Look through the serializer of `WireModel`, which only repeats members."""
        return None if schema["type"] == "function-wrap" else super().ser_schema(schema)

    @override
    def field_is_required(self, field: Any, total: bool) -> bool:
        if self.mode == "validation":
            return super().field_is_required(field, total)
        return not _is_nullable(field["schema"])

    @override
    def model_schema(self, schema: core_schema.ModelSchema) -> JsonSchemaValue:
        written, model = super().model_schema(schema), cast("type[BaseModel]", schema["cls"])
        written.pop("title", None)
        properties = written.get("properties", {})
        for attribute, sentence in _sentences(model):
            field = model.model_fields[attribute]
            properties[field.alias or attribute].update(description=sentence)
        for name, others in _other_names(model, self.mode):
            properties.update(dict.fromkeys(others, properties[name]))
            if name in written.get("required", ()):
                _require(written, name, others, self.mode)
        return written

    @override
    def field_title_should_be_set(self, schema: Any) -> bool:
        return False


def _is_nullable(schema: CoreSchema) -> bool:
    if schema["type"] == "nullable":
        return True
    inner = schema.get("schema")
    return inner is not None and _is_nullable(cast("CoreSchema", inner))


def _other_names(model: type[BaseModel], use: Use) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Yield the members that are also read, or also written, under other names."""
    marks = AlsoRead | AlsoWritten if use == "validation" else AlsoWritten
    for attribute, field in model.model_fields.items():
        others = [n for mark in field.metadata if isinstance(mark, marks) for n in mark.names]
        if others:
            yield field.alias or attribute, tuple(others)


def _require(written: Schema, name: str, others: tuple[str, ...], use: Use) -> None:
    if use == "serialization":
        written["required"] += others
        return
    written["required"] = [other for other in written["required"] if other != name]
    one_of_them: Schema = {"anyOf": [{"required": [spelling]} for spelling in (name, *others)]}
    written.setdefault("allOf", []).append(one_of_them)


def _sentences(model: type[BaseModel]) -> Iterator[tuple[str, str]]:
    """Yield the members of `model` that have a docstring below them, with its text."""
    for base in reversed(model.__mro__):
        if issubclass(base, WireModel) and base is not WireModel:
            body = ast.parse(textwrap.dedent(inspect.getsource(base))).body[0]
            yield from _documented(cast("ast.ClassDef", body))


def _documented(definition: ast.ClassDef) -> Iterator[tuple[str, str]]:
    for statement, below in zip(definition.body, definition.body[1:], strict=False):
        match statement, below:
            case (
                ast.AnnAssign(target=ast.Name(id=name)),
                ast.Expr(value=ast.Constant(value=str() as text)),
            ):
                yield name, " ".join(text.split())
            case _:
                pass


def members(schema: Mapping[str, Any]) -> dict[str, Schema]:
    """Return the members of an object's schema."""
    return dict(schema.get("properties", {}))
