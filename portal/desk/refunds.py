"""A refund that the gateway refused for good: sent again, or settled by other means."""

from typing import Annotated, Final
from uuid import UUID

import msgspec
from litestar import Response, get, post
from litestar.params import FromPath

from billing.db.failed_refunds import RefundView
from billing.services.refund_desk import Means
from billing.web.access import require_operator
from billing.web.desk import RefundDecisionBody, see_to_refund
from parking.core.ids import LotId
from portal.desk.asking import FORM, AnyRequest, Asker, decided, shown
from portal.desk.board import at_desk
from portal.desk.sheets import (
    NOTHING,
    beside,
    case,
    chip,
    choice,
    facts,
    head,
    instant,
    note,
    notes,
    outcome,
    panel,
    radio,
    reason_field,
)
from portal.desk.tried import UNTRIED, DeskForm, Tried
from portal.desk.words import desk_words
from portal.pages.html import Markup, fill, join, yuan

_AGAIN: Final = "send_again"
_SETTLED: Final = "settled"


class RefundForm(DeskForm):
    """What was chosen."""

    means: str = ""
    reason: str = ""


async def _page(asker: Asker, refund_id: UUID, tried: Tried = UNTRIED) -> str:
    refund, said = await asker.billing.refunds.show(refund_id)
    await require_operator(asker.request, refund.operator_id, holder=asker.principal)
    lot = (await asker.parking.book.lot(LotId(refund.lot_id))).lot
    text = desk_words(asker.language)
    title = text["kind.refunds"]
    parts = [
        panel(text["evidence"], _evidence(refund, lot.zone, text)),
        notes(said, lot.zone, language=asker.language),
    ]
    if refund.state == "failed":
        choices = _choices(refund, asker, text, tried)
    else:
        choices = [
            outcome(
                text.get(f"refund.{refund.state}", refund.state),
                by=None,
                at=refund.finished_at,
                zone=lot.zone,
                why=refund.detail,
                language=asker.language,
            )
        ]
    sum_ = yuan(refund.left_minor or refund.amount_minor, refund.currency)
    top = head(f"{title} · {sum_}", asker.lot_name(lot), tried=tried, language=asker.language)
    return at_desk(case(top, parts, choices), title=title, asker=asker)


def _why(refund: RefundView, text: dict[str, str]) -> str:
    """What the gateway said, in words where its code is known."""
    code = refund.detail
    known = text.get(f"refund.{code}")
    return f"{known} ({code})" if known else code or "–"


def _evidence(refund: RefundView, zone: str, text: dict[str, str]) -> Markup:
    link = fill('<a href="/p/$id">$word</a>', id=refund.stay_id, word=text["driver_page"])
    return facts(
        (
            (text["plate"], chip(refund.plate)),
            (text["refund.owed"], yuan(refund.left_minor, refund.currency)),
            (text["refund.why"], _why(refund, text)),
            (text["refund.gateway"], f"{refund.gateway} · {refund.charge_ref}"),
            (text["refund.paid_at"], instant(refund.captured_at, zone)),
            (text["opened"], instant(refund.created_at, zone)),
            (text["driver_page"], link),
            (text["trace"], fill('<span class="ids">$id</span>', id=refund.trace_id)),
        )
    )


def _choices(refund: RefundView, asker: Asker, text: dict[str, str], tried: Tried) -> list[Markup]:
    action = f"/desk/refunds/{refund.refund_id}"
    lost = note(text["refund.dispute_lost"], "bad") if refund.dispute_lost else NOTHING
    again = choice(
        action,
        token=asker.token,
        decision=_AGAIN,
        title=text["refund.again"],
        then=text["refund.again.then"],
        button=text["refund.again.button"],
        fields=(lost, reason_field(text["reason"], tried=tried.of(_AGAIN))),
    )
    if asker.operator_id is not None:
        return [again, note(text["refund.admin"])]
    mine = tried.of(_SETTLED)
    settled = choice(
        action,
        token=asker.token,
        decision=_SETTLED,
        title=text["refund.settled"],
        then=text["refund.settled.then"],
        button=text["refund.settled.button"],
        fields=(_means(text, mine), reason_field(text["refund.note"], tried=mine)),
        quiet=True,
    )
    return [again, settled]


def _means(text: dict[str, str], tried: Tried) -> Markup:
    chosen = tried.values.get("means")
    options = join(
        radio(
            "means",
            each.value,
            fill("$word", word=text[f"means.{each.value}"]),
            on=each.value == chosen,
            required=True,
        )
        for each in Means
    )
    return fill(
        "<fieldset><legend>$title</legend>$options</fieldset>$problem",
        title=text["means"],
        options=options,
        problem=beside("means", tried),
    )


async def _decide(asker: Asker, refund_id: UUID, form: RefundForm) -> None:
    body = msgspec.convert(
        {
            "decision": form.decision,
            "note": form.reason.strip(),
            "means": form.means or None if form.decision == _SETTLED else None,
        },
        RefundDecisionBody,
    )
    await see_to_refund(asker.request, refund_id, body, holder=asker.principal)


@get("/desk/refunds/{refund_id:uuid}", include_in_schema=False)
async def show_refund(request: AnyRequest, refund_id: FromPath[UUID]) -> Response[str]:
    """The evidence, and the choices."""
    return await shown(request, lambda asker: _page(asker, refund_id))


@post("/desk/refunds/{refund_id:uuid}", include_in_schema=False, status_code=303)
async def decide_refund(
    request: AnyRequest, refund_id: FromPath[UUID], data: Annotated[RefundForm, FORM]
) -> Response[str]:
    """See to it as the API does."""
    return await decided(
        request,
        data,
        lambda asker: _decide(asker, refund_id, data),
        kind="refunds",
        again=lambda asker, tried: _page(asker, refund_id, tried),
    )


HANDLERS: Final = (show_refund, decide_refund)
