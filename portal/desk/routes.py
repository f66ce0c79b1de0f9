"""The desk's addresses: the list, the language, the way out; each kind has its own module."""

from datetime import UTC, datetime
from typing import Annotated, Literal

from litestar import Response, Router, get, post
from litestar.datastructures import Cookie
from litestar.params import FromPath, QueryParameter

from portal.desk import (
    appeals,
    claims,
    clones,
    discrepancies,
    disputes,
    money,
    refunds,
    reviews,
    tickets,
)
from portal.desk.asking import (
    PATH,
    AnyRequest,
    Asker,
    ForgedFormError,
    Nothing,
    asker_of,
    problem_reply,
    require_own_form,
    shown,
)
from portal.desk.board import board_page
from portal.desk.waiting import Kind, board
from portal.pages.replies import see_other
from portal.viewers import forgotten_cookie

_YEAR_SECONDS = 31_536_000


@get(PATH, include_in_schema=False)
async def show_board(
    request: AnyRequest,
    kind: Annotated[Kind | None, QueryParameter()] = None,
    done: Annotated[str | None, QueryParameter(max_length=1)] = None,
) -> Response[str]:
    """What waits for whoever is signed in."""

    async def show(asker: Asker) -> str:
        found = await board(asker.state.pool, operator_id=asker.operator_id)
        now = datetime.now(UTC)
        return board_page(found, asker, only=kind, done=done is not None, now=now)

    return await shown(request, show)


@get("/desk/language/{language:str}", include_in_schema=False)
async def choose_language(
    request: AnyRequest, language: FromPath[Literal["zh", "en"]]
) -> Response[str]:
    """Remember the language, and go on with the list."""
    reply = see_other(PATH)
    reply.set_cookie(
        Cookie(
            key="lang",
            value=language,
            samesite="strict",
            secure=request.url.scheme == "https",
            max_age=_YEAR_SECONDS,
            path="/",
        )
    )
    return reply


@post("/desk/sign-out", include_in_schema=False, status_code=303)
async def sign_out(request: AnyRequest, data: Nothing) -> Response[str]:
    """Forget the key in this browser."""
    asker = await asker_of(request)
    reply = see_other(PATH)
    if asker is None:
        return reply
    try:
        require_own_form(asker, data)
    except ForgedFormError as error:
        return problem_reply(asker, error)
    reply.set_cookie(forgotten_cookie(request))
    return reply


_MODULES = (
    reviews,
    appeals,
    claims,
    discrepancies,
    refunds,
    disputes,
    clones,
    tickets,
    money,
)
DESK_ROUTER = Router(
    "/",
    route_handlers=[
        show_board,
        choose_language,
        sign_out,
        *(handler for module in _MODULES for handler in module.HANDLERS),
    ],
)
