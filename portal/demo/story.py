"""The demo's cars and what must become of each: the truth that the outcome is held against.

Fees are written out as a person works them out with the lot's price list in hand.
"""

import random
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from enum import Enum
from typing import Final, TypeAlias
from zoneinfo import ZoneInfo

from portal.demo.city import LONGXIANG, LOTS, STATION, WULIN, ZONE, DemoLot, expected_fee_minor


class Fate(Enum):
    """What a car's stay must come to."""

    CHARGED = "charged"
    """Its driver's card was charged by itself."""
    FREE = "free"
    """Nothing to pay."""
    UNBOUND = "unbound"
    """Nobody has bound the plate: the fee stays owed."""
    RECOVERED = "recovered"
    """The card was declined once and charged later."""
    CONFIRMED = "confirmed"
    """Misread at the entry, matched tentatively, confirmed by the operator, then charged."""
    MISSED_EXIT = "missed_exit"
    """Nobody saw it leave: nothing is charged."""
    BY_HAND = "by_hand"
    """Its driver paid on the gateway's page."""
    BY_WECHAT = "by_wechat"
    """WeChat Pay parking, which its driver has opened for the plate, deducted it by itself."""


@dataclass(frozen=True, kw_only=True)
class Pass:
    """One car in one lot, once."""

    plate: str
    colour: str
    lot: DemoLot
    entered_at: datetime
    left_at: datetime
    fee_minor: int | None
    """What it must cost; None where nothing may be charged because the exit was missed."""
    fate: Fate
    entry_shows: str | None = None
    """What the plate looks like at the entry, where dirt makes it look like another."""

    @property
    def exit_seen(self) -> bool:
        """Whether the exit camera saw it."""
        return self.fate is not Fate.MISSED_EXIT

    @property
    def bound(self) -> bool:
        """Whether a driver has bound the plate, and a card or WeChat Pay parking."""
        return self.fate not in (Fate.UNBOUND, Fate.BY_HAND)


_UNHAPPY: Final = (
    ("皖B6H253", "blue", STATION, "13:05", "15:40", 400, Fate.UNBOUND, None),
    ("浙C4N918", "blue", LONGXIANG, "10:15", "12:05", 600, Fate.RECOVERED, None),
    ("浙A8B762", "blue", WULIN, "13:02", "14:20", 1600, Fate.CONFIRMED, "浙A88762"),
    ("赣E9P351", "blue", LONGXIANG, "09:40", "10:30", None, Fate.MISSED_EXIT, None),
    ("湘A6W084", "blue", WULIN, "15:00", "15:50", 1000, Fate.BY_HAND, None),
)
"""The five that need more than a charge; they are in every demo, however small."""
_HAPPY: Final = (
    ("浙A8K632", "blue", WULIN, "08:12", "08:35", 500, Fate.BY_WECHAT, None),
    ("赣E9P351", "blue", LONGXIANG, "15:10", "16:25", 600, Fate.CHARGED, None),
    ("苏E2M417", "blue", STATION, "12:00", "12:12", 0, Fate.FREE, None),
    ("浙AD73915", "green", WULIN, "10:10", "11:48", 2200, Fate.CHARGED, None),
    ("浙A3Q706", "blue", LONGXIANG, "08:30", "14:20", 1500, Fate.CHARGED, None),
    ("沪B5T880", "blue", STATION, "09:20", "11:45", 400, Fate.CHARGED, None),
    ("粤B2X744", "blue", WULIN, "19:10", "20:40", 1400, Fate.CHARGED, None),
    ("浙A7D219", "blue", WULIN, "09:05", "10:03", 1000, Fate.CHARGED, None),
    ("浙A7D219", "blue", STATION, "14:30", "17:20", 400, Fate.CHARGED, None),
    ("浙AF06128", "green", LONGXIANG, "17:05", "18:50", 600, Fate.CHARGED, None),
    ("浙A5V290", "blue", STATION, "16:30", "19:40", 500, Fate.CHARGED, None),
)
STORY_CARS: Final = len(_UNHAPPY) + len(_HAPPY)


def demo_day(now: datetime) -> date:
    """Yesterday on the lots' clock: a day that is over."""
    return now.astimezone(ZoneInfo(ZONE)).date() - timedelta(days=1)


def write(*, day: date, cars: int, seed: int) -> tuple[Pass, ...]:
    """The passes of the day in the order of their entries; `cars` beyond the story are made up."""
    rows = (*_UNHAPPY, *_HAPPY)[: max(cars, len(_UNHAPPY) + 2)]
    told = [_pass(day, row) for row in rows]
    extra = _made_up(day, count=cars - len(rows), seed=seed)
    return tuple(sorted((*told, *extra), key=lambda each: (each.entered_at, each.plate)))


_Row: TypeAlias = tuple[str, str, DemoLot, str, str, int | None, Fate, str | None]


def _pass(day: date, row: _Row) -> Pass:
    plate, colour, lot, entered, left, fee_minor, fate, entry_shows = row
    return Pass(
        plate=plate,
        colour=colour,
        lot=lot,
        entered_at=_at(day, time.fromisoformat(entered)),
        left_at=_at(day, time.fromisoformat(left)),
        fee_minor=fee_minor,
        fate=fate,
        entry_shows=entry_shows,
    )


def _at(day: date, clock: time) -> datetime:
    return datetime.combine(day, clock, tzinfo=ZoneInfo(ZONE))


def _made_up(day: date, *, count: int, seed: int) -> list[Pass]:
    """More cars of the day, each with a driver; never near the edge of a unit."""
    chance = random.Random(seed)  # noqa: S311 - a story, not a secret
    taken = {row[0] for row in (*_UNHAPPY, *_HAPPY)}
    made: list[Pass] = []
    while len(made) < count:
        digits = "".join(chance.choices("23456789", k=3))
        plate = (
            f"浙{chance.choice('ABC')}{digits}{chance.choice('HJKLMNP')}{chance.choice('2345679')}"
        )
        if plate in taken:
            continue
        taken.add(plate)
        lot = chance.choice(LOTS)
        # Long enough that a card processor takes the sum: less than 4 yuan would wait for more.
        minutes = 30 * chance.randint(5, 9) + chance.randint(4, 26)
        begin = _at(day, time(8)) + timedelta(minutes=chance.randint(5, 400))
        fee = expected_fee_minor(lot, minutes)
        made.append(
            Pass(
                plate=plate,
                colour="blue",
                lot=lot,
                entered_at=begin,
                left_at=begin + timedelta(minutes=minutes),
                fee_minor=fee,
                fate=Fate.CHARGED if fee else Fate.FREE,
            )
        )
    return made
