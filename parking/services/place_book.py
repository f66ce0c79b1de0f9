"""Lots with their lanes, devices, rules and tariffs, remembered for a few seconds.

The hot path asks for these with every event; they change a few times a year. Other processes see a
change within `ttl_seconds`, the changing one at once.
"""

import time
from collections.abc import Iterable, Mapping
from datetime import datetime
from zoneinfo import ZoneInfo

import msgspec

from parking.core.ids import LotId, TariffId
from parking.core.place import LaneDirection, Lot
from parking.core.pricing_plan import CompiledTariff, compile_tariff
from parking.core.tariff_document import read_tariff_json
from parking.core.tariff_versions import PricedFrom, TariffVersions
from parking.db import places
from parking.db.pool import Connection, Pool, reading
from parking.services.refusals import UnknownLotError
from parking.services.shared_reads import SharedReads


class LotEntry(msgspec.Struct, frozen=True, kw_only=True):
    """What the events of one lot are checked and folded by."""

    lot: Lot
    zone: ZoneInfo
    lanes: Mapping[str, LaneDirection]
    devices: frozenset[str]


class PlaceBook:
    """Remembers lots and tariffs. One per process."""

    def __init__(self, pool: Pool, *, ttl_seconds: float) -> None:
        """Read through `pool`, trust what was read for `ttl_seconds`."""
        self._pool = pool
        self._ttl_s = ttl_seconds
        self._lots: dict[LotId, tuple[LotEntry, float]] = {}
        self._reads: SharedReads[LotId, LotEntry] = SharedReads()
        self._tariffs: dict[TariffId, tuple[TariffVersions, float]] = {}
        self._asking: set[TariffId] = set()

    def fresh(self, lot_id: LotId) -> LotEntry | None:
        """The lot if it was read lately; no I/O."""
        found = self._lots.get(lot_id)
        return None if found is None or found[1] < time.monotonic() else found[0]

    async def lot(self, lot_id: LotId) -> LotEntry:
        """The lot, read now if need be. Raises UnknownLotError, DatabaseUnavailableError."""
        fresh = self.fresh(lot_id)
        if fresh is not None:
            return fresh
        return await self._reads.read(lot_id, lambda: self.reread(lot_id))

    async def latest(self, lot_id: LotId) -> LotEntry:
        """The lot as it was last read, however long ago; for who checked it lately."""
        found = self._lots.get(lot_id)
        return await self.reread(lot_id) if found is None else found[0]

    async def reread(self, lot_id: LotId) -> LotEntry:
        """The lot as the database has it now. Raises UnknownLotError, DatabaseUnavailableError."""
        lots, until_s = self._lots, time.monotonic() + self._ttl_s
        async with reading(self._pool) as connection:
            row = await places.lot_row(connection, lot_id)
        if row is None:
            lots.pop(lot_id, None)
            raise UnknownLotError(lot_id)
        entry = LotEntry(
            lot=row.lot, zone=ZoneInfo(row.lot.zone), lanes=row.lanes, devices=row.devices
        )
        lots[lot_id] = (entry, until_s)
        return entry

    async def read_tariffs(self, connection: Connection, tariff_ids: Iterable[TariffId]) -> None:
        """Make sure that `tariff_at` knows these tariffs as they were lately."""
        now_s = time.monotonic()
        stale = [name for name in tariff_ids if not self._knows(name, now_s)]
        if not stale:
            return
        versions: dict[TariffId, list[PricedFrom]] = {}
        for row in await places.tariff_rows(connection, stale):
            ready = compile_tariff(read_tariff_json(row.document))
            versions.setdefault(row.tariff_id, []).append(PricedFrom(row.effective_from, ready))
        for tariff_id, found in versions.items():
            ready_versions = TariffVersions(found)
            self._tariffs[tariff_id] = (ready_versions, now_s + self._ttl_s)
            (self._asking.add if ready_versions.asks else self._asking.discard)(tariff_id)

    def versions(self, tariff_id: TariffId) -> TariffVersions:
        """All versions of a tariff. Raises KeyError like `tariff_at`."""
        return self._tariffs[tariff_id][0]

    def any_asks(self, tariff_ids: Iterable[TariffId]) -> bool:
        """Say whether fees by one of these tariffs may depend on more than the stay itself."""
        return not self._asking.isdisjoint(tariff_ids)

    def tariff_at(self, tariff_id: TariffId, instant: datetime) -> CompiledTariff:
        """The version in force at an instant; the first version holds for all time before too.

        Raises KeyError for a tariff that `read_tariffs` was not asked for.
        """
        return self._tariffs[tariff_id][0].at(instant)

    def forget(self) -> None:
        """Read all anew next time: something was changed here."""
        # A read that began before must leave its answer where nobody looks.
        self._lots = {}
        self._reads.forget()
        self._tariffs.clear()

    def _knows(self, tariff_id: TariffId, now_s: float) -> bool:
        found = self._tariffs.get(tariff_id)
        return found is not None and found[1] >= now_s
