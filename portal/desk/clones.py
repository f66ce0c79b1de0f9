"""A plate that seems to be on two cars: the reads that contradict, and whose each stay is."""

from typing import Annotated, Final
from uuid import UUID

from litestar import Response, get, post
from litestar.params import FromPath

from parking.core.cloning import Sighting
from parking.core.ids import LotId
from parking.core.place import Lot
from parking.db import clones
from parking.db.pool import reading
from parking.services.decide_clone import SuspectedStay, SuspicionView
from portal.desk.asking import FORM, AnyRequest, Asker, decided, shown
from portal.desk.board import at_desk
from portal.desk.sheets import (
    case,
    chip,
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
from portal.desk.tried import UNTRIED, DeskForm, Tried, UnusableFormError
from portal.desk.words import desk_words
from portal.pages.html import Markup, join, yuan
from portal.pages.texts import words

_OWN: Final = {"first": (0,), "second": (1,), "both": (0, 1), "neither": ()}
_REASON_MAX: Final = 500


class CloneForm(DeskForm):
    """What was chosen, and how many decisions there were when it was."""

    seen: str = ""
    reason: str = ""


async def _page(asker: Asker, suspicion_id: UUID, tried: Tried = UNTRIED) -> str:
    found = await asker.parking.clones.get(suspicion_id, operator_id=asker.operator_id)
    suspicion = found.suspicion
    async with reading(asker.state.pool) as connection:
        lots = await clones.lots(connection, {each.stay.lot_id for each in found.stays})
    text = desk_words(asker.language)
    title = text["kind.clones"]
    evidence = [
        panel(
            text["clone.reads"],
            note(words(asker.language)[f"clone.{suspicion.kind.value}"]),
            _reads(found, lots, asker, text),
        ),
        *(
            panel(text[f"clone.stay.{name}"], _stay(each, lots, asker, text))
            for name, each in zip(("first", "second"), found.stays, strict=True)
        ),
    ]
    choices = [] if suspicion.decisions else [note(words(asker.language)["clone.held"])]
    if suspicion.decisions:
        last = suspicion.decisions[-1]
        choices.append(
            outcome(
                text[f"clone.{last.verdict.value}"],
                by=last.by,
                at=last.decided_at,
                zone=asker.zone,
                why=last.reason,
                language=asker.language,
            )
        )
    if not suspicion.decisions:
        choices += [_offer(found, asker, text, name, tried) for name in _OWN]
    top = head(title, suspicion.plate, tried=tried, language=asker.language)
    return at_desk(case(top, evidence, choices), title=title, asker=asker)


def _reads(
    found: SuspicionView, lots: dict[LotId, Lot], asker: Asker, text: dict[str, str]
) -> Markup:
    evidence = found.suspicion.evidence

    def row(each: Sighting) -> tuple[object, ...]:
        lot = lots.get(each.lot_id)
        sure = "–" if each.confidence is None else f"{each.confidence:.0%}"
        at = instant(each.at, asker.zone if lot is None else lot.zone)
        way = text["entered" if each.entry else "left"]
        return (at, _name(lot, each.lot_id, asker), way, each.lane_id or "–", sure)

    heads = (text["at"], text["lot"], text["direction"], text["lane"], text["review.sure"])
    parts = [table(heads, map(row, evidence.sightings))]
    if evidence.distance_km is not None:
        speed = "" if evidence.speed_kmh is None else f" · {evidence.speed_kmh:.0f} km/h"
        parts.append(facts([(text["clone.apart"], f"{evidence.distance_km:.1f} km{speed}")]))
    return join(parts)


def _name(lot: Lot | None, lot_id: LotId, asker: Asker) -> str:
    if lot is None:
        return lot_id
    return asker.lot_name(lot)


def _stay(
    each: SuspectedStay, lots: dict[LotId, Lot], asker: Asker, text: dict[str, str]
) -> Markup:
    stay = each.stay
    lot = lots.get(stay.lot_id)
    zone = asker.zone if lot is None else lot.zone
    fee = (
        "–"
        if each.fee_minor is None
        else yuan(each.fee_minor, asker.state.settings.billing.currency)
    )
    return facts(
        (
            (text["plate"], chip(stay.plate, stay.colour.value)),
            (text["lot"], _name(lot, stay.lot_id, asker)),
            (text["entered"], instant(stay.entered_at, zone)),
            (text["left"], instant(stay.left_at, zone)),
            (text["fee"], fee),
        )
    )


def _offer(
    found: SuspicionView, asker: Asker, text: dict[str, str], name: str, tried: Tried
) -> Markup:
    seen = Markup(f'<input type="hidden" name="seen" value="{len(found.suspicion.decisions)}">')
    return choice(
        f"/desk/clones/{found.suspicion.suspicion_id}",
        token=asker.token,
        decision=name,
        title=text[f"clone.{name}"],
        then=text[f"clone.{name}.then"],
        button=text["decide"],
        fields=(seen, reason_field(text["reason_optional"], required=False, tried=tried.of(name))),
        quiet=True,
    )


async def _decide(asker: Asker, suspicion_id: UUID, form: CloneForm) -> None:
    chosen = _OWN.get(form.decision)
    if chosen is None or not form.seen.isdecimal() or "\0" in form.reason:
        text = "no such decision"
        raise UnusableFormError(text)
    desk = asker.parking.clones
    found = await desk.get(suspicion_id, operator_id=asker.operator_id)
    await desk.decide(
        suspicion_id,
        own_stay_ids=[found.suspicion.stay_ids[each] for each in chosen],
        by=asker.author,
        reason=form.reason.strip()[:_REASON_MAX],
        operator_id=asker.operator_id,
        seen=int(form.seen),
    )


@get("/desk/clones/{suspicion_id:uuid}", include_in_schema=False)
async def show_clone(request: AnyRequest, suspicion_id: FromPath[UUID]) -> Response[str]:
    """The evidence, and the choices."""
    return await shown(request, lambda asker: _page(asker, suspicion_id))


@post("/desk/clones/{suspicion_id:uuid}", include_in_schema=False, status_code=303)
async def decide_clone(
    request: AnyRequest, suspicion_id: FromPath[UUID], data: Annotated[CloneForm, FORM]
) -> Response[str]:
    """Decide it as the API does."""
    return await decided(
        request,
        data,
        lambda asker: _decide(asker, suspicion_id, data),
        kind="clones",
        again=lambda asker, tried: _page(asker, suspicion_id, tried),
    )


HANDLERS: Final = (show_clone, decide_clone)
