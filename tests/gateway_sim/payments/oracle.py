"""Stripe's own description of its API, and its example objects, as judges of our answers.

Both files lie beside the project, not in it; without them the tests that need them are skipped.
"""

import json
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from referencing import Registry, Resource
from referencing.jsonschema import DRAFT202012

FOLDER = Path(__file__).resolve().parents[4] / "shared" / "stripe"
SPEC = FOLDER / "openapi-2024-04-10.json"
FIXTURES = FOLDER / "fixtures3.json"
EXAMPLES_OF_ANOTHER_KIND = {
    "capabilities",
    "data",
    "last_payment_error",
    "last_setup_error",
    "metadata",
}
"""Where the example happens to show other contents than ours."""
NO_CARDS = {"destination_details", "payment_method_details"}
"""Of payments that came from the platform and not from a card."""
SPEC_URI = "urn:stripe"

needs_oracle = pytest.mark.skipif(
    not (SPEC.is_file() and FIXTURES.is_file()),
    reason="Stripe's openapi-2024-04-10.json and fixtures3.json are not in ../shared/stripe",
)


def _as_json_schema(node: Any) -> Any:
    """OpenAPI 3.0's `nullable` as JSON Schema's null."""
    if isinstance(node, list):
        return [_as_json_schema(part) for part in node]
    if not isinstance(node, dict):
        return node
    schema = {key: _as_json_schema(part) for key, part in node.items() if key != "nullable"}
    if node.get("nullable") is True:
        return {"anyOf": [schema, {"type": "null"}]}
    return schema


@cache
def _registry() -> Registry[Any]:
    spec = _as_json_schema(json.loads(SPEC.read_text(encoding="utf-8")))
    resource = Resource.from_contents(spec, default_specification=DRAFT202012)
    registry: Registry[Any] = Registry()
    return registry.with_resource(SPEC_URI, resource)


@cache
def _fixtures() -> dict[str, Any]:
    resources: dict[str, Any] = json.loads(FIXTURES.read_text(encoding="utf-8"))["resources"]
    return resources


@cache
def _spec() -> dict[str, Any]:
    schemas: dict[str, Any] = json.loads(SPEC.read_text(encoding="utf-8"))["components"]["schemas"]
    return schemas


def schema_mistakes(body: dict[str, Any], schema: str) -> list[str]:
    """Where an answer breaks the OpenAPI document."""
    pointer = {"$ref": f"{SPEC_URI}#/components/schemas/{schema}"}
    validator = Draft202012Validator(pointer, registry=_registry())
    return [f"{error.json_path}: {error.message[:200]}" for error in validator.iter_errors(body)]


def key_mistakes(body: dict[str, Any], schema: str) -> list[str]:
    """Keys that an answer lacks or invents, by the example object and the document together."""
    example = _fixtures()[schema]
    known = set(example) | set(_spec()[schema]["properties"])
    mistakes = [f"lacks {path}" for path in _lacking(body, example, path="")]
    return mistakes + [f"invents {key}" for key in sorted(set(body) - known)]


def _lacking(body: dict[str, Any], example: dict[str, Any], *, path: str) -> list[str]:
    lacking = [f"{path}{key}" for key in sorted(set(example) - set(body))]
    another = EXAMPLES_OF_ANOTHER_KIND | (NO_CARDS if _has_no_card(body) else set())
    for key in (set(example) & set(body)) - another:
        if isinstance(body[key], dict) and isinstance(example[key], dict):
            lacking += _lacking(body[key], example[key], path=f"{path}{key}.")
    return lacking


def _has_no_card(body: dict[str, Any]) -> bool:
    return bool(body.get("source_transfer") or body.get("source_transfer_reversal"))


def assert_is_stripes(body: dict[str, Any], schema: str) -> None:
    """Hold an answer against both judges."""
    mistakes = schema_mistakes(body, schema) + key_mistakes(body, schema)
    assert not mistakes, f"{schema} {body.get('id', '')}: {mistakes}"
