"""What waits for a person, of every kind, the oldest first: one statement over both rooms.

Each kind reads an index of what is undecided alone, so the page costs what waits, not what was.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from enum import Enum
from typing import Final
from uuid import UUID

import msgspec

from parking.core.ids import LotId, OperatorId
from parking.core.place import Lot
from parking.db import clones
from parking.db.pool import Pool, reading

LISTED_MAX: Final = 50
"""Of each kind."""


class Kind(Enum):
    """What a person can be asked; its value is the path of its pages under /desk/."""

    REVIEWS = "reviews"
    APPEALS = "appeals"
    CLAIMS = "claims"
    DISCREPANCIES = "discrepancies"
    REFUNDS = "refunds"
    DISPUTES = "disputes"
    CLONES = "clones"
    TICKETS = "tickets"


# Of each: id, since when, plate, more (a word or a name), lot or operator, until when, sum.
# $1 is the operator whose matters alone are shown; null: an admin, who sees all.
_OF_KIND: Final[Mapping[Kind, str]] = {
    Kind.REVIEWS: """
        select r.review_id as id, r.created_at as since, r.plate, r.kind as more, r.lot_id as place,
          r.hold_until as until, null::bigint as amount_minor, null::text as currency
        from parking.review r join parking.lot l using (lot_id)
        where r.state = 'pending' and ($1::text is null or l.operator_id = $1)""",
    Kind.APPEALS: """
        select a.appeal_id, a.opened_at, o.plate, a.ground, o.lot_id, null::timestamptz,
          o.charged_minor, o.currency
        from billing.appeal a join billing.obligation o using (obligation_id)
        where a.closed_at is null and a.state = 'open' and ($1::text is null or o.operator_id = $1)
        """,
    Kind.CLAIMS: """
        select c.claim_id, c.opened_at, c.plate, coalesce(c.holder_answer, ''), '', c.due_at,
          null::bigint, null::text
        from billing.plate_claim c where c.state = 'open' and $1::text is null""",
    Kind.DISCREPANCIES: """
        select d.discrepancy_id, d.found_at, null, d.kind, d.gateway, null::timestamptz,
          abs(d.ours_gross_minor - d.ours_fee_minor - d.theirs_gross_minor + d.theirs_fee_minor),
          d.currency
        from billing.discrepancy d
        where $1::text is null and not exists (
          select from billing.discrepancy_closing c where c.discrepancy_id = d.discrepancy_id)""",
    Kind.REFUNDS: """
        select r.refund_id, r.created_at, o.plate, r.detail, o.lot_id, null::timestamptz,
          r.amount_minor - r.covered_minor, r.currency
        from billing.refund r join billing.obligation o using (obligation_id)
        where r.state = 'failed' and ($1::text is null or o.operator_id = $1)""",
    Kind.DISPUTES: """
        select d.dispute_id, d.heard_at, null, d.state, d.gateway, d.answer_by, d.amount_minor,
          d.currency
        from billing.dispute d
        where d.due_at is not null and d.payment_id is not null and ($1::text is null or exists (
          select from billing.payment_allocation a join billing.obligation o using (obligation_id)
          where a.payment_id = d.payment_id and o.operator_id = $1))""",
    Kind.CLONES: """
        select s.suspicion_id, s.raised_at, s.plate, s.kind, one.lot_id || ', ' || other.lot_id,
          null::timestamptz, coalesce(one.fee_minor, 0) + coalesce(other.fee_minor, 0),
          coalesce(one.currency, other.currency)
        from parking.clone_suspicion s
        join parking.stay one on one.stay_id = s.first_stay_id
        join parking.stay other on other.stay_id = s.second_stay_id
        where not exists (
            select from parking.clone_decision d where d.suspicion_id = s.suspicion_id)
          and ($1::text is null or exists (
            select from parking.lot l
            where l.lot_id in (one.lot_id, other.lot_id) and l.operator_id = $1))""",
    # A ticket is written like a plate, with a mark that no plate begins with ('票').
    Kind.TICKETS: """
        select s.stay_id, coalesce(s.entered_at, s.last_seen_at), s.plate, s.state, s.lot_id,
          null::timestamptz, s.fee_minor, s.currency
        from parking.stay s join parking.lot l using (lot_id)
        where s.plate >= '票' and s.plate < '祩' and not s.dissolved
          and s.state in ('open', 'missed_exit') and ($1::text is null or l.operator_id = $1)""",
}
_ONE: Final = """
(select '{kind}' as kind, w.*, count(*) over () as number,
   sum(amount_minor) over () as total_minor, max(currency) over () as total_currency
 from ({query}) as w (id, since, plate, more, place, until, amount_minor, currency)
 order by since, id limit $2)
"""
_ALL: Final = " union all ".join(
    _ONE.format(kind=kind.value, query=query) for kind, query in _OF_KIND.items()
)


class Waiting(msgspec.Struct, frozen=True, kw_only=True):
    """One matter that waits for a person."""

    kind: Kind
    id: UUID
    since: datetime
    plate: str | None
    more: str
    place: str
    """The lot, or the operator."""
    until: datetime | None
    amount_minor: int | None
    currency: str | None


class Pile(msgspec.Struct, frozen=True, kw_only=True):
    """All that waits of one kind."""

    kind: Kind
    number: int
    oldest: datetime
    total_minor: int | None
    currency: str | None


class Board(msgspec.Struct, frozen=True, kw_only=True):
    """What waits, by kinds, and the oldest of them."""

    piles: Sequence[Pile]
    items: Sequence[Waiting]
    lots: Mapping[LotId, Lot]
    """The lots that the items are about."""


async def board(pool: Pool, *, operator_id: OperatorId | None) -> Board:
    """Read what waits for an operator's people, or for an admin."""
    async with reading(pool) as connection:
        rows = await connection.fetch(_ALL, operator_id, LISTED_MAX)
        places = {place for row in rows for place in places_of(row["place"])}
        lots = await clones.lots(connection, places)
    piles: dict[Kind, Pile] = {}
    items: list[Waiting] = []
    for row in rows:
        kind = Kind(row["kind"])
        names = (name for name in Waiting.__struct_fields__ if name != "kind")
        item = Waiting(kind=kind, **{name: row[name] for name in names})
        items.append(item)
        total = row["total_minor"]
        piles.setdefault(
            kind,
            Pile(
                kind=kind,
                number=row["number"],
                oldest=item.since,
                total_minor=None if total is None else int(total),
                currency=row["total_currency"],
            ),
        )
    items.sort(key=lambda each: (each.since, each.id))
    found = [piles[kind] for kind in Kind if kind in piles]
    return Board(piles=found, items=items, lots=lots)


def places_of(place: str) -> list[LotId]:
    """The lots named by a matter's place; a gateway's name is no lot's, and is found nowhere."""
    return [LotId(each) for each in place.split(", ")]
