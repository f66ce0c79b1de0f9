"""The published OpenAPI of the parking product as judge of requests and answers.

It lies beside the project, not in it; without it the tests that need it are skipped.
"""

import json
import re
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
import yaml
from jsonschema import Draft202012Validator

FOLDER = Path(__file__).resolve().parents[4] / "shared" / "payloads" / "wechatpay"
PAGES = (
    ("GET", r"/v3/vehicle/parking/services/find", "find_plate_service"),
    ("POST", r"/v3/vehicle/parking/parkings", "create_parking"),
    ("POST", r"/v3/vehicle/transactions/parking", "create_transaction"),
    ("GET", r"/v3/vehicle/transactions/out-trade-no/[^/]+", "query_transaction"),
)
COLORS = ["BLUE", "GREEN", "YELLOW", "BLACK", "WHITE", "LIMEGREEN"]
"""The one definition that the pages refer to and that is not among them."""

needs_oracle = pytest.mark.skipif(
    not all((FOLDER / f"{page}.openapi.yaml").is_file() for *_, page in PAGES),
    reason="the OpenAPI of WeChat Pay parking is not in ../shared/payloads/wechatpay",
)


@cache
def page(name: str) -> dict[str, Any]:
    """One operation: its parameters and answers."""
    document = yaml.safe_load((FOLDER / f"{name}.openapi.yaml").read_text(encoding="utf-8"))
    (operation,) = document.values()
    told: dict[str, Any] = _resolved(operation)
    return told


def example(name: str, kind: str) -> dict[str, Any]:
    """A published example, `request` or `response_200`."""
    text = (FOLDER / f"{name}.{kind}.json").read_text(encoding="utf-8")
    told: dict[str, Any] = json.loads(text)
    return told


def _resolved(node: Any) -> Any:
    if isinstance(node, list):
        return [_resolved(part) for part in node]
    if not isinstance(node, dict):
        return node
    if str(node.get("$ref", "")).endswith("Enumerations.yaml#/VehiclePlateColor"):
        return {"type": "string", "enum": COLORS}
    assert "$ref" not in node
    return {key: _resolved(part) for key, part in node.items()}


def page_of(method: str, path: str) -> str:
    """Which operation a request is."""
    bare = urlsplit(path).path
    (found,) = [
        name
        for verb, pattern, name in PAGES
        if verb == method and re.fullmatch(pattern, bare) is not None
    ]
    return found


def mistakes_of_request(
    method: str, path: str, body: dict[str, Any] | None, *, partner: bool = True
) -> list[str]:
    """Where a request breaks the document."""
    parameters = page(page_of(method, path))["parameters"]
    if body is not None:
        (whole,) = [it["schema"] for it in parameters if it["in"] == "body"]
        return _mistakes(body, whole) + _invented(body, whole)
    given = dict(parse_qsl(urlsplit(path).query, strict_parsing=partner))
    wanted = {it["name"]: it for it in parameters if it["in"] == "query"}
    lacking = [name for name, it in wanted.items() if it.get("required") and name not in given]
    return lacking + sorted(given.keys() - wanted.keys())


def mistakes_of_answer(name: str, body: dict[str, Any]) -> list[str]:
    """Where an answer breaks the document, lacks a key or invents one."""
    schema = page(name)["responses"]["200"]["schema"]
    return _mistakes(body, schema) + _invented(body, schema)


def _mistakes(body: dict[str, Any], schema: dict[str, Any]) -> list[str]:
    validator = Draft202012Validator(schema)
    return [f"{it.json_path}: {it.message[:200]}" for it in validator.iter_errors(body)]


def _invented(body: dict[str, Any], schema: dict[str, Any], path: str = "") -> list[str]:
    known = schema["properties"]
    invented = [f"{path}{key}" for key in sorted(body.keys() - known.keys())]
    for key in body.keys() & known.keys():
        if isinstance(body[key], dict):
            invented += _invented(body[key], known[key], f"{path}{key}.")
    return invented
