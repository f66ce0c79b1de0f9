"""Parameters: their common parts, and how their mistakes are told."""

import re
from typing import TYPE_CHECKING, Annotated, TypeVar

import msgspec

from gateway_sim.payments.errors import InvalidRequestError
from gateway_sim.payments.presenting import present
from gateway_sim.payments.shapes.base import Shape
from gateway_sim.wire import JsonObject

if TYPE_CHECKING:
    from gateway_sim.payments.world import World

P = TypeVar("P", bound="Params")
S = TypeVar("S", bound=Shape)
LIMIT_MAX = 100
METADATA_KEYS_MAX = 50
METADATA_KEY_CHARACTERS_MAX = 40
METADATA_VALUE_CHARACTERS_MAX = 500
_FIELD = re.compile(r"(?:required|unknown) field `([^`]+)`")
_PATH = re.compile(r" - at `\$\.?([^`]*)`")
_EXPECTED = re.compile(r"Expected `([^`]+)`")


Instant = Annotated[int, msgspec.Meta(ge=0, le=253_402_300_799)]
"""Seconds since 1970, up to the year 9999."""


class Params(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Every endpoint takes `expand`; an unknown parameter is refused, as Stripe does."""

    expand: list[str] = []


class ListParams(Params, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What every list takes."""

    limit: int = 10
    starting_after: str | None = None
    ending_before: str | None = None
    created: Instant | dict[str, Instant] | None = None


class Page(msgspec.Struct, frozen=True, kw_only=True):
    """A part of a list, newest first."""

    url: str
    data: list[JsonObject]
    has_more: bool
    object: str = "list"


Metadata = dict[str, str] | str
"""Keys to set; an empty value removes its key, an empty string all of them."""


def decode_params(params: type[P], values: JsonObject) -> P:
    """Check a request's parameters.

    Raises InvalidRequestError in Stripe's words.
    """
    try:
        return msgspec.convert(values, params, strict=False)
    except msgspec.ValidationError as error:
        raise _told(str(error)) from error


def _told(message: str) -> InvalidRequestError:
    path = _PATH.search(message)
    inside = _bracketed(path[1]) if path else ""
    if field := _FIELD.search(message):
        param = f"{inside}[{field[1]}]" if inside else field[1]
        if "missing" in message:
            text, code = f"Missing required param: {param}.", "parameter_missing"
        else:
            text, code = f"Received unknown parameter: {param}", "parameter_unknown"
        return InvalidRequestError(text, code=code, param=param)
    expected = _EXPECTED.search(message)
    if expected and expected[1] == "int":
        text, code = f"Invalid integer for {inside}", "parameter_invalid_integer"
    else:
        text, code = f"Invalid {inside}: {_PATH.sub('', message)}", "parameter_invalid"
    return InvalidRequestError(text, code=code, param=inside or None)


def _bracketed(path: str) -> str:
    head, *rest = path.replace("[", ".").replace("]", "").replace("...", "").split(".")
    return head + "".join(f"[{part}]" for part in rest if part)


def checked_url(url: str, *, param: str) -> str:
    """A URL that a browser or the courier can go to.

    Raises InvalidRequestError.
    """
    if not url.startswith(("http://", "https://")):
        msg = "Not a valid URL: an explicit scheme (such as https) must be provided."
        raise InvalidRequestError(msg, code="url_invalid", param=param)
    return url


def merge_metadata(kept: dict[str, str], given: Metadata | None) -> dict[str, str]:
    """Metadata after an update.

    Raises InvalidRequestError beyond Stripe's limits.
    """
    if given is None:
        return kept
    if isinstance(given, str):
        if given:
            msg = "Invalid metadata: it must be a set of keys and values."
            raise InvalidRequestError(msg, param="metadata")
        return {}
    merged = {key: value for key, value in {**kept, **given}.items() if value}
    if (
        len(merged) > METADATA_KEYS_MAX
        or any(len(key) > METADATA_KEY_CHARACTERS_MAX for key in merged)
        or any(len(value) > METADATA_VALUE_CHARACTERS_MAX for value in merged.values())
    ):
        msg = "Metadata is limited to 50 keys of 40 characters with values of 500 characters."
        raise InvalidRequestError(msg, param="metadata")
    return merged


Range = Instant | dict[str, Instant] | None
"""One instant, or bounds by `gt`, `gte`, `lt`, `lte`."""


def list_page(
    world: "World",
    shape: type[S],
    params: ListParams,
    *,
    url: str,
    ranges: dict[str, Range] | None = None,
    **where: str | None,
) -> Page:
    """A page of a kind's objects, filtered by the columns in `where` and `ranges`.

    Raises InvalidRequestError for a limit outside 1 to 100 or an unknown cursor.
    """
    if not 1 <= params.limit <= LIMIT_MAX:
        msg = f"Invalid limit: it must be between 1 and {LIMIT_MAX}."
        raise InvalidRequestError(msg, param="limit")
    for param in ("starting_after", "ending_before"):
        cursor = getattr(params, param)
        if cursor is not None:
            world.load(shape, cursor, param=param)
    found = list(
        world.store.find(
            shape,
            where=where,
            ranges={
                name: _bounds(name, given)
                for name, given in {"created": params.created, **(ranges or {})}.items()
            },
            limit=params.limit + 1,
            after=params.starting_after,
            before=params.ending_before,
        )
    )
    has_more = len(found) > params.limit
    if has_more:
        del found[0 if params.ending_before else -1]
    return Page(url=url, data=[present(world, one) for one in found], has_more=has_more)


def _bounds(name: str, given: Range) -> dict[str, int]:
    if isinstance(given, int):
        return {"gte": given, "lte": given}
    unknown = (given or {}).keys() - {"gt", "gte", "lt", "lte"}
    if unknown:
        param = f"{name}[{min(unknown)}]"
        msg = f"Received unknown parameter: {param}"
        raise InvalidRequestError(msg, code="parameter_unknown", param=param)
    return given or {}
