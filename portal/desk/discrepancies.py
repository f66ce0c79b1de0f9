"""A discrepancy between the ledger and a gateway's report: both sides, and what explains it."""

from typing import Annotated, Final
from uuid import UUID

import msgspec
from litestar import Response, get, post
from litestar.params import FromPath

from billing.services.discrepancies import DiscrepancyCase
from billing.web.access import require_admin
from billing.web.desk import ClosingBody
from portal.desk.asking import FORM, AnyRequest, Asker, decided, shown
from portal.desk.board import at_desk
from portal.desk.sheets import (
    case,
    choice,
    facts,
    head,
    instant,
    note,
    outcome,
    panel,
    reason_field,
    table,
)
from portal.desk.tried import UNTRIED, DeskForm, Tried
from portal.desk.words import desk_words
from portal.pages.html import Markup, yuan


class ClosingForm(DeskForm):
    """What explains it."""

    reason: str = ""


async def _page(asker: Asker, discrepancy_id: UUID, tried: Tried = UNTRIED) -> str:
    await require_admin(asker.request, holder=asker.principal)
    shown_case = await asker.billing.discrepancies.show(discrepancy_id)
    text, found = desk_words(asker.language), shown_case.found
    title = text[f"discrepancy.{found.kind}"]
    parts = [
        panel(
            text["evidence"], note(text[f"discrepancy.{found.kind}.why"]), _sides(shown_case, text)
        ),
        _lines(shown_case, asker, text),
        _about(shown_case, asker, text),
    ]
    if found.closed_at is None:
        choices = [
            choice(
                f"/desk/discrepancies/{discrepancy_id}",
                token=asker.token,
                decision="close",
                title=text["discrepancy.close"],
                then=text["discrepancy.close.then"],
                button=text["discrepancy.button"],
                fields=(reason_field(text["reason"], tried=tried),),
            )
        ]
    else:
        choices = [
            outcome(
                text["discrepancy.closed"],
                by=found.said_by,
                at=found.closed_at,
                zone=asker.zone,
                why=found.reason or "",
                language=asker.language,
            )
        ]
    top = head(title, found.gateway, tried=tried, language=asker.language)
    return at_desk(case(top, parts, choices), title=title, asker=asker)


def _sides(shown_case: DiscrepancyCase, text: dict[str, str]) -> Markup:
    found = shown_case.found
    nothing = "–"

    def row(name: str, gross: int, fee: int, *, there: bool) -> tuple[object, ...]:
        sums = (gross, fee, gross - fee)
        return (name, *(yuan(each, found.currency) if there else nothing for each in sums))

    rows = (
        row(
            text["discrepancy.ours"],
            found.ours_gross_minor,
            found.ours_fee_minor,
            there=found.kind != "surplus",
        ),
        row(
            text["discrepancy.theirs"],
            found.theirs_gross_minor,
            found.theirs_fee_minor,
            there=found.kind != "missing",
        ),
        (text["discrepancy.off"], "", "", yuan(found.off_minor, found.currency)),
    )
    return table(("", text["amount"], text["discrepancy.fee"], text["discrepancy.net"]), rows)


def _lines(shown_case: DiscrepancyCase, asker: Asker, text: dict[str, str]) -> Markup:
    if not shown_case.lines:
        return Markup("")
    rows = [
        (
            each.transaction_ref,
            text.get(f"line.{each.kind}", each.kind),
            yuan(each.gross_minor, each.currency),
            yuan(each.fee_minor, each.currency),
            instant(each.created_at, asker.zone),
        )
        for each in shown_case.lines
    ]
    heads = ("#", text["line"], text["amount"], text["discrepancy.fee"], text["at"])
    return panel(text["discrepancy.lines"], table(heads, rows))


def _about(shown_case: DiscrepancyCase, asker: Asker, text: dict[str, str]) -> Markup:
    found = shown_case.found
    owners = ", ".join(shown_case.owners) or text["discrepancy.platform"]
    rows = (
        (text["discrepancy.source"], found.source_ref),
        (text["discrepancy.day"], found.day.isoformat()),
        (text["discrepancy.found"], instant(found.found_at, asker.zone)),
        (text["discrepancy.owner"], owners),
    )
    return panel(text["discrepancy.about"], facts(rows))


async def _decide(asker: Asker, discrepancy_id: UUID, form: ClosingForm) -> None:
    by = await require_admin(asker.request, holder=asker.principal)
    body = msgspec.convert({"reason": form.reason.strip()}, ClosingBody)
    await asker.billing.discrepancies.close(discrepancy_id, by=by, reason=body.reason)


@get("/desk/discrepancies/{discrepancy_id:uuid}", include_in_schema=False)
async def show_discrepancy(request: AnyRequest, discrepancy_id: FromPath[UUID]) -> Response[str]:
    """The evidence, and the choices."""
    return await shown(request, lambda asker: _page(asker, discrepancy_id))


@post("/desk/discrepancies/{discrepancy_id:uuid}", include_in_schema=False, status_code=303)
async def close_discrepancy(
    request: AnyRequest, discrepancy_id: FromPath[UUID], data: Annotated[ClosingForm, FORM]
) -> Response[str]:
    """Close it as the API does."""
    return await decided(
        request,
        data,
        lambda asker: _decide(asker, discrepancy_id, data),
        kind="discrepancies",
        again=lambda asker, tried: _page(asker, discrepancy_id, tried),
    )


HANDLERS: Final = (show_discrepancy, close_discrepancy)
