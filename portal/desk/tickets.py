"""A ticket of a vehicle without a readable plate: its stay, and the plate that it really has."""

from typing import Annotated, Final

from litestar import Response, get, post
from litestar.params import FromPath, QueryParameter

from parking.core.stay import StayState
from parking.core.ticket import is_ticket
from parking.services.issue_tickets import TicketView
from parking.web.access import check_lot
from portal.desk.asking import FORM, AnyRequest, Asker, decided, shown
from portal.desk.board import at_desk
from portal.desk.sheets import (
    case,
    chip,
    choice,
    facts,
    fee_table,
    field,
    head,
    instant,
    note,
    panel,
)
from portal.desk.tried import UNTRIED, DeskForm, Tried
from portal.desk.words import SomebodyWasFirstError, desk_words
from portal.pages.html import Markup, fill
from portal.pages.texts import words

_PRICED: Final = frozenset({StayState.OPEN, StayState.CLOSED})


class TicketForm(DeskForm):
    """Which plate the vehicle has, and under which its stay stood when that was said."""

    plate: str = ""
    was: str = ""


async def _read(asker: Asker, ticket: str) -> TicketView:
    found = await asker.parking.tickets.show(ticket)
    await check_lot(asker.parking, asker.principal, found.lot_id)
    return found


async def _page(asker: Asker, ticket: str, tried: Tried = UNTRIED) -> str:
    found = await _read(asker, ticket)
    lot = (await asker.parking.book.lot(found.lot_id)).lot
    text = desk_words(asker.language)
    title = text["kind.tickets"]
    name = asker.lot_name(lot)
    top = head(title, name, tried=tried, language=asker.language)
    stay = found.stay
    if stay is None:
        body = case(top, [panel(text["state"], note(text["ticket.taken_back"]))], [])
        return at_desk(body, title=title, asker=asker)
    link = fill('<a href="/p/$id">$word</a>', id=stay.stay_id, word=text["driver_page"])
    evidence = [
        panel(
            text["evidence"],
            facts(
                (
                    (text["ticket.ticket"], fill('<span class="ids">$it</span>', it=found.ticket)),
                    (text["plate"], chip(None if is_ticket(stay.plate) else stay.plate)),
                    (text["state"], words(asker.language)[f"state.{stay.state.value}"]),
                    (text["entered"], instant(stay.entered_at, lot.zone)),
                    (text["left"], instant(stay.left_at, lot.zone)),
                    (text["driver_page"], link),
                )
            ),
            note(text["no_pictures"], "calm"),
        )
    ]
    if stay.state in _PRICED:
        fee = await asker.parking.quotes.quote_stay(stay.stay_id)
        evidence.append(panel(text["ticket.fee"], fee_table(fee, asker.language)))
    offer = _offer(found, stay.plate, asker, text, tried)
    return at_desk(case(top, evidence, [offer]), title=title, asker=asker)


def _offer(
    found: TicketView, plate: str, asker: Asker, text: dict[str, str], tried: Tried
) -> Markup:
    was = fill('<input type="hidden" name="was" value="$plate">', plate=plate)
    known = not is_ticket(plate)
    return choice(
        f"/desk/tickets/{found.ticket}",
        token=asker.token,
        decision="match",
        title=text["ticket.rematch" if known else "ticket.match"],
        then=text["ticket.match.then"],
        button=text["decide"],
        fields=(
            was,
            field(
                "plate",
                text["review.true_plate"],
                placeholder="浙A8B762",
                required=True,
                tried=tried,
            ),
        ),
        quiet=known,
    )


async def _decide(asker: Asker, ticket: str, form: TicketForm) -> None:
    found = await _read(asker, ticket)
    if found.stay is not None and found.stay.plate != form.was:
        raise SomebodyWasFirstError(found.stay.plate)
    await asker.parking.tickets.match_plate(ticket, form.plate[:64], by=asker.author)


@get("/desk/tickets", include_in_schema=False)
async def find_ticket(
    request: AnyRequest, ticket: Annotated[str, QueryParameter(max_length=64)] = ""
) -> Response[str]:
    """The ticket that its bearer shows."""
    return await shown(request, lambda asker: _page(asker, ticket))


@get("/desk/tickets/{ticket:str}", include_in_schema=False)
async def show_ticket(request: AnyRequest, ticket: FromPath[str]) -> Response[str]:
    """The evidence, and the choice."""
    return await shown(request, lambda asker: _page(asker, ticket))


@post("/desk/tickets/{ticket:str}", include_in_schema=False, status_code=303)
async def match_ticket(
    request: AnyRequest, ticket: FromPath[str], data: Annotated[TicketForm, FORM]
) -> Response[str]:
    """Match it as the API does."""
    return await decided(
        request,
        data,
        lambda asker: _decide(asker, ticket, data),
        kind="tickets",
        again=lambda asker, tried: _page(asker, ticket, tried),
    )


HANDLERS: Final = (find_ticket, show_ticket, match_ticket)
