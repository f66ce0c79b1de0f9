"""Looks for plates that are on two cars: behind the ingest path, over what it recorded.

The watch follows the facts in the order of their recording and looks at each plate that was read:
at its stays in all lots, by an index that begins with the plate. What contradicts is looked at
again under the plates' locks and then written down; both stays are held, and billing hears it. What
does no longer contradict, because of a later fact, is let go.
"""

from collections.abc import Collection, Iterable, Mapping
from datetime import datetime, timedelta
from itertools import chain
from typing import Final
from uuid import UUID

import structlog

from parking.core.cloning import (
    CloneDecision,
    CloneRules,
    Conflict,
    Verdict,
    Visit,
    conflict,
    decided_after,
)
from parking.core.ids import EventId, LotId, StayId
from parking.core.place import Lot
from parking.core.stay import Stay
from parking.db import clones
from parking.db.clones import News, Suspicion
from parking.db.pool import Connection, Pool, reading, transaction
from parking.db.stays import StayRow
from parking.services.clock import new_id
from parking.services.hold_stays import lock_stays, settle_holds
from parking.services.place_book import PlaceBook

BY_FACTS: Final = "rule:facts-changed"
_LATE_COMMITS: Final = timedelta(seconds=10)
"""How long a transaction may be under way whose facts bear an earlier instant."""
_LOOK_BACK: Final = timedelta(days=2)
"""Where a watch begins that never watched."""
_COMPARED: Final = timedelta(days=30)
"""How far back a plate's stays are compared with what was read now."""
_DEGREE_KM: Final = 111.3
"""A degree of latitude, and of longitude at the equator, is no longer."""
_CLOCKS: Final = timedelta(hours=1)
_AT_ONCE: Final = 5_000
_PIECES: Final = 20
"""A long backlog is worked off over several calls, so that a worker can be stopped between."""
_BEFORE_ALL: Final = UUID(int=0)
_PLATES_AT_ONCE: Final = 500
_LOG = structlog.get_logger("parking.clones")


class CloneWatch:
    """What the worker calls every few seconds."""

    def __init__(self, pool: Pool, *, book: PlaceBook, rules: CloneRules) -> None:
        """Work through `pool`."""
        self._pool = pool
        self._book = book
        self._rules = rules
        self._looked_at: dict[EventId, datetime] = {}

    async def watch_clones(self, now: datetime) -> int:
        """Look at what was recorded since the last time; answer how many suspicions changed.

        Safe to run in parallel and to be killed: what was looked at is only looked at again.
        """
        async with reading(self._pool) as connection:
            since = await clones.position(connection) or now - _LOOK_BACK
        cursor, settled = (since, _BEFORE_ALL), now - _LATE_COMMITS
        done = 0
        for _ in range(_PIECES):
            async with reading(self._pool) as connection:
                found = await clones.news(connection, cursor, now, limit=_AT_ONCE)
            fresh = [each for each in found if each.event_id not in self._looked_at]
            if fresh:
                done += await self._look_at(fresh, now)
            behind = len(found) == _AT_ONCE
            cursor = (found[-1].recorded_at, found[-1].event_id) if behind else (now, _BEFORE_ALL)
            # What is older cannot be joined any more by a transaction still under way.
            async with transaction(self._pool) as connection:
                await clones.move(connection, min(cursor[0], settled))
            self._looked_at |= {each.event_id: each.recorded_at for each in found}
            if not behind:
                break
        self._looked_at = {each: at for each, at in self._looked_at.items() if at >= settled}
        return done

    async def _look_at(self, fresh: list[News], now: datetime) -> int:
        read = sorted({(each.lot_id, plate) for each in fresh for plate in each.plates})
        since = min(each.occurred_at for each in fresh) - _COMPARED
        written_since = min(each.recorded_at for each in fresh)
        done = 0
        for start in range(0, len(read), _PLATES_AT_ONCE):
            some = read[start : start + _PLATES_AT_ONCE]
            async with reading(self._pool) as connection:
                pairs = await clones.near_pairs(
                    connection,
                    some,
                    since=since,
                    written_since=written_since,
                    within=_longest_way(await clones.spread_degrees(connection), self._rules),
                )
                suspected = await clones.about_plates(connection, {plate for _, plate in some})
                standing = {each.stay_ids: each for each in suspected if each.standing}
                found = await self._contradictions(connection, pairs | standing.keys())
            for stay_ids in found - standing.keys():
                done += await self._raise(stay_ids, now)
            for stay_ids in standing.keys() - found:
                done += await self._lift(standing[stay_ids], now)
        return done

    async def _contradictions(
        self, connection: Connection, pairs: Collection[tuple[StayId, StayId]]
    ) -> set[tuple[StayId, StayId]]:
        """Those of the pairs that no single car can have caused."""
        rows = await clones.by_ids(connection, set(chain.from_iterable(pairs)))
        stays = {each: row.stay for each, row in rows.items() if not row.dissolved}
        known = [pair for pair in pairs if pair[0] in stays and pair[1] in stays]
        if not known:
            return set()
        lots = await clones.lots(connection, {stay.lot_id for stay in stays.values()})
        event_ids = list(chain.from_iterable(map(_event_ids, stays.values())))
        confidences = await clones.confidences(connection, event_ids)
        visits = {each: _visit(stay, lots, confidences) for each, stay in stays.items()}
        return {
            (one, other)
            for one, other in known
            if conflict(visits[one], visits[other], rules=self._rules) is not None
        }

    async def _raise(self, stay_ids: tuple[StayId, StayId], now: datetime) -> int:
        await self._read_lots(stay_ids)
        async with transaction(self._pool) as connection:
            rows = await _locked(connection, stay_ids)
            evidence = await self._evidence(connection, rows)
            about = await clones.about_stays(connection, stay_ids)
            if evidence is None or any(
                each.stay_ids == stay_ids and each.standing for each in about
            ):
                return 0
            suspicion = Suspicion(
                suspicion_id=new_id(now),
                plate=rows[0].stay.plate,
                kind=evidence.kind,
                stay_ids=stay_ids,
                evidence=evidence,
                raised_at=now,
            )
            await clones.insert(connection, suspicion)
            await settle_holds(connection, stay_ids, book=self._book, now=now)
        _LOG.warning(
            "a plate seems to be on two cars",
            suspicion_id=str(suspicion.suspicion_id),
            kind=evidence.kind.value,
        )
        return 1

    async def _lift(self, suspicion: Suspicion, now: datetime) -> int:
        await self._read_lots(suspicion.stay_ids)
        async with transaction(self._pool) as connection:
            rows = await _locked(connection, suspicion.stay_ids)
            present = await clones.suspicion(connection, suspicion.suspicion_id)
            if present is None or not present.standing:
                return 0
            if await self._evidence(connection, rows) is not None:
                return 0
            lifted = CloneDecision(
                decision_id=new_id(now),
                suspicion_id=suspicion.suspicion_id,
                verdict=Verdict.LIFTED,
                by=BY_FACTS,
                reason="later facts show that one car can have done both",
                decided_at=decided_after(present.decisions, now=now),
            )
            await clones.decide(connection, lifted)
            await settle_holds(connection, suspicion.stay_ids, book=self._book, now=now)
        return 1

    async def _read_lots(self, stay_ids: tuple[StayId, StayId]) -> None:
        """Have the lots at hand before a transaction begins."""
        async with reading(self._pool) as connection:
            rows = await clones.by_ids(connection, stay_ids)
        for row in rows.values():
            await self._book.lot(row.stay.lot_id)

    async def _evidence(
        self, connection: Connection, rows: tuple[StayRow, StayRow]
    ) -> Conflict | None:
        if any(row.dissolved for row in rows):
            return None
        stays = [row.stay for row in rows]
        event_ids = list(chain.from_iterable(map(_event_ids, stays)))
        confidences = await clones.confidences(connection, event_ids)
        lots = await clones.lots(connection, [stay.lot_id for stay in stays])
        one, other = (_visit(stay, lots, confidences) for stay in stays)
        return conflict(one, other, rules=self._rules)


async def _locked(
    connection: Connection, stay_ids: tuple[StayId, StayId]
) -> tuple[StayRow, StayRow]:
    """Both stays as they are under the locks of their plates."""
    before = await clones.by_ids(connection, stay_ids)
    await lock_stays(connection, before.values())
    rows = await clones.by_ids(connection, stay_ids)
    return rows[stay_ids[0]], rows[stay_ids[1]]


def _longest_way(spread_degrees: float, rules: CloneRules) -> timedelta:
    """How long the way between the two lots furthest apart takes at most; and clocks may differ."""
    return timedelta(hours=spread_degrees * _DEGREE_KM / rules.speed_kmh) + _CLOCKS


def _event_ids(stay: Stay) -> Iterable[EventId]:
    return [each for each in (stay.entry_event_id, stay.exit_event_id) if each is not None]


def _visit(stay: Stay, lots: Mapping[LotId, Lot], confidences: Mapping[EventId, float]) -> Visit:
    lot = lots[stay.lot_id]
    return Visit(
        stay=stay,
        position=lot.position,
        tolerance_seconds=lot.rules.clock_drift_tolerance_seconds,
        confidences={each: confidences[each] for each in _event_ids(stay) if each in confidences},
    )
