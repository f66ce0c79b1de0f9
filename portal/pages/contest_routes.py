"""The addresses at which a driver contests a fee. The stay's id is the only key, as for paying."""

import re
from typing import Annotated, Any
from uuid import UUID

import msgspec
from litestar import Request, Response, Router, get, post
from litestar.enums import RequestEncodingType
from litestar.params import Body, FromPath

from billing.core.appeals import Ground
from billing.web.access import services_of
from billing.web.appeals import AppealBody
from parking.core.errors import DomainError
from parking.core.ids import StayId
from parking.db.pool import reading
from portal.pages.contest import contest_page
from portal.pages.driver import message_page
from portal.pages.newest import stay_of
from portal.pages.replies import html_reply, language_for, see_other
from portal.pages.texts import words
from portal.pages.told import told
from portal.state import portal_state

AnyRequest = Request[Any, Any, Any]
_FIELD = re.compile(r"at `\$\.(\w+)`")


class ContestForm(msgspec.Struct):
    """What a driver says against a fee."""

    ground: str = ""
    statement: str = ""
    evidence_ref: str = ""


async def _page(
    request: AnyRequest,
    stay_id: UUID,
    *,
    form: ContestForm,
    problem: str | None = None,
    wrong: str | None = None,
    status: int = 200,
) -> Response[str]:
    language = language_for(request)
    async with reading(portal_state(request.app).pool) as connection:
        stay = await stay_of(connection, stay_id)
    if stay is None:
        return html_reply(message_page(language=language, key="error.404"), status=404)
    appeals = await services_of(request).appeals.of_stay(StayId(stay_id))
    text = contest_page(
        stay,
        appeals,
        language=language,
        typed=msgspec.structs.asdict(form),
        problem=problem,
        wrong=wrong,
    )
    return html_reply(text, status=status)


@get("/p/{stay_id:uuid}/appeal", include_in_schema=False)
async def show_contest(request: AnyRequest, stay_id: FromPath[UUID]) -> Response[str]:
    """What was contested before, and the form."""
    return await _page(request, stay_id, form=ContestForm())


@post("/p/{stay_id:uuid}/appeal", include_in_schema=False, status_code=303)
async def contest(
    request: AnyRequest,
    stay_id: FromPath[UUID],
    data: Annotated[ContestForm, Body(media_type=RequestEncodingType.URL_ENCODED)],
) -> Response[str]:
    """Contest the fee as the API does."""
    language = language_for(request)
    try:
        body = _checked(data)
    except msgspec.ValidationError as error:
        found = _FIELD.search(str(error))
        wrong = found[1] if found else ""
        problem = words(language).get(f"contest.wrong.{wrong}", words(language)["error.other"])
        return await _page(request, stay_id, form=data, problem=problem, wrong=wrong, status=422)
    try:
        await services_of(request).appeals.open(
            StayId(stay_id),
            ground=Ground(body.ground),
            statement=body.statement,
            evidence_ref=body.evidence_ref,
        )
    except DomainError as error:
        problem, status = told(error, language)
        return await _page(request, stay_id, form=data, problem=problem, wrong="", status=status)
    return see_other(f"/p/{stay_id}/appeal")


def _checked(form: ContestForm) -> AppealBody:
    """Hold a form to what the API takes. Raises msgspec.ValidationError."""
    return msgspec.convert(
        {
            "ground": form.ground,
            "statement": form.statement.strip(),
            "evidence_ref": form.evidence_ref.strip() or None,
        },
        AppealBody,
    )


CONTEST_ROUTER = Router("/", route_handlers=[show_contest, contest])
