"""Operators, tariffs, lots, lanes and devices: put in place, and changed, by an admin."""

from datetime import UTC, datetime
from enum import Enum
from zoneinfo import ZoneInfo

import msgspec

from parking.core.errors import DomainError
from parking.core.ids import LotId, OperatorId, TariffId
from parking.core.place import Device, Lane, Lot, Operator, StayRules
from parking.core.rule_checks import rule_mistakes
from parking.core.tariff import Tariff
from parking.core.tariff_document import check_tariff, read_tariff_json
from parking.core.tariff_errors import VersionDatesError, VersionsOutOfOrderError
from parking.core.tariff_version_checks import version_mistakes
from parking.core.tariff_versions import begins_at
from parking.core.vehicle import VehicleKind
from parking.db import places
from parking.db.places import TariffRow
from parking.db.pool import Connection, Pool, transaction
from parking.services.place_book import PlaceBook
from parking.services.refusals import UnknownLotError


class Put(Enum):
    """What a put did."""

    CREATED = "created"
    CHANGED = "changed"


class UnknownOperatorError(DomainError):
    """There is no such operator."""

    def __init__(self, operator_id: OperatorId) -> None:
        super().__init__(f"there is no operator {operator_id}")


class UnknownTariffError(DomainError):
    """There is no such tariff, or not in this version."""

    def __init__(self, tariff_id: TariffId) -> None:
        super().__init__(f"there is no tariff {tariff_id}")


class UnknownTimeZoneError(DomainError):
    """Not an IANA time zone."""

    def __init__(self, zone: str) -> None:
        super().__init__(f"{zone!r} is no IANA time zone; Asia/Shanghai is one")


class StayRulesError(DomainError):
    """A lot's rules that would not work."""


class ClassSpacesError(DomainError):
    """A class of vehicles that would have more spaces than the lot."""

    def __init__(self, *, kind: VehicleKind, spaces: int, of: int) -> None:
        super().__init__(f"class_spaces: {spaces} for {kind.value}, but the lot has {of} in all")


class LotOfOtherOperatorError(DomainError):
    """A lot stays with its operator: what it earned is owed to that one."""

    def __init__(self, *, lot_id: LotId, operator_id: OperatorId) -> None:
        super().__init__(f"lot {lot_id} belongs to operator {operator_id} and stays there")


class TariffVersionTakenError(DomainError):
    """A version of a tariff never changes; the next number is free."""

    def __init__(self, *, tariff_id: TariffId, version: int) -> None:
        super().__init__(f"tariff {tariff_id} has a version {version} already, with other content")


class TariffMismatchError(DomainError):
    """The document names another tariff or version than the address it was put to."""

    def __init__(self, tariff: Tariff, *, tariff_id: TariffId, version: int) -> None:
        super().__init__(
            f"the document is {tariff.tariff_id} version {tariff.version},"
            f" the address says {tariff_id} version {version}"
        )


class TariffOrderError(DomainError):
    """A later version begins later, and never in the past: stays already priced keep their fee."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)


class PlaceRegister:
    """Puts places and tariffs. Each call is idempotent."""

    def __init__(self, pool: Pool, book: PlaceBook) -> None:
        """Write through `pool`; `book` is told to read anew."""
        self._pool = pool
        self._book = book

    async def put_operator(self, operator: Operator) -> Put:
        """Create or rename an operator."""
        async with transaction(self._pool) as connection:
            return _put(created=await places.put_operator(connection, operator))

    async def put_tariff_version(
        self,
        tariff: Tariff,
        *,
        tariff_id: TariffId,
        version: int,
        effective_from: datetime | None,
        now: datetime,
    ) -> Put:
        """Store a version of a tariff for good; the same again changes nothing.

        The first version may begin at any time and holds for all time before; a later one begins
        after all earlier ones, and not in the past. `effective_from` may be left out where the
        document says it. Raises TariffMismatchError, TariffOrderError, TariffVersionTakenError, or
        a TariffError that names the key.
        """
        check_tariff(tariff)
        effective_from = _beginning(tariff, effective_from)
        if (tariff.tariff_id, tariff.version) != (tariff_id, version):
            raise TariffMismatchError(tariff, tariff_id=tariff_id, version=version)
        row = TariffRow(
            tariff_id=tariff_id,
            version=version,
            effective_from=effective_from,
            document=msgspec.json.encode(tariff).decode(),
        )
        async with transaction(self._pool) as connection:
            known = await places.tariff_rows(connection, [tariff_id])
            for earlier in known:
                if earlier.version == version:
                    return _same_version(earlier, row)
            _check_order(row, known, now)
            _check_follows(tariff, row, known)
            if not await places.insert_tariff_version(connection, row):
                raise TariffVersionTakenError(tariff_id=tariff_id, version=version)
        self._book.forget()
        return Put.CREATED

    async def put_lot(self, lot: Lot) -> Put:
        """Create or change a lot. A new tariff holds for stays that begin from now on.

        Raises UnknownOperatorError, UnknownTariffError, UnknownTimeZoneError, StayRulesError,
        ClassSpacesError, LotOfOtherOperatorError.
        """
        _check_zone(lot.zone)
        _check_rules(lot.rules)
        _check_class_spaces(lot)
        async with transaction(self._pool) as connection:
            if not await places.exists(connection, "operator", operator_id=lot.operator_id):
                raise UnknownOperatorError(lot.operator_id)
            if not await places.exists(connection, "tariff", tariff_id=lot.tariff_id):
                raise UnknownTariffError(lot.tariff_id)
            owner = await places.operator_of_lot(connection, lot.lot_id)
            if owner not in {None, lot.operator_id}:
                assert owner is not None  # noqa: S101 - for the type checker
                raise LotOfOtherOperatorError(lot_id=lot.lot_id, operator_id=owner)
            put = _put(created=await places.put_lot(connection, lot))
        self._book.forget()
        return put

    async def put_lane(self, lane: Lane) -> Put:
        """Create or change a lane. Raises UnknownLotError."""
        async with transaction(self._pool) as connection:
            await _require_lot(connection, lane.lot_id)
            put = _put(created=await places.put_lane(connection, lane))
        self._book.forget()
        return put

    async def put_device(self, device: Device) -> Put:
        """Create or rename a device. Raises UnknownLotError."""
        async with transaction(self._pool) as connection:
            await _require_lot(connection, device.lot_id)
            put = _put(created=await places.put_device(connection, device))
        self._book.forget()
        return put


def _put(*, created: bool) -> Put:
    return Put.CREATED if created else Put.CHANGED


async def _require_lot(connection: Connection, lot_id: LotId) -> None:
    if not await places.exists(connection, "lot", lot_id=lot_id):
        raise UnknownLotError(lot_id)


def _same_version(earlier: TariffRow, row: TariffRow) -> Put:
    # Compared as tariffs, not as text: a later release may write the same tariff differently.
    same = read_tariff_json(earlier.document) == read_tariff_json(row.document)
    if same and earlier.effective_from == row.effective_from:
        return Put.CHANGED
    raise TariffVersionTakenError(tariff_id=row.tariff_id, version=row.version)


def _beginning(tariff: Tariff, effective_from: datetime | None) -> datetime:
    said = begins_at(tariff)
    if effective_from is None and said is None:
        msg = "say from when the version holds: effective_from"
        raise TariffOrderError(msg)
    if effective_from is not None and said is not None and effective_from != said:
        msg = f"the document begins on {said}, the request says {effective_from}"
        raise TariffOrderError(msg)
    return effective_from or said or datetime.max.replace(tzinfo=UTC)


def _check_follows(tariff: Tariff, row: TariffRow, known: tuple[TariffRow, ...]) -> None:
    """Hold a version to the days, zone and currency of the one before it."""
    earlier = [each for each in known if each.version < row.version]
    if not earlier:
        return
    before = read_tariff_json(max(earlier, key=lambda each: each.version).document)
    day = row.effective_from.astimezone(ZoneInfo(tariff.zone)).date()
    dated = msgspec.structs.replace(tariff, effective_from=day)
    for mistake in version_mistakes((before, dated)):
        if not isinstance(mistake, VersionDatesError | VersionsOutOfOrderError):
            key = mistake.key.removeprefix("versions[1].")
            raise type(mistake)(key=key, reason=mistake.reason)


def _check_order(row: TariffRow, known: tuple[TariffRow, ...], now: datetime) -> None:
    if not known:
        return
    if row.effective_from < now:
        reason = f"version {row.version} must not begin in the past: {row.effective_from}"
        raise TariffOrderError(reason)
    if any(
        (earlier.version < row.version) != (earlier.effective_from < row.effective_from)
        for earlier in known
    ):
        reason = f"version {row.version} must begin after all versions of a lower number"
        raise TariffOrderError(reason)


def _check_zone(zone: str) -> None:
    try:
        ZoneInfo(zone)
    except (ValueError, OSError, KeyError):
        raise UnknownTimeZoneError(zone) from None


def _check_class_spaces(lot: Lot) -> None:
    for kind, spaces in lot.class_spaces.items():
        if spaces > lot.spaces:
            raise ClassSpacesError(kind=kind, spaces=spaces, of=lot.spaces)


def _check_rules(rules: StayRules) -> None:
    mistakes = list(rule_mistakes(rules))
    if mistakes:
        raise StayRulesError("; ".join(mistakes))
