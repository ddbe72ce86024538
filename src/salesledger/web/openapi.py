"""The OpenAPI document: drawn from the catalogue of projections and the table of commands, so that it says what is there."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from salesledger import __version__
from salesledger.readmodel.catalogue import Projection
from salesledger.readmodel.engine import DIMENSIONS
from salesledger.web.commands import Command, Field
from salesledger.web.settings import Settings
from salesledger.web.state import INTERVALS

_PROBLEM = {"$ref": "#/components/responses/Problem"}
_SAID = {
    "as_of": "The state at the end of this day; now where absent.",
    "known_at": "With what was known by the end of this day; now where absent.",
    "since": "The earlier date, for what compares two.",
    "period": "Such as 2026Q1 or 'last month'.",
    "begin": "The first day.",
    "end": "The day after the last one.",
}


def document(projections: Iterable[Projection], commands: Iterable[Command], settings: Settings) -> dict[str, Any]:
    """The document."""
    paths: dict[str, Any] = {
        "/api/projections": {"get": _get("projections", "The projections there are.", [])},
        "/api/commands": {"get": _get("commands", "The commands there are.", [])},
    }
    for projection in projections:
        if not projection.problem:
            paths[f"/api/projections/{projection.name}"] = {"get": _of_projection(projection)}
    for command in commands:
        paths[f"/api/commands/{'/'.join(command.words)}"] = _of_command(command)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "salesledger",
            "version": __version__,
            "description": "Every projection and command of a sales ledger. Amounts are texts, instants ISO 8601 in UTC.",
        },
        "paths": paths,
        "components": {
            "responses": {
                "Problem": _answer("What is wrong, and what to do about it.", {"$ref": "#/components/schemas/Problem"})
            },
            "schemas": {
                "Problem": {
                    "type": "object",
                    "required": ["error"],
                    "properties": {"error": {"type": "string"}},
                },
                "Recorded": {
                    "type": "object",
                    "required": ["entries", "notes"],
                    "properties": {
                        "entries": {"type": "array", "items": {"type": "object"}},
                        "notes": {"type": "array", "items": {"type": "string"}},
                    },
                },
            },
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
        },
        "security": [{"token": []}] if settings.tokens else [{}],
    }


def _answer(description: str, schema: dict[str, Any]) -> dict[str, Any]:
    return {"description": description, "content": {"application/json": {"schema": schema}}}


def _operation(name: str, summary: str, schema: dict[str, Any]) -> dict[str, Any]:
    return {
        "operationId": name,
        "summary": summary,
        "responses": {"200": _answer("The answer.", schema), "4XX": _PROBLEM, "503": _PROBLEM},
    }


def _get(name: str, summary: str, parameters: list[dict[str, Any]]) -> dict[str, Any]:
    return _operation(name, summary, {"type": "array", "items": {"type": "object"}}) | {"parameters": parameters}


def _of_projection(projection: Projection) -> dict[str, Any]:
    parameters = [_parameter(name, {"type": "string"}, said) for name, said in _SAID.items()]
    parameters += [
        _parameter("upto", {"type": "integer", "minimum": 1}, "Nothing behind this entry is looked at."),
        _parameter("interval", {"type": "string", "enum": [*INTERVALS]}, "A row for each."),
        _parameter("by", {"type": "string", "enum": [*DIMENSIONS]}, "Split by this, where it can be."),
        _parameter(
            "filter", {"type": "array", "items": {"type": "string"}}, "Terms on its columns, such as owner:kim."
        ),
        _parameter("limit", {"type": "integer", "minimum": 0}, "At most so many rows."),
        _parameter("offset", {"type": "integer", "minimum": 0}, "Leave out the first ones."),
    ]
    operation = _get(f"projection_{projection.name}", projection.title, parameters)
    columns = {name: {"description": meaning} for name, meaning in projection.columns.items()}
    schema = {"type": "array", "items": {"type": "object", "properties": columns}}
    operation["responses"]["200"] = _answer(projection.grain, schema)
    return operation


def _parameter(name: str, schema: dict[str, Any], said: str, *, required: bool = False) -> dict[str, Any]:
    return {"name": name, "in": "query", "required": required, "description": said, "schema": schema}


def _of_command(command: Command) -> dict[str, Any]:
    name = f"command_{'_'.join(command.words).replace('-', '_')}"
    schema: dict[str, Any] = (
        {"$ref": "#/components/schemas/Recorded"} if command.records and command.prints_json else {}
    )
    properties = {field.name: _schema(field) for field in command.fields}
    required = [field.name for field in command.fields if field.required]
    posted = _operation(name, command.help, schema) | {
        "requestBody": {
            "required": True,
            "content": {
                "application/json": {
                    "schema": {"type": "object", "properties": properties, "additionalProperties": False}
                    | ({"required": required} if required else {})
                }
            },
        }
    }
    if command.records:
        return {"post": posted}
    parameters = [
        _parameter(field.name, _schema(field), field.help, required=field.required)
        for field in command.fields
        if not field.records
    ]
    asked = _operation(f"{name}_asked", command.help, schema) | {"parameters": parameters}
    return {"get": asked, "post": posted}


def _schema(field: Field) -> dict[str, Any]:
    kinds: dict[str, dict[str, Any]] = {
        "flag": {"type": "boolean"},
        "integer": {"type": "integer"},
        "choice": {"type": "string", "enum": [*field.choices]},
    }
    one = kinds.get(field.kind, {"type": "string"})
    return {"type": "array", "items": one} if field.many else one
