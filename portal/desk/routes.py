"""The desk's addresses: the list, the language, the way out; each kind has its own module."""

from datetime import UTC, datetime
from typing import Annotated

from litestar import Response, Router, get, post
from litestar.params import QueryParameter

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
    Nothing,
    asker_of,
    problem_reply,
    require_own_form,
    shown,
)
from portal.desk.board import board_page
from portal.desk.waiting import Kind, board
from portal.desk.words import ForgedFormError
from portal.pages.replies import see_other
from portal.viewers import forgotten_cookie


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
        sign_out,
        *(handler for module in _MODULES for handler in module.HANDLERS),
    ],
)
