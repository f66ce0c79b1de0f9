"""What OpenAPI says about `POST /v1/lane-events`, taken from the very types that decode it."""

from dataclasses import dataclass
from typing import Any, Final, cast

import msgspec
from litestar.openapi.spec import (
    OpenAPIHeader,
    OpenAPIMediaType,
    OpenAPIResponse,
    OpenAPIType,
    Operation,
    RequestBody,
    Schema,
)

from parking.services.incoming import Incoming
from parking.web.event_results import EventResult, EventResults, Problem

_RENAMED: Final = {
    "anyOf": "any_of",
    "maxItems": "max_items",
    "maxLength": "max_length",
    "minLength": "min_length",
}
_KEPT: Final = frozenset(
    {"default", "description", "enum", "format", "maximum", "minimum", "pattern", "required"}
)


def schema_of(python_type: object) -> Schema:
    """A type's JSON schema as OpenAPI holds it, without references."""
    document = msgspec.json.schema(cast("Any", python_type))
    return _schema(document, document.get("$defs", {}))


def _schema(node: dict[str, Any], definitions: dict[str, Any]) -> Schema:
    if "$ref" in node:
        return _schema(definitions[node["$ref"].rsplit("/", 1)[-1]], definitions)
    values: dict[str, Any] = {name: node[name] for name in _KEPT if name in node}
    values |= {ours: node[theirs] for theirs, ours in _RENAMED.items() if theirs in node}
    if "type" in node:
        values["type"] = OpenAPIType(node["type"])
    if "any_of" in values:
        values["any_of"] = [_schema(each, definitions) for each in values["any_of"]]
    if "properties" in node:
        values["properties"] = {
            name: _schema(each, definitions) for name, each in node["properties"].items()
        }
    if isinstance(node.get("items"), dict):
        values["items"] = _schema(node["items"], definitions)
    if node.get("additionalProperties") is False:
        values["additional_properties"] = False
    return Schema(**values)


_EVENT: Final = schema_of(Incoming)
_RETRY: Final = {
    "Retry-After": OpenAPIHeader(
        description="Seconds after which to send the same again",
        schema=Schema(type=OpenAPIType.INTEGER),
    )
}


def _answers(description: str, python_type: object) -> OpenAPIResponse:
    return OpenAPIResponse(
        description=description,
        content={"application/json": OpenAPIMediaType(schema=schema_of(python_type))},
    )


def _problem(description: str, *, retry: bool = False) -> OpenAPIResponse:
    content = {"application/problem+json": OpenAPIMediaType(schema=schema_of(Problem))}
    headers = cast("Any", _RETRY) if retry else None
    return OpenAPIResponse(description=description, content=content, headers=headers)


@dataclass
class LaneEventsOperation(Operation):
    """The operation with the bodies that the raw handler reads and writes."""

    def __post_init__(self) -> None:
        """Fill in what the framework cannot see."""
        many = Schema(type=OpenAPIType.ARRAY, items=_EVENT)
        lines = Schema(type=OpenAPIType.STRING, description="One event as JSON in each line")
        self.request_body = RequestBody(
            required=True,
            content={
                "application/json": OpenAPIMediaType(schema=Schema(one_of=[_EVENT, many])),
                "application/x-ndjson": OpenAPIMediaType(schema=lines),
            },
        )
        either = Schema(one_of=[schema_of(EventResult), schema_of(EventResults)])
        self.responses = {
            "200": OpenAPIResponse(
                description="A batch, each event answered on its own; or one event repeated",
                content={"application/json": OpenAPIMediaType(schema=either)},
            ),
            "201": _answers("One event, accepted", EventResult),
            "400": _problem("The body is not JSON"),
            "401": _problem("No key, or one that is unknown or revoked"),
            "403": _problem("Not a device key, or another lot's"),
            "404": _problem("Unknown lane or device"),
            "409": _problem("The event's id is recorded with other content"),
            "413": _problem("The body is too long"),
            "422": _problem("One event, refused for the reason given"),
            "429": _problem("Too many events from this device", retry=True),
            "503": _problem("The database cannot answer now", retry=True),
        }
