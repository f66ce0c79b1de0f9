"""A contested fee: what the driver says, the fee line by line, and which fact is corrected."""

from datetime import datetime
from typing import Annotated, Final
from uuid import UUID
from zoneinfo import ZoneInfo

import msgspec
from litestar import Response, get, post
from litestar.params import FromPath

from billing.core.appeals import NeverWas, RightExit, RightPlate
from billing.db.appeals import AppealRow
from billing.db.case_notes import CaseNote
from billing.db.queries import ObligationView
from billing.web.access import require_operator
from billing.web.appeals import DecisionBody, carry_out
from parking.core.fee import Fee
from parking.core.ids import LotId
from parking.core.plate import Plate
from portal.desk.asking import FORM, AnyRequest, Asker, decided, shown
from portal.desk.board import at_desk
from portal.desk.sheets import (
    case,
    chip,
    choice,
    evidence,
    facts,
    fee_table,
    field,
    head,
    instant,
    note,
    notes,
    outcome,
    panel,
    reason_field,
)
from portal.desk.tried import UNTRIED, DeskForm, Tried, UnusableFormError
from portal.desk.words import desk_words
from portal.pages.html import Markup, fill, yuan

_CHOICES: Final = ("plate", "left", "never")


class AppealForm(DeskForm):
    """What was chosen: which fact was wrong, or that none was."""

    plate: str = ""
    left_at: str = ""
    """On the lot's own clock, as a browser's field writes it."""
    reason: str = ""


class _Shown(msgspec.Struct, frozen=True, kw_only=True):
    appeal: AppealRow
    said: list[CaseNote]
    owed: ObligationView
    zone: str
    lot: str


async def _read(asker: Asker, appeal_id: UUID) -> _Shown:
    appeal, said = await asker.billing.appeals.show(appeal_id)
    await require_operator(asker.request, appeal.operator_id, holder=asker.principal)
    owed = await asker.billing.obligation(appeal.stay_id)
    lot = (await asker.parking.book.lot(LotId(owed.lot_id))).lot
    name = asker.lot_name(lot)
    return _Shown(appeal=appeal, said=said, owed=owed, zone=lot.zone, lot=name)


async def _page(asker: Asker, appeal_id: UUID, tried: Tried = UNTRIED) -> str:
    found = await _read(asker, appeal_id)
    text, appeal, owed = desk_words(asker.language), found.appeal, found.owed
    title = f"{text['kind.appeals']} · {text[f'appeal.{appeal.ground.value}']}"
    fee = msgspec.json.decode(owed.fee, type=Fee)
    parts = [
        panel(
            text["appeal.statement"],
            facts(
                (
                    (text["reason"], appeal.statement),
                    (text["evidence"], evidence(appeal.evidence_ref)),
                    (text["opened"], instant(appeal.opened_at, found.zone)),
                )
            ),
        ),
        panel(text["fee"], _stay(found, text), fee_table(fee, asker.language)),
        notes(found.said, found.zone, language=asker.language),
    ]
    if appeal.state == "open":
        choices = [note(text["appeal.frozen"]), *_choices(found, asker, text, tried)]
    else:
        choices = [
            outcome(
                text[f"appeal.{appeal.state}"],
                by=appeal.decided_by,
                at=appeal.decided_at,
                zone=found.zone,
                why=appeal.reason,
                language=asker.language,
            )
        ]
    top = head(title, found.lot, tried=tried, language=asker.language)
    return at_desk(case(top, parts, choices), title=title, asker=asker)


def _stay(found: _Shown, text: dict[str, str]) -> Markup:
    owed = found.owed
    paid = owed.captured_minor - owed.returned_minor
    link = fill('<a href="/p/$id">$word</a>', id=owed.stay_id, word=text["driver_page"])
    return facts(
        (
            (text["plate"], chip(owed.plate)),
            (text["entered"], instant(owed.entered_at, found.zone)),
            (text["left"], instant(owed.left_at, found.zone)),
            (text["appeal.paid"], yuan(paid, owed.currency)),
            (text["driver_page"], link),
        )
    )


def _choices(found: _Shown, asker: Asker, text: dict[str, str], tried: Tried) -> list[Markup]:
    action = f"/desk/appeals/{found.appeal.appeal_id}"

    def offer(name: str, *fields: Markup) -> Markup:
        return choice(
            action,
            token=asker.token,
            decision=name,
            title=text[f"appeal.{name}"],
            then=text[f"appeal.{name}.then"],
            button=text["refuse" if name == "refuse" else "grant"],
            fields=(*fields, reason_field(text["reason"], tried=tried.of(name))),
            quiet=name != "refuse",
        )

    return [
        offer(
            "plate",
            field(
                "plate",
                text["review.true_plate"],
                placeholder="浙A8B762",
                required=True,
                tried=tried.of("plate"),
            ),
        ),
        offer(
            "left",
            field(
                "left_at",
                text["appeal.left_at"],
                kind="datetime-local",
                required=True,
                tried=tried.of("left"),
            ),
        ),
        offer("never"),
        offer("refuse"),
    ]


def _correction(form: AppealForm, zone: str) -> RightPlate | RightExit | NeverWas | None:
    match form.decision:
        case "plate":
            return RightPlate(plate=Plate(form.plate.strip()[:64]))
        case "left":
            try:
                local = datetime.fromisoformat(form.left_at)
            except ValueError:
                text = f"no time: {form.left_at[:40]!r}"
                raise UnusableFormError(text, key="told.time") from None
            return RightExit(left_at=local.replace(tzinfo=ZoneInfo(zone)))
        case "never":
            return NeverWas()
        case _:
            return None


async def _decide(asker: Asker, appeal_id: UUID, form: AppealForm) -> None:
    found = await _read(asker, appeal_id)
    body = msgspec.convert(
        {
            "decision": "grant" if form.decision in _CHOICES else form.decision,
            "reason": form.reason.strip(),
        },
        DecisionBody,
    )
    correction = _correction(form, found.zone)
    body = msgspec.structs.replace(body, correction=correction)
    await carry_out(asker.request, appeal_id, body, holder=asker.principal)


@get("/desk/appeals/{appeal_id:uuid}", include_in_schema=False)
async def show_appeal(request: AnyRequest, appeal_id: FromPath[UUID]) -> Response[str]:
    """The evidence, and the choices."""
    return await shown(request, lambda asker: _page(asker, appeal_id))


@post("/desk/appeals/{appeal_id:uuid}", include_in_schema=False, status_code=303)
async def decide_appeal(
    request: AnyRequest, appeal_id: FromPath[UUID], data: Annotated[AppealForm, FORM]
) -> Response[str]:
    """Decide it as the API does."""
    return await decided(
        request,
        data,
        lambda asker: _decide(asker, appeal_id, data),
        kind="appeals",
        again=lambda asker, tried: _page(asker, appeal_id, tried),
    )


HANDLERS: Final = (show_appeal, decide_appeal)
