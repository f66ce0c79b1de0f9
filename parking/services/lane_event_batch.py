"""One transaction of lane events: durable, folded, priced, told to billing; or nothing at all."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Final, TypeAlias

import msgspec

from parking.core.errors import DomainError
from parking.core.events import (
    Amendment,
    Fact,
    LaneEvent,
    VehicleEntered,
    VehicleExited,
    amended_by,
)
from parking.core.fee import Fee
from parking.core.folding import NeedsRefold, advance
from parking.core.ids import EventId, LotId, StayId
from parking.core.place import StayRules
from parking.core.plate import Plate
from parking.core.stay import Stay, StayState
from parking.core.stay_fee import PlateAccount
from parking.db import lane_events, plate_facts, reviews, stays
from parking.db.lane_events import Known, LotPlate
from parking.db.pool import Connection
from parking.db.reviews import Review, ReviewKind
from parking.db.stays import StayRow
from parking.services.check_lane_event import Submission
from parking.services.clock import new_id
from parking.services.near_misses import candidate_for, hold_since, review_of_exit
from parking.services.place_book import LotEntry, PlaceBook
from parking.services.plate_accounts import Asked, beside, read_accounts
from parking.services.price_stays import Change, fee_of, price_stay
from parking.services.refold import refold
from parking.services.write_changes import write_changes

_LANE_EVENTS: Final = (VehicleEntered, VehicleExited)
_Refolds: TypeAlias = dict[LotId, dict[Plate, datetime]]
"""What must be folded again, and since when something about it changed."""
# Planning each statement anew for its values costs more than it saves. A plan made while a table
# was still empty must not read all of it when it is full.
_PLANS: Final = "set local plan_cache_mode = force_generic_plan; set local enable_seqscan = off"


class LotNeededAloneError(DomainError):
    """An event that an earlier fact amends: its lot must be locked as a whole. Try again so."""

    def __init__(self, lots: frozenset[LotId]) -> None:
        super().__init__(f"lots to be locked alone: {', '.join(sorted(lots))}")
        self.lots = lots


class Tentative(msgspec.Struct, frozen=True):
    """An exit paired by a near miss: the stay it may end, and the fee that it would have."""

    row: StayRow
    left_at: datetime
    fee: Fee


class BatchResult(msgspec.Struct, frozen=True):
    """What a transaction did."""

    new: Collection[EventId]
    stored: Mapping[EventId, bytes]
    """Fingerprints of the events that were recorded before."""
    newest: Mapping[LotPlate, StayRow]
    """The newest stay of each plate that the batch touched."""
    tentative: Mapping[EventId, Tentative]


class LaneEventBatch:
    """Distinct events on their way through one transaction."""

    def __init__(
        self,
        submissions: Mapping[EventId, Submission],
        *,
        lots: Mapping[LotId, LotEntry],
        book: PlaceBook,
        now: datetime,
        alone: Collection[LotId] = (),
    ) -> None:
        """Prepare; `lots` holds every lot of the submissions, `alone` those to lock as a whole."""
        self._submissions = submissions
        self._lots = lots
        self._book = book
        self._now = now
        self._facts: list[Fact] = [each.fact for each in submissions.values()]
        self._pairs = {pair for fact in self._facts if (pair := _pair(fact)) is not None}
        amended = {fact.lot_id for fact in self._facts if not isinstance(fact, _LANE_EVENTS)}
        self._alone = frozenset(alone) | amended

    def beginning(self) -> str:
        """The statements that the transaction begins with: settings, and the locks."""
        alone = self._alone
        locking = lane_events.locking(
            lots_shared=set(self._lots) - alone,
            lots_alone=alone,
            plates=[pair for pair in self._pairs if pair[0] not in alone],
        )
        return f"{_PLANS}; {locking}"

    async def record(self, connection: Connection) -> BatchResult:
        """Do it all, inside a transaction begun with `beginning`. Raises LotNeededAloneError."""
        self._connection = connection
        alone, pairs = self._alone, self._pairs
        known = await lane_events.known(
            self._connection, self._submissions, lots=self._lots, plates=pairs
        )
        fresh = [fact for fact in self._facts if fact.event_id not in known.hashes]
        if fresh:
            hashes = {event_id: each.content_hash for event_id, each in self._submissions.items()}
            await lane_events.insert_facts(self._connection, fresh, hashes, table=known.table)
        refolds = await self._amended_plates(fresh, known, alone)
        tails = await stays.tails(self._connection, pairs) if pairs else {}
        await self._read_tariffs(tails)
        accounts = await self._read_accounts(fresh, tails)
        changes = self._advanced(fresh, tails, refolds, accounts)
        for lot_id, plates in refolds.items():
            changes += await self._refolded(lot_id, plates)
        amended = [_amends(fact) for fact in fresh if not isinstance(fact, _LANE_EVENTS)]
        if changes or amended:
            await write_changes(self._connection, changes, now=self._now, amended=amended)
        tentative = await self._ask(fresh, changes)
        new = {fact.event_id for fact in fresh}
        return BatchResult(new, known.hashes, _newest(tails, changes), tentative)

    async def _amended_plates(
        self, fresh: Iterable[Fact], known: Known, alone: Collection[LotId]
    ) -> _Refolds:
        """The plates, lot by lot, whose stays new or earlier amendments change, and since when."""
        concerned: dict[LotId, list[EventId]] = {}
        for fact in fresh:
            if not isinstance(fact, _LANE_EVENTS) or fact.event_id in known.amended:
                concerned.setdefault(fact.lot_id, []).append(fact.event_id)
            elif repeated := known.repeated_by(fact):
                concerned.setdefault(fact.lot_id, []).extend((fact.event_id, *repeated))
        unlocked = frozenset(concerned) - frozenset(alone)
        if unlocked:
            raise LotNeededAloneError(unlocked)
        if known.amended:
            await lane_events.note_amended(self._connection, known.amended)
        return {
            lot_id: await plate_facts.plates_about(self._connection, lot_id, event_ids)
            for lot_id, event_ids in concerned.items()
        }

    async def _read_tariffs(self, tails: Mapping[LotPlate, StayRow]) -> None:
        wanted = {row.tariff_id for row in tails.values()}
        wanted |= {entry.lot.tariff_id for entry in self._lots.values()}
        await self._book.read_tariffs(self._connection, wanted)

    async def _read_accounts(
        self, fresh: Iterable[Fact], tails: Mapping[LotPlate, StayRow]
    ) -> Mapping[LotPlate, PlateAccount]:
        """What bears on fees besides the stays; nothing is read unless a lot's tariff asks."""
        tariff_ids = {entry.lot.tariff_id for entry in self._lots.values()}
        if not self._book.any_asks(tariff_ids | {row.tariff_id for row in tails.values()}):
            return {}
        asked: dict[LotPlate, Asked] = {}
        for fact in fresh:
            pair = _pair(fact)
            if pair is not None and pair not in asked:
                tail, lot_tariff = tails.get(pair), self._lots[pair[0]].lot.tariff_id
                entered_at = None if tail is None else tail.stay.entered_at
                from_at = min(entered_at or fact.occurred_at, fact.occurred_at)
                tariffs = {lot_tariff} if tail is None else {lot_tariff, tail.tariff_id}
                asked[pair] = Asked(tariffs, from_at)
        return await read_accounts(self._connection, asked, book=self._book)

    def _advanced(
        self,
        fresh: Iterable[Fact],
        tails: Mapping[LotPlate, StayRow],
        refolds: _Refolds,
        accounts: Mapping[LotPlate, PlateAccount],
    ) -> list[Change]:
        """Take the events in, in the usual order; note in `refolds` what cannot be told so."""
        events: dict[LotPlate, list[LaneEvent]] = {}
        for fact in fresh:
            pair = _pair(fact)
            if pair is not None and isinstance(fact, _LANE_EVENTS):
                events.setdefault(pair, []).append(fact)
        changes: list[Change] = []
        for pair, seen in events.items():
            lot_id, plate = pair
            lot, before, amended = self._lots[lot_id], tails.get(pair), refolds.get(lot_id, {})
            touched = None if plate in amended else _advance_all(before, seen, lot.lot.rules)
            if touched is None:
                since = min(event.occurred_at for event in seen)
                refolds.setdefault(lot_id, {})[plate] = min(since, amended.get(plate, since))
                continue
            account = accounts.get(pair)
            if account is not None:
                account = beside(account, touched.values(), before=before, lot=lot)
            for stay in touched.values():
                known = before if before and before.stay.stay_id == stay.stay_id else None
                change = price_stay(stay, before=known, lot=lot, book=self._book, account=account)
                if change is not None:
                    changes.append(change)
        return changes

    async def _refolded(self, lot_id: LotId, plates: Mapping[Plate, datetime]) -> list[Change]:
        return await refold(
            self._connection,
            lot=self._lots[lot_id],
            plates=plates,
            book=self._book,
            now=self._now,
        )

    async def _ask(
        self, fresh: Iterable[Fact], changes: Iterable[Change]
    ) -> dict[EventId, Tentative]:
        """Put what a person must decide on the list; answer the near misses among it."""
        asked = [_no_plate_review(fact, self._now) for fact in fresh if _is_plateless(fact)]
        tentative: dict[EventId, Tentative] = {}
        taken: set[EventId] = set()
        for exit_stay in map(_newly_unpaired, changes):
            if exit_stay is None or exit_stay.left_at is None or exit_stay.exit_event_id is None:
                continue
            lot = self._lots[exit_stay.lot_id]
            row = await candidate_for(self._connection, exit_stay, lot=lot, taken=taken)
            since = await hold_since(self._connection, exit_stay, row, now=self._now)
            asked.append(review_of_exit(exit_stay, row, lot=lot, now=self._now, held_since=since))
            if row is not None and row.stay.entry_event_id is not None:
                taken.add(row.stay.entry_event_id)
                await self._book.read_tariffs(self._connection, [row.tariff_id])
                left_at, pair = exit_stay.left_at, (row.stay.lot_id, row.stay.plate)
                asked_of = {pair: Asked({row.tariff_id}, row.stay.entered_at or left_at)}
                accounts = await read_accounts(self._connection, asked_of, book=self._book)
                fee = fee_of(
                    row.stay,
                    tariff_id=row.tariff_id,
                    book=self._book,
                    left_at=left_at,
                    account=accounts.get(pair),
                )
                tentative[exit_stay.exit_event_id] = Tentative(row, left_at, fee)
        if asked:
            await reviews.insert(self._connection, asked)
        return tentative


def _advance_all(
    before: StayRow | None, seen: Sequence[LaneEvent], rules: StayRules
) -> dict[StayId, Stay] | None:
    """Step through events of one plate; None when only a re-fold can tell."""
    tail = None if before is None else before.stay
    touched: dict[StayId, Stay] = {}
    for event in sorted(seen, key=_occurred_at) if len(seen) > 1 else seen:
        step = advance(tail, event, rules=rules)
        if isinstance(step, NeedsRefold):
            return None
        for stay in (step.changed, step.opened):
            if stay is not None:
                touched[stay.stay_id] = tail = stay
    return touched


def _newest(
    tails: Mapping[LotPlate, StayRow], changes: Iterable[Change]
) -> dict[LotPlate, StayRow]:
    newest = dict(tails)
    for change in changes:
        stay = change.row.stay
        pair = (stay.lot_id, stay.plate)
        rival = newest.get(pair)
        same = rival is not None and rival.stay.stay_id == stay.stay_id
        if change.row.dissolved:
            if same:
                del newest[pair]
        elif same or rival is None or rival.stay.last_seen_at <= stay.last_seen_at:
            newest[pair] = change.row
    return newest


def _occurred_at(event: LaneEvent) -> datetime:
    return event.occurred_at


def _pair(fact: Fact) -> LotPlate | None:
    if isinstance(fact, _LANE_EVENTS) and fact.read.plate is not None:
        return fact.lot_id, fact.read.plate
    return None


def _amends(fact: Fact) -> EventId:
    assert isinstance(fact, Amendment)  # noqa: S101 - told by the caller
    return amended_by(fact)


def _is_plateless(fact: Fact) -> bool:
    return isinstance(fact, _LANE_EVENTS) and fact.read.plate is None


def _no_plate_review(fact: Fact, now: datetime) -> Review:
    entered = isinstance(fact, VehicleEntered)
    return Review(
        review_id=new_id(now),
        kind=ReviewKind.NO_PLATE,
        lot_id=fact.lot_id,
        plate=None,
        entry_event_id=fact.event_id if entered else None,
        exit_event_id=None if entered else fact.event_id,
        created_at=now,
    )


def _newly_unpaired(change: Change) -> Stay | None:
    """An exit that found no stay, unless a person was asked about it before."""
    stay, before = change.row.stay, change.before
    if stay.state is not StayState.MISSED_ENTRY or change.row.dissolved:
        return None
    asked_before = (
        before is not None
        and not before.dissolved
        and before.stay.exit_event_id == stay.exit_event_id
        and before.stay.state is StayState.MISSED_ENTRY
    )
    return None if asked_before else stay
