"""A read to review: what the cameras saw, which stays could be meant, and what follows."""

from contextlib import suppress
from typing import Annotated, Final
from uuid import UUID

import msgspec
from litestar import Response, get, post
from litestar.params import FromPath

from parking.core.errors import DomainError
from parking.core.fee import Fee
from parking.core.ids import StayId
from parking.db import queries
from parking.db.pool import reading
from parking.db.reviews import ReviewKind, ReviewState
from parking.services.review_facts import Decision
from parking.services.show_review import PossibleStay, ReviewDetails, SeenEvent
from parking.web.access import check_lot
from parking.web.viewing import DecisionBody, carry_out
from portal.desk.asking import FORM, AnyRequest, Asker, decided, shown
from portal.desk.board import at_desk
from portal.desk.sheets import (
    NOTHING,
    case,
    chip,
    choice,
    facts,
    fee_table,
    field,
    head,
    instant,
    note,
    outcome,
    panel,
    radio,
    reason_field,
    table,
)
from portal.desk.tried import UNTRIED, DeskForm, Tried
from portal.desk.words import desk_words
from portal.pages.html import Markup, fill, join, money

_MATCH: Final = Decision.MATCH.value


class ReviewForm(DeskForm):
    """What was chosen."""

    stay_id: str = ""
    plate: str = ""
    reason: str = ""


class _Shown(msgspec.Struct, frozen=True, kw_only=True):
    details: ReviewDetails
    zone: str
    lot: str
    fees: dict[StayId, Fee]
    """What each stay that could be meant would cost, from its entry to the exit in question."""

    @property
    def fee(self) -> Fee | None:
        """What a near miss costs, if it is one car."""
        review = self.details.review
        if review.kind is not ReviewKind.NEAR_MISS or review.entry_event_id is None:
            return None
        return self.fees.get(StayId(review.entry_event_id))


async def _read(asker: Asker, review_id: UUID) -> _Shown:
    services = asker.parking
    review = await services.reviews.get(review_id)
    await check_lot(services, asker.principal, review.lot_id)
    details = await services.review_desk.show(review_id)
    lot = (await services.book.lot(review.lot_id)).lot
    fees = await _fees(asker, details)
    name = asker.lot_name(lot)
    return _Shown(details=details, zone=lot.zone, lot=name, fees=fees)


async def _fees(asker: Asker, details: ReviewDetails) -> dict[StayId, Fee]:
    """Price the stays that could be meant; one that cannot be priced is left out."""
    services = asker.parking
    exit_ = next((each for each in details.events if not each.entered), None)
    if exit_ is None or details.review.state is not ReviewState.PENDING:
        return {}
    meant = {each.stay_id for each in details.stays}
    if details.review.entry_event_id is not None:
        meant.add(StayId(details.review.entry_event_id))
    fees: dict[StayId, Fee] = {}
    for stay_id in meant:
        async with reading(services.pool) as connection:
            stay = await queries.stay(connection, stay_id)
        if stay is None or stay.entered_at is None:
            continue
        with suppress(DomainError):
            fees[stay_id] = await services.quotes.quote_times(
                tariff_id=stay.tariff_id,
                entered_at=stay.entered_at,
                left_at=exit_.occurred_at,
                colour=stay.colour,
            )
    return fees


async def _page(asker: Asker, review_id: UUID, tried: Tried = UNTRIED) -> str:
    found = await _read(asker, review_id)
    text, review = desk_words(asker.language), found.details.review
    title = text[f"review.{review.kind.value}"]
    top = head(title, found.lot, tried=tried, language=asker.language)
    evidence = [
        panel(text["review.seen"], _seen(found, text), note(text["no_pictures"], "calm")),
        _stays_seen(found, text),
    ]
    if found.fee is not None:
        evidence.append(panel(text["review.fee"], fee_table(found.fee, asker.language)))
    if review.state is not ReviewState.PENDING:
        choices = [
            outcome(
                text[f"review.{review.state.value}"],
                by=review.decided_by,
                at=review.decided_at,
                zone=found.zone,
                why="",
                language=asker.language,
            )
        ]
    else:
        choices = _choices(found, asker, text, tried)
    return at_desk(case(top, evidence, choices), title=title, asker=asker)


def _seen(found: _Shown, text: dict[str, str]) -> Markup:
    def one(event: SeenEvent) -> Markup:
        others = ", ".join(
            f"{each.text} {each.confidence:.0%}" for each in event.candidates if each.text
        )
        rows: list[tuple[str, object]] = [
            (text["at"], instant(event.occurred_at, found.zone)),
            (text["lane"], event.lane_id),
            (text["review.read"], chip(event.plate_read, event.colour.value)),
            (text["review.sure"], f"{event.confidence:.0%}"),
        ]
        if others:
            rows.append((text["review.others"], others))
        if event.plate != event.plate_read:
            rows.append((text["review.counts"], chip(event.plate)))
        if event.by:
            rows.append((text["review.by"], event.by))
        rows.append((text["trace"], fill('<span class="ids">$id</span>', id=event.trace_id)))
        title = text["entered" if event.entered else "left"]
        return fill("<h3>$title</h3>$facts", title=title, facts=facts(rows))

    hold = found.details.review.hold_until
    waits = NOTHING
    if hold is not None and found.details.review.state is ReviewState.PENDING:
        waits = facts([(text["review.hold"], instant(hold, found.zone))])
    return join((*map(one, found.details.events), waits))


def _lasting(seconds: int, text: dict[str, str]) -> str:
    hours, rest = divmod(seconds // 60, 60)
    return f"{hours} {text['hours']} {rest} {text['minutes']}"


def _stays_seen(found: _Shown, text: dict[str, str]) -> Markup:
    stays = found.details.stays
    if found.details.review.kind is ReviewKind.NEAR_MISS or not stays:
        return NOTHING
    heads = (
        text["plate"],
        text["entered"],
        text["lasted"],
        text["fee"],
        text["review.score"],
    )
    rows = [
        (
            chip(each.plate, each.colour.value),
            instant(each.entered_at, found.zone),
            _lasting(each.lasted_seconds, text),
            money(found.fees[each.stay_id].total) if each.stay_id in found.fees else "–",
            f"{each.score:.0%}",
        )
        for each in stays
    ]
    return panel(text["review.stays"], table(heads, rows))


def _choices(found: _Shown, asker: Asker, text: dict[str, str], tried: Tried) -> list[Markup]:
    review = found.details.review
    near = review.kind is ReviewKind.NEAR_MISS
    action = f"/desk/reviews/{review.review_id}"

    def offer(decision: Decision, name: str, button: str, *fields: Markup, quiet: bool) -> Markup:
        mine = tried.of(decision.value)
        reason = reason_field(text["reason_optional"], required=False, tried=mine)
        return choice(
            action,
            token=asker.token,
            decision=decision.value,
            title=text[f"review.{name}"],
            then=text[f"review.{name}.then"],
            button=text[button],
            fields=(*fields, reason),
            quiet=quiet,
        )

    mine = tried.of(_MATCH)
    plate = field("plate", text["review.true_plate"], placeholder="浙A8B762", tried=mine)
    known = offer(Decision.MATCH, "match", "decide", _picked(found, text, mine), plate, quiet=near)
    confirm = offer(Decision.CONFIRM, "same" if near else "there", "confirm", quiet=not near)
    reject = offer(Decision.REJECT, "two" if near else "nothing", "reject", quiet=True)
    return [confirm, reject, known] if near else [known, confirm, reject]


def _picked(found: _Shown, text: dict[str, str], tried: Tried) -> Markup:
    """Which of the stays it is, the likeliest first."""
    chosen = tried.values.get("stay_id", "")

    def one(stay: PossibleStay) -> Markup:
        label = join((chip(stay.plate, stay.colour.value), instant(stay.entered_at, found.zone)))
        return radio("stay_id", str(stay.stay_id), label, on=chosen == str(stay.stay_id))

    stays = found.details.stays
    if not stays:
        return fill('<p class="soft small">$text</p>', text=text["review.no_stays"])
    none = radio("stay_id", "", fill("$text", text=text["review.none_of_them"]), on=not chosen)
    return fill(
        "<fieldset><legend>$title</legend>$options</fieldset>",
        title=text["review.stays"],
        options=join((*map(one, stays), none)),
    )


async def _decide(asker: Asker, review_id: UUID, form: ReviewForm) -> None:
    matching = form.decision == _MATCH
    given = msgspec.convert(
        {
            "decision": form.decision,
            "stay_id": (form.stay_id or None) if matching else None,
            "plate": (form.plate.strip() or None) if matching else None,
            "reason": form.reason.strip(),
        },
        DecisionBody,
    )
    await carry_out(asker.parking, review_id, given, principal=asker.principal)


@get("/desk/reviews/{review_id:uuid}", include_in_schema=False)
async def show_review(request: AnyRequest, review_id: FromPath[UUID]) -> Response[str]:
    """The evidence, and the choices."""
    return await shown(request, lambda asker: _page(asker, review_id))


@post("/desk/reviews/{review_id:uuid}", include_in_schema=False, status_code=303)
async def decide_review(
    request: AnyRequest, review_id: FromPath[UUID], data: Annotated[ReviewForm, FORM]
) -> Response[str]:
    """Decide it as the API does."""
    return await decided(
        request,
        data,
        lambda asker: _decide(asker, review_id, data),
        kind="reviews",
        again=lambda asker, tried: _page(asker, review_id, tried),
    )


HANDLERS: Final = (show_review, decide_review)
