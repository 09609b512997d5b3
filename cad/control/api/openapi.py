"""The API's own description: an OpenAPI 3.1 document, made of the routes and models that serve."""

import inspect
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, get_args

from cad.base.errors import (
    CadError,
    NotFoundError,
    RefusedError,
    TooLargeError,
)
from cad.control.api.routing import Route
from cad.control.api.schemas import REFERENCE, Schema, Schemas, members
from cad.domain.dialects import STANDARD, Dialect, EmptyData
from cad.wire.envelope import EnvelopeStyle
from cad.wire.model import WireModel
from cad.wire.oauth import AnswerStyle, OAuthError

JSON = "application/json"
REQUEST_ID_HEADER = "X-Request-Id"
WITH_BODY = {"POST", "PUT", "PATCH"}
REFUSAL = "Refusal"

_VARIABLE = re.compile(r"{(\w+)}")
_ANY_CALL = (RefusedError, CadError)


@dataclass(frozen=True, slots=True, kw_only=True)
class Surface:
    """Calls that are served together."""

    title: str
    version: str
    """Of the product."""
    routes: Sequence[Route]
    dialect: Dialect = STANDARD
    security: Mapping[str, Schema] = field(default_factory=dict)
    """Security schemes by name, any of which admits a caller; empty = callers are trusted."""
    refuses: tuple[type[CadError], ...] = ()
    """Families of errors with which any call may turn its caller away."""


def describe(surface: Surface) -> Schema:
    """Return the document of `surface`. Takes some hundred milliseconds."""
    return _Author(surface).document()


class _Author:
    """Writes one document."""

    def __init__(self, surface: Surface) -> None:
        contracts = [route.contract for route in surface.routes]
        self._surface = surface
        self._responses: dict[str, Schema] = {}
        self._schemas = Schemas(
            (model for contract in contracts for model in contract.takes),
            [OAuthError, *(c.answers for c in contracts if c.answers is not None)],
        )

    def document(self) -> Schema:
        surface, paths = self._surface, dict[str, Schema]()
        for route in surface.routes:
            paths.setdefault(route.path, {})[route.method.lower()] = self._operation(route)
        return {
            "openapi": "3.1.0",
            "info": {
                "title": surface.title,
                "version": surface.version,
                "description": "T/BAX XXXX.4-2023. Fixed segments of paths match in any case.",
            },
            "paths": paths,
            "components": self._components(),
            "security": [{name: []} for name in surface.security],
            "x-result-codes": result_codes(),
        }

    def _components(self) -> Schema:
        styles = {self._style(route) for route in self._surface.routes}
        envelopes = {
            style.name: _envelope(style) for style in styles if isinstance(style, EnvelopeStyle)
        }
        return {
            "schemas": {**self._schemas.components, **envelopes, REFUSAL: _REFUSAL},
            "responses": self._responses,
            "securitySchemes": dict(self._surface.security),
        }

    def _style(self, route: Route) -> AnswerStyle:
        return route.style.spoken_in(self._surface.dialect)

    def _operation(self, route: Route) -> Schema:
        operation: Schema = {
            "operationId": _operation_id(route),
            "summary": summary_of(route),
            "tags": [route.style.name],
            "parameters": self._parameters(route),
            "responses": {"200": self._success(route), **self._refusals(route)},
        }
        if not route.scopes and self._surface.security:
            operation["security"] = []
        if route.contract.clause:
            operation["x-clause"] = route.contract.clause
        if route.method in WITH_BODY and route.contract.takes:
            operation["requestBody"] = self._body(route)
        return operation

    # Requests

    def _parameters(self, route: Route) -> list[Schema]:
        known: dict[str, Schema] = {}
        required: set[str] = set()
        for model in route.contract.takes:
            schema = self._schemas.resolve(self._schemas.request(model))
            known |= members(schema)
            required |= set(schema.get("required", ()))
        variables = _VARIABLE.findall(route.path)
        found = [
            _parameter("path", name, known.get(name, _ID), required=True) for name in variables
        ]
        if route.method not in WITH_BODY:
            spellings = {name for model in route.contract.takes for name in _table_names(model)}
            queried = [name for name in known if name in spellings - set(variables)]
            found += [
                _parameter("query", name, known[name], required=name in required)
                for name in queried
            ]
        return found

    def _body(self, route: Route) -> Schema:
        variables = set(_VARIABLE.findall(route.path))
        schemas = [self._without(model, variables) for model in route.contract.takes]
        resolved = [self._schemas.resolve(schema) for schema in schemas]
        needed = all("required" in schema or "allOf" in schema for schema in resolved)
        schema = schemas[0] if len(schemas) == 1 else {"anyOf": schemas}
        kind = route.contract.body_type or JSON
        return {"required": needed, "content": {kind: {"schema": schema}}}

    def _without(self, model: type[WireModel], variables: set[str]) -> Schema:
        """Return the schema of `model` without the members that stand in the path."""
        reference = self._schemas.request(model)
        schema = self._schemas.resolve(reference)
        left = {n: s for n, s in members(schema).items() if n not in variables}
        if len(left) == len(members(schema)):
            return reference
        spellings = _table_names(model)
        required = [name for name in schema.get("required", ()) if name in left]
        own = {name: member for name, member in left.items() if name in spellings}
        return {"type": "object", "properties": own, **({"required": required} if required else {})}

    # Answers

    def _success(self, route: Route) -> Schema:
        contract = route.contract
        if contract.content_type:
            return _response("Done.", {contract.content_type: {}})
        style = self._style(route)
        if not isinstance(style, EnvelopeStyle):
            return _response("Done.", _json(self._schemas.answer(contract.answers)))
        done: Schema = {"properties": {"code": {"const": style.code(0)}}}
        payload, needed = self._payload(contract.answers, style)
        if payload:
            done["properties"]["data"] = payload[0] if len(payload) == 1 else {"anyOf": payload}
        if needed:
            done["required"] = ["data"]
        return _response("Done.", _json({"allOf": [_reference(style.name), done]}))

    def _payload(self, kind: Any, style: EnvelopeStyle) -> tuple[list[Schema], bool]:  # noqa: ANN401
        """Return what `data` may be, and whether it is always there."""
        found = [] if kind is None else [self._schemas.answer(kind)]
        if kind is not None and type(None) not in get_args(kind):
            return found, True
        empty = _EMPTY.get(style.empty)
        return (found, False) if empty is None else ([*found, empty], True)

    def _refusals(self, route: Route) -> Schema:
        families: tuple[type[CadError], ...] = (
            *_ANY_CALL,
            *self._surface.refuses,
            *route.contract.refuses,
        )
        if route.contract.takes:
            families += (TooLargeError,)
        if "{" in route.path:
            families += (NotFoundError,)
        style = self._style(route)
        by_status = {family.status: family for family in families}
        for status, family in by_status.items():
            body = _json(self._refusal(style))
            self._responses[f"{style.name}{status}"] = _response(_meaning(family), body)
        return {
            str(status): {"$ref": f"#/components/responses/{style.name}{status}"}
            for status in sorted(by_status)
        }

    def _refusal(self, style: AnswerStyle) -> Schema:
        if isinstance(style, EnvelopeStyle):
            return {"allOf": [_reference(style.name), _reference(REFUSAL)]}
        return self._schemas.answer(OAuthError)


def _meaning(family: type[CadError]) -> str:
    if family is CadError:
        return "An internal error; the log says more under its request id."
    return _first_line(family)


def result_codes() -> dict[str, str]:
    """Return every code family that an answer may have, with its meaning (AM-07)."""
    found = {family.code: _meaning(family) for family in _families(CadError)}
    return {str(code): found[code] for code in sorted(found)}


def _families(base: type[CadError]) -> Iterable[type[CadError]]:
    """Yield the classes of `cad.base.errors`, whose codes all others share."""
    if base.__module__ == CadError.__module__:
        yield base
        for family in base.__subclasses__():
            yield from _families(family)


def summary_of(route: Route) -> str:
    """Return what the call does, in a line."""
    return route.contract.summary or _first_line(route.handler)


def _first_line(thing: object) -> str:
    return (inspect.getdoc(thing) or "").partition("\n")[0]


def _operation_id(route: Route) -> str:
    words = re.findall(r"\w+", route.path)
    return "_".join([route.method.lower(), *words])


def _table_names(model: type[WireModel]) -> set[str]:
    return {member.alias or attribute for attribute, member in model.model_fields.items()}


_ID: Schema = {"type": "string", "minLength": 1}


def _parameter(place: str, name: str, schema: Schema, *, required: bool) -> Schema:
    return {"name": name, "in": place, "required": required, "schema": schema}


_EMPTY: Mapping[EmptyData, Schema] = {
    EmptyData.NULL: {"type": "null"},
    EmptyData.TRUE: {"const": True},
    EmptyData.OBJECT: {"type": "object", "maxProperties": 0},
}

_REFUSAL: Schema = {
    "type": "object",
    "description": "What a refusal says beside its code and its message.",
    "properties": {
        "error": {
            "type": "object",
            "properties": {
                "field": {"type": "string", "description": "The member at fault, dotted."},
                "given": {"type": "string", "description": "Its value, shortened, secrets cut."},
                "expected": {"type": "string"},
            },
            "required": ["expected"],
        }
    },
}


def _envelope(style: EnvelopeStyle) -> Schema:
    digits: Schema = {"type": "string", "pattern": "^[0-9]+$"}
    properties: Schema = {"code": digits if style.code_is_text else {"type": "integer"}}
    properties |= {name: {"type": "string"} for name in style.message_names}
    properties["requestId"] = {"type": "string"}
    return {"type": "object", "properties": properties, "required": list(properties)}


def _reference(name: str) -> Schema:
    return {"$ref": REFERENCE.format(model=name)}


def _json(schema: Schema) -> Schema:
    return {JSON: {"schema": schema}}


def _response(description: str, content: Schema) -> Schema:
    header = {"required": True, "schema": {"type": "string"}}
    return {"description": description, "headers": {REQUEST_ID_HEADER: header}, "content": content}
