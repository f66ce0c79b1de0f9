"""Stripe's search language, as far as looking payments up needs it."""

import re
from collections.abc import Callable
from typing import TYPE_CHECKING, TypeVar

import msgspec

from gateway_sim.payments.errors import InvalidRequestError
from gateway_sim.payments.operations.params import LIMIT_MAX, Params
from gateway_sim.payments.presenting import present
from gateway_sim.payments.shapes.base import Shape
from gateway_sim.wire import JsonObject

if TYPE_CHECKING:
    from gateway_sim.payments.world import World

S = TypeVar("S", bound=Shape)
_TERM = re.compile(
    r"""\s*(?P<not>-)?(?P<field>[a-z_]+)
        (?:\[\s*(?P<kq>["'])(?P<key>(?:\\.|(?!(?P=kq)).)*)(?P=kq)\s*\])?
        \s*(?P<op>:|~|>=|<=|>|<)\s*
        (?:(?P<q>["'])(?P<text>(?:\\.|(?!(?P=q)).)*)(?P=q)|(?P<word>[A-Za-z0-9_.-]+))\s*""",
    re.VERBOSE,
)
_JOIN = re.compile(r"(AND|OR)\b", re.IGNORECASE)
_WORDS = {"currency", "customer", "email", "name", "phone", "status"}
_NUMBERS = {"amount", "created"}
_Test = Callable[[JsonObject], bool]


class SearchParams(Params, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What to look for."""

    query: str
    limit: int = 10
    page: str | None = None


class SearchPage(msgspec.Struct, frozen=True, kw_only=True):
    """A part of what was found, newest first."""

    url: str
    data: list[JsonObject]
    has_more: bool
    next_page: str | None
    object: str = "search_result"


def search_page(world: "World", shape: type[S], params: SearchParams, *, url: str) -> SearchPage:
    """What matches a query; the cursor is the id of the last object seen.

    Raises InvalidRequestError for a query that cannot be read.
    """
    if not 1 <= params.limit <= LIMIT_MAX:
        msg = f"Invalid limit: it must be between 1 and {LIMIT_MAX}."
        raise InvalidRequestError(msg, param="limit")
    if params.page is not None:
        world.load(shape, params.page, param="page")
    matches = parse_query(params.query)
    # Stripe indexes with a delay; who searches right after a write may miss it.
    indexed_until = world.clock.now() - world.faults.plan.search_lag_seconds
    found = [
        body
        for one in world.store.find(shape, after=params.page)
        if one.created <= indexed_until and matches(body := present(world, one))
    ]
    data = found[: params.limit]
    has_more = len(found) > len(data)
    return SearchPage(
        url=url, data=data, has_more=has_more, next_page=data[-1]["id"] if has_more else None
    )


def parse_query(query: str) -> _Test:
    """Read `metadata["k"]:"v" AND status:"succeeded"`; AND and OR cannot be mixed."""
    tests, joins, position = [], set(), 0
    while True:
        term = _TERM.match(query, position)
        if term is None:
            raise _unreadable(query)
        tests.append(_test(term, query))
        position = term.end()
        if position == len(query):
            break
        if (join := _JOIN.match(query, position)) is None:
            raise _unreadable(query)
        joins.add(join[1].upper())
        position = join.end()
    if len(joins) > 1:
        raise _unreadable(query)
    every = any if joins == {"OR"} else all
    return lambda body: every(test(body) for test in tests)


def _test(term: re.Match[str], query: str) -> _Test:
    field, key, operator = term["field"], term["key"], term["op"]
    value = re.sub(r"\\(.)", r"\1", term["text"]) if term["q"] else term["word"]
    if field == "metadata" and key is not None and operator == ":":
        test = _metadata_test(key, value)
    elif field in _WORDS and key is None and operator == ":":
        test = _word_test(field, value)
    elif field in _NUMBERS and key is None and operator != "~" and value.isdecimal():
        test = _number_test(field, operator, int(value))
    else:
        raise _unreadable(query)
    return (lambda body: not test(body)) if term["not"] else test


def _metadata_test(key: str, value: str) -> _Test:
    wanted = value.casefold()
    return lambda body: bool(body["metadata"].get(key, "").casefold() == wanted)


def _word_test(field: str, value: str) -> _Test:
    wanted = value.casefold()
    return lambda body: bool(str(body.get(field) or "").casefold() == wanted)


def _number_test(field: str, operator: str, limit: int) -> _Test:
    comparisons: dict[str, _Test] = {
        ":": lambda body: bool(body[field] == limit),
        ">": lambda body: bool(body[field] > limit),
        "<": lambda body: bool(body[field] < limit),
        ">=": lambda body: bool(body[field] >= limit),
        "<=": lambda body: bool(body[field] <= limit),
    }
    compare = comparisons[operator]
    return lambda body: field in body and compare(body)


def _unreadable(query: str) -> InvalidRequestError:
    msg = (
        f"We were unable to parse your search query: {query[:200]}. Simulated are metadata[…], "
        "customer, status, currency, amount, created, email, name and phone, joined by AND or OR."
    )
    return InvalidRequestError(msg, param="query")
