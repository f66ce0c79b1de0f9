"""The versions of a tariff over time: which one holds when, and what a change does to a stay."""

from bisect import bisect_right
from collections.abc import Sequence
from datetime import date, datetime
from zoneinfo import ZoneInfo

import msgspec

from parking.core.durations import EVER
from parking.core.errors import DomainError
from parking.core.ids import TariffId
from parking.core.plan import CompiledTariff
from parking.core.pricing_plan import compile_tariff
from parking.core.tariff import Tariff
from parking.core.wall_clock import wall_instant


class TariffNotInForceError(DomainError):
    """No version of the tariff holds on that day."""

    def __init__(self, *, tariff_id: TariffId, day: date, holds: str) -> None:
        super().__init__(f"{tariff_id} is not in force on {day}; {holds}")
        self.tariff_id = tariff_id
        self.day = day


class PricedFrom(msgspec.Struct, frozen=True):
    """A version of a tariff and when it begins to hold."""

    effective_from: datetime
    tariff: CompiledTariff


class TariffVersions:
    """All versions of one tariff, the earliest first. The first holds for all time before too."""

    def __init__(self, versions: Sequence[PricedFrom]) -> None:
        """Take at least one version, in order of their beginnings."""
        self._versions = tuple(versions)
        self._begins = [each.effective_from for each in versions[1:]]

    def at(self, instant: datetime) -> CompiledTariff:
        """The version in force at an instant."""
        return self._versions[bisect_right(self._begins, instant)].tariff

    @property
    def asks(self) -> bool:
        """Say whether a fee may depend on more than the stay itself, under any of the versions."""
        return any(each.tariff.remembers or each.tariff.asks_facts for each in self._versions)

    def later(
        self, *, entered_at: datetime, left_at: datetime
    ) -> tuple[tuple[datetime, CompiledTariff], ...]:
        """The versions that begin during a stay and price it from then on.

        None, unless the version in force at the entry says that a stay is split.
        """
        if not self._begins or not self.at(entered_at).splits:
            return ()
        return tuple(
            (each.effective_from, each.tariff)
            for each in self._versions[1:]
            if entered_at < each.effective_from < left_at
        )


def versions_of(documents: Sequence[Tariff]) -> TariffVersions:
    """Make the versions of a tariff file ready, which stand in the order of their days.

    Every one of them asks for facts: who prices by a file hands in what is to be counted. Raises a
    TariffError where one of them cannot be used.
    """
    return TariffVersions(
        [
            PricedFrom(
                begins_at(each) or EVER,
                msgspec.structs.replace(compile_tariff(each), asks_facts=True),
            )
            for each in documents
        ]
    )


def begins_at(document: Tariff) -> datetime | None:
    """When a version begins to hold: its first day's midnight in its zone; None for since ever."""
    if document.effective_from is None:
        return None
    return wall_instant(ZoneInfo(document.zone), document.effective_from, 0)


def require_in_force(documents: Sequence[Tariff], day: date) -> None:
    """Raise TariffNotInForceError where no version of a file holds on a day."""
    if any(
        (each.effective_from is None or each.effective_from <= day)
        and (each.effective_to is None or day <= each.effective_to)
        for each in documents
    ):
        return
    first, last = documents[0], documents[-1]
    holds = f"it holds from {first.effective_from or 'ever'} to {last.effective_to or 'further on'}"
    raise TariffNotInForceError(tariff_id=first.tariff_id, day=day, holds=holds)
