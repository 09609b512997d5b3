"""What the API answers, held against what its own document promises."""

import json
from typing import Any

import jsonschema_rs

from cad.base.errors import RefusedError
from cad.control.api.openapi import Surface, describe
from cad.control.api.routing import RouteTable


class Promises:
    """The document of one surface."""

    def __init__(self, surface: Surface) -> None:
        self.document = describe(surface)
        self._table = RouteTable(surface.routes)
        self._validators: dict[str, jsonschema_rs.Draft202012Validator] = {}

    def check(self, method: str, raw_path: str, status: int, answer: Any) -> None:
        """Assert that a call may be answered so; calls that are not served promise nothing."""
        operation = self.operation(method, raw_path)
        if operation is None:
            return
        assert str(status) in operation["responses"], f"{method} {raw_path}: {status}"
        schema = self._schema(operation["responses"][str(status)])
        if schema is not None:
            self._validate(schema, answer)

    def operation(self, method: str, raw_path: str) -> Any:
        """Return what the document says of a call, None if it is not served."""
        try:
            route = self._table.find(method, raw_path.partition("?")[0]).route
        except RefusedError:
            return None
        return self.document["paths"][route.path][method.lower()]

    def _schema(self, response: Any) -> Any:
        if "$ref" in response:
            response = self.document["components"]["responses"][response["$ref"].split("/")[-1]]
        return response["content"].get("application/json", {}).get("schema")

    def _validate(self, schema: Any, answer: Any) -> None:
        key = json.dumps(schema)
        if key not in self._validators:
            whole = {**schema, "components": self.document["components"]}
            self._validators[key] = jsonschema_rs.Draft202012Validator(whole)
        self._validators[key].validate(answer)
