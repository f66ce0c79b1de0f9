"""What became of every car, held against the story: the demo's own judge.

The story knows what each car did and what it must cost; the database knows what the product made
of it. A car that is not settled yet has something missing; the demo waits until nothing is.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

import asyncpg
import msgspec

from parking.core.fee import FeeLine
from parking.db.pool import Pool
from portal.demo.city import DemoLot
from portal.demo.story import Fate, Pass

_SAME_CAR: Final = timedelta(minutes=3)
"""How far the camera's time may lie from the story's for it to be the same passage."""

_STAYS: Final = """
SELECT stay.stay_id, stay.lot_id, stay.plate, stay.state, stay.entered_at, stay.left_at,
       stay.fee, stay.fee_minor, obligation.state AS obligation_state,
       obligation.charged_minor,
       obligation.captured_minor - obligation.returned_minor AS paid_minor,
       (SELECT array_agg(payment.method || ' ' || payment.attempts ORDER BY payment.created_at)
        FROM billing.payment_allocation AS part JOIN billing.payment USING (payment_id)
        WHERE part.obligation_id = obligation.obligation_id AND part.state = 'captured') AS paid_by
FROM parking.stay
LEFT JOIN billing.obligation USING (stay_id)
WHERE NOT stay.dissolved
ORDER BY coalesce(stay.entered_at, stay.left_at), stay.stay_id
"""
_STAY_OF: Final = {
    Fate.CHARGED: "paid",
    Fate.RECOVERED: "paid",
    Fate.CONFIRMED: "paid",
    Fate.BY_HAND: "paid",
    Fate.BY_WECHAT: "paid",
    Fate.UNBOUND: "due",
}


@dataclass(frozen=True, kw_only=True)
class Became:
    """One passage and what the product made of it."""

    told: Pass
    stay: asyncpg.Record | None
    missing: tuple[str, ...]
    """What is not yet, or not, as the story says; empty when all is."""

    @property
    def lines(self) -> tuple[FeeLine, ...]:
        """The lines of the fee."""
        if self.stay is None or self.stay["fee"] is None:
            return ()
        lines = msgspec.json.decode(self.stay["fee"], type=_Lines).lines
        return tuple(lines)

    @property
    def paid_by(self) -> str:
        """How it was paid: `card 1` is by card at the first attempt."""
        found = None if self.stay is None else self.stay["paid_by"]
        return ", ".join(found or ())


class _Lines(msgspec.Struct):
    lines: list[FeeLine]


async def read_stays(pool: Pool) -> list[asyncpg.Record]:
    """Every stay of the demo's database with its obligation."""
    found: list[asyncpg.Record] = await pool.fetch(_STAYS)
    return found


def judge(story: Sequence[Pass], stays: Sequence[asyncpg.Record]) -> tuple[Became, ...]:
    """Hold each passage of the story against the stays."""
    free = list(stays)
    became = []
    for told in story:
        stay = next((each for each in free if _is_of(told, each)), None)
        if stay is not None:
            free.remove(stay)
        became.append(Became(told=told, stay=stay, missing=tuple(_missing(told, stay))))
    return tuple(became)


def strangers(story: Sequence[Pass], stays: Sequence[asyncpg.Record]) -> list[asyncpg.Record]:
    """Stays that no passage of the story explains."""
    explained = {each.stay["stay_id"] for each in judge(story, stays) if each.stay is not None}
    return [stay for stay in stays if stay["stay_id"] not in explained]


def _is_of(told: Pass, stay: asyncpg.Record) -> bool:
    if stay["lot_id"] != told.lot.lot_id or stay["entered_at"] is None:
        return False
    if abs(stay["entered_at"] - told.entered_at) > _SAME_CAR:
        return False
    return stay["plate"] in (told.plate, told.entry_shows)


def _missing(told: Pass, stay: asyncpg.Record | None) -> Iterable[str]:
    if stay is None:
        yield "no stay"
        return
    if not told.exit_seen:
        if stay["state"] != "missed_exit":
            yield f"is {stay['state']}, must be a missed exit"
        if stay["charged_minor"] or stay["paid_minor"]:
            yield "is charged"
        return
    if stay["state"] != "closed":
        yield f"is {stay['state']}, must be closed"
        return
    yield from _missing_of_closed(told, stay)


def _missing_of_closed(told: Pass, stay: asyncpg.Record) -> Iterable[str]:
    if stay["plate"] != told.plate:
        yield f"runs under {stay['plate']}"
    if stay["left_at"] is None or abs(stay["left_at"] - told.left_at) > _SAME_CAR:
        yield f"left at {stay['left_at']}, must be {told.left_at}"
    if stay["fee_minor"] != told.fee_minor:
        yield f"costs {stay['fee_minor']} fen, must be {told.fee_minor}"
    wanted = _STAY_OF.get(told.fate)
    if wanted is None:
        if stay["obligation_state"] not in (None, "void"):
            yield f"is {stay['obligation_state']}, must be free"
        return
    if stay["obligation_state"] != wanted:
        yield f"is {stay['obligation_state'] or 'not billed'}, must be {wanted}"
    elif wanted == "paid" and stay["paid_minor"] != told.fee_minor:
        yield f"paid {stay['paid_minor']} fen, must be {told.fee_minor}"
    if told.fate is Fate.BY_HAND and not _paid_by(stay, "checkout"):
        yield "must be paid by hand"
    if told.fate is Fate.BY_WECHAT and not _paid_by(stay, "deduction"):
        yield "must be deducted by WeChat Pay"


def _paid_by(stay: asyncpg.Record, method: str) -> bool:
    return any(each.startswith(method) for each in stay["paid_by"] or ())


def lot_name(lot: DemoLot) -> str:
    """A lot as the tables show it."""
    return f"{lot.name_zh} {lot.name_en}"
