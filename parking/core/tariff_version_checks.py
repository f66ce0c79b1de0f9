"""The checks of several versions of one tariff: one follows the other, without overlap or gap."""

from collections.abc import Iterator, Sequence
from datetime import timedelta
from itertools import pairwise

from parking.core.tariff import Tariff
from parking.core.tariff_errors import (
    TariffError,
    VersionDatesError,
    VersionsDifferError,
    VersionsLeaveGapError,
    VersionsOutOfOrderError,
    VersionsOverlapError,
)

_DAY = timedelta(days=1)


def version_mistakes(versions: Sequence[Tariff]) -> Iterator[TariffError]:
    """Yield what is wrong between the versions of a tariff file, in the order of the file."""
    for index, (earlier, later) in enumerate(pairwise(versions), start=1):
        where = f"versions[{index}]"
        yield from _differences(earlier, later, where)
        if later.version <= earlier.version:
            reason = f"{later.version} does not follow {earlier.version}; number them upwards"
            yield VersionsOutOfOrderError(key=f"{where}.version", reason=reason)
        begins, ended = later.effective_from, earlier.effective_to
        if begins is None:
            reason = "only the first version may hold since ever; write its first day"
            yield VersionDatesError(key=f"{where}.effective_from", reason=reason)
            continue
        if earlier.effective_from is not None and begins <= earlier.effective_from:
            reason = f"{begins} is not after {earlier.effective_from}; put the earlier one first"
            yield VersionsOutOfOrderError(key=f"{where}.effective_from", reason=reason)
        elif ended is not None and begins <= ended:
            reason = (
                f"{begins} is in version {earlier.version}, which holds to {ended};"
                f" end that one on {begins - _DAY}"
            )
            yield VersionsOverlapError(key=f"{where}.effective_from", reason=reason)
        elif ended is not None and begins > ended + _DAY:
            reason = (
                f"no version holds from {ended + _DAY} to {begins - _DAY};"
                f" begin on {ended + _DAY}, or end version {earlier.version} on {begins - _DAY}"
            )
            yield VersionsLeaveGapError(key=f"{where}.effective_from", reason=reason)


def _differences(earlier: Tariff, later: Tariff, where: str) -> Iterator[TariffError]:
    for name in ("tariff_id", "zone", "currency"):
        was, is_now = getattr(earlier, name), getattr(later, name)
        if was != is_now:
            reason = (
                f"{is_now} is not the {was} of the version before; a new {name} is a new tariff"
            )
            yield VersionsDifferError(key=f"{where}.{name}", reason=reason)
