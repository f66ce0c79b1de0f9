"""The pages' addresses. Pages say errors as pages; the JSON behind them as problems."""

import hashlib
import re
from datetime import date
from typing import Annotated, Any, Literal
from urllib.parse import quote
from uuid import UUID

import msgspec
from litestar import MediaType, Request, Response, Router, get, post
from litestar.datastructures import Cookie
from litestar.enums import RequestEncodingType
from litestar.exceptions import NotAuthorizedException, NotFoundException
from litestar.params import Body, FromPath, FromQuery, QueryParameter

from billing.statement_files import MEDIA_TYPES, StatementFormat, file_name, statement_file
from billing.web.files import file_response
from parking.core.errors import DomainError
from parking.core.ids import StayId
from parking.db import queries
from parking.db.pool import reading
from parking.services.bundle import ParkingServices
from portal.pages import driver
from portal.pages.html import ASSET_TYPES, asset, live_page
from portal.pages.newest import stay_of
from portal.pages.replies import html_reply, language_for, see_other
from portal.pages.statement import statement_page
from portal.pages.told import told
from portal.state import portal_state
from portal.viewers import COOKIE, Viewer, key_cookie, viewer_of

AnyRequest = Request[Any, Any, Any]
_NO_KEY = "sign in with an operator's or the admin's key"
_OURS = re.compile(r"^/(?!/)[\w\-./?=&]*$")
_YEAR_SECONDS = 31_536_000
_LONG = "public, max-age=31536000, immutable"


async def _viewer(request: AnyRequest) -> Viewer | None:
    keys = portal_state(request.app).keys
    return await viewer_of(keys, request.cookies.get(COOKIE))


async def _stay(request: AnyRequest, stay_id: UUID) -> dict[str, Any] | None:
    async with reading(portal_state(request.app).pool) as db:
        return await stay_of(db, stay_id)


@get("/", include_in_schema=False)
async def show_live(
    request: AnyRequest, key: Annotated[str | None, QueryParameter(max_length=200)] = None
) -> Response[str]:
    """The live page, or the form that asks for a key."""
    language = language_for(request)
    given = await viewer_of(portal_state(request.app).keys, key)
    if given is not None and key is not None:
        reply = html_reply(live_page(language))
        reply.set_cookie(key_cookie(request, key))
        return reply
    if key is None and await _viewer(request) is not None:
        return html_reply(live_page(language))
    wrong = key is not None
    return html_reply(
        driver.sign_in_page(language=language, wrong=wrong), status=403 if wrong else 200
    )


class SignIn(msgspec.Struct):
    """The sign-in form."""

    key: Annotated[str, msgspec.Meta(max_length=200)] = ""
    to: Literal["/", "/desk"] = "/"
    """Which page was asked for."""


@post("/sign-in", include_in_schema=False, status_code=303)
async def sign_in(
    request: AnyRequest,
    data: Annotated[SignIn, Body(media_type=RequestEncodingType.URL_ENCODED)],
) -> Response[str]:
    """Take the key from the form."""
    key = data.key.strip()
    if await viewer_of(portal_state(request.app).keys, key) is None:
        return html_reply(
            driver.sign_in_page(language=language_for(request), wrong=True, to=data.to),
            status=403,
        )
    reply = see_other(data.to)
    reply.set_cookie(key_cookie(request, key))
    return reply


@get("/live.json", include_in_schema=False)
async def live_json(request: AnyRequest) -> Response[bytes]:
    """What the live page shows; 304 when nothing changed since the page last asked."""
    viewer = await _viewer(request)
    if viewer is None:
        raise NotAuthorizedException(_NO_KEY)
    found = await portal_state(request.app).live.show(operator_id=viewer.operator_id)
    body = msgspec.json.encode(found)
    etag = f'"{hashlib.sha256(body).hexdigest()[:24]}"'
    headers = {"ETag": etag, "Cache-Control": "no-store"}
    if request.headers.get("if-none-match") == etag:
        return Response(b"", status_code=304, headers=headers, media_type=MediaType.JSON)
    return Response(body, headers=headers, media_type=MediaType.JSON)


@get("/assets/{name:str}", include_in_schema=False)
async def show_asset(name: FromPath[str]) -> Response[bytes]:
    """A style sheet or script; its address carries a hash, so it may be kept for ever."""
    if name not in ASSET_TYPES:
        raise NotFoundException
    headers = {"Cache-Control": _LONG, "Content-Type": ASSET_TYPES[name]}
    return Response(asset(name), headers=headers, media_type=ASSET_TYPES[name])


@get("/p/{stay_id:uuid}", include_in_schema=False)
async def show_stay(request: AnyRequest, stay_id: FromPath[UUID]) -> Response[str]:
    """The driver's page of one stay."""
    language = language_for(request)
    stay = await _stay(request, stay_id)
    if stay is None:
        return html_reply(driver.message_page(language=language, key="error.404"), status=404)
    price = None
    if stay["status"] == "open":
        services: ParkingServices = request.app.state.parking
        async with reading(services.pool) as connection:
            view = await queries.stay(connection, StayId(stay_id))
        price = None if view is None else await services.gate_prices.of_stay(view)
    return html_reply(driver.stay_page(stay, language=language, price=price))


@post("/p/{stay_id:uuid}", include_in_schema=False, status_code=303)
async def pay_stay(request: AnyRequest, stay_id: FromPath[UUID]) -> Response[str]:
    """Open the gateway's page for this stay and send the driver there."""
    language = language_for(request)
    state = portal_state(request.app)
    stay = await _stay(request, stay_id)
    if stay is None:
        return html_reply(driver.message_page(language=language, key="error.404"), status=404)
    return_url = f"{state.settings.server.base_url}/pay/return?stay={stay_id}"
    try:
        url = await state.checkout_url(stay_id, return_url)
    except DomainError as error:
        problem, status = told(error, language)
        return html_reply(driver.stay_page(stay, language=language, problem=problem), status=status)
    return see_other(url)


@get("/language/{language:str}", include_in_schema=False)
async def choose_language(
    request: AnyRequest,
    language: FromPath[Literal["zh", "en"]],
    to: Annotated[str, QueryParameter(max_length=200)] = "/",
) -> Response[str]:
    """Remember the language, and go on with the page that was read: one of ours only."""
    reply = see_other(quote(to, safe="/?=&") if _OURS.match(to) else "/")
    reply.set_cookie(
        Cookie(
            key="lang",
            value=language,
            samesite="lax",
            secure=request.url.scheme == "https",
            max_age=_YEAR_SECONDS,
            path="/",
        )
    )
    return reply


@get("/pay/return", include_in_schema=False)
async def show_thanks(request: AnyRequest, stay: FromQuery[UUID | None] = None) -> Response[str]:
    """Where the gateway's page sends the driver afterwards."""
    stay_id = None if stay is None else str(stay)
    return html_reply(driver.thanks_page(language=language_for(request), stay_id=stay_id))


@get("/statements/{operator_id:str}/{day:date}", include_in_schema=False)
async def show_statement(
    request: AnyRequest, operator_id: FromPath[str], day: FromPath[date]
) -> Response[str]:
    """An operator's statement of one day, for that operator and the admin."""
    language = language_for(request)
    viewer = await _viewer(request)
    if viewer is None:
        return html_reply(driver.sign_in_page(language=language, wrong=False), status=401)
    state = portal_state(request.app)
    row = await state.pool.fetchrow(
        "SELECT name_zh, name_en FROM parking.operator WHERE operator_id = $1", operator_id
    )
    if row is None or not viewer.may_see(operator_id):
        key = "error.404" if row is None else "error.403"
        return html_reply(driver.message_page(language=language, key=key), status=int(key[-3:]))
    statement = await state.statement(operator_id, day)
    name = row["name_zh" if language == "zh" else "name_en"]
    return html_reply(statement_page(statement, language=language, operator_name=name, day=day))


@get("/statements/{operator_id:str}/{day:date}/{kind:str}", include_in_schema=False)
async def take_statement(
    request: AnyRequest, operator_id: FromPath[str], day: FromPath[date], kind: FromPath[str]
) -> Response[bytes]:
    """The same statement as a file, for whoever may see the page."""
    viewer = await _viewer(request)
    if viewer is None:
        raise NotAuthorizedException(_NO_KEY)
    if not viewer.may_see(operator_id) or kind not in {each.value for each in StatementFormat}:
        raise NotFoundException
    chosen = StatementFormat(kind)
    statement = await portal_state(request.app).statement(operator_id, day)
    return file_response(
        statement_file(statement, chosen),
        media_type=MEDIA_TYPES[chosen],
        name=file_name(statement, chosen),
    )


PAGES_ROUTER = Router(
    "/",
    route_handlers=[
        show_live,
        sign_in,
        live_json,
        show_asset,
        show_stay,
        pay_stay,
        choose_language,
        show_thanks,
        show_statement,
        take_statement,
    ],
)
