"""What is needed to fold a plate's stays again since something about it changed, and no more."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Final

import msgspec

from parking.core.durations import EVER
from parking.core.events import Fact
from parking.core.folding import fold
from parking.core.ids import LotId
from parking.core.place import StayRules
from parking.core.plate import Plate
from parking.core.settling import last_settled
from parking.core.stay import Stay
from parking.db import plate_facts, stays
from parking.db.pool import Connection

_LOOKED_AT: Final = 8
"""How many stays are looked through for a settled one, mostly the second. Where none of them is,
since each began just after the one before, all facts are read."""


class PlateTail(msgspec.Struct, frozen=True, kw_only=True):
    """The newest settled stay of a plate in a lot, and the facts since then."""

    plate: Plate
    settled: Stay | None
    facts: Sequence[Fact]

    @property
    def begins_after(self) -> datetime:
        """The stays worked out are those seen after this instant."""
        return EVER if self.settled is None else self.settled.last_seen_at

    def fold(
        self, more: Iterable[Fact] = (), *, rules: StayRules, now: datetime | None = None
    ) -> tuple[Stay, ...]:
        """Work out the stays after the settled one, with `more` facts than are recorded.

        Raises what `parking.core.folding.fold` raises.
        """
        return fold(
            [*self.facts, *more], plate=self.plate, rules=rules, now=now, after=self.settled
        )


async def read_tail(
    connection: Connection,
    lot_id: LotId,
    plate: Plate,
    *,
    since: datetime | None,
    rules: StayRules,
) -> PlateTail:
    """Read what bears on the stays that a change may reach.

    `since` is the earliest instant at which anything about the plate changes; None: everything is
    to be worked out.
    """
    settled = None
    if since is not None:
        newest = await stays.newest_before(connection, lot_id, plate, since, limit=_LOOKED_AT)
        settled = last_settled(newest, before=since, rules=rules)
    facts = await plate_facts.facts_of_plate(
        connection, lot_id, plate, since=None if settled is None else settled.last_seen_at
    )
    return PlateTail(plate=plate, settled=settled, facts=facts)
