"""What people say that bears on a fee: rights, kinds of vehicles, payments before leaving.

Facts like lane events: appended, never edited, and in whatever order they are told the same stays
cost the same. Each is about one plate in one lot, or about one stay.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import NewType, TypeAlias
from uuid import UUID

import msgspec

from parking.core.ids import LotId, StayId
from parking.core.plate import Plate
from parking.core.right import Right, RightId, RightOffer
from parking.core.vehicle import VehicleKind

FeeFactId = NewType("FeeFactId", UUID)


class _FeeFact(msgspec.Struct, frozen=True, kw_only=True, tag_field="type"):
    fact_id: FeeFactId
    lot_id: LotId
    plate: Plate | None
    """The plate that it is about; None where it is about one stay."""
    stay_id: StayId | None
    recorded_at: datetime
    by: str
    """Who says so: `operator:<id>` or `admin:<key>`."""
    reason: str = ""


class RightGranted(_FeeFact, frozen=True, kw_only=True, tag="right_granted"):
    """A plate, or one stay, has a right that the lot's tariff offers."""

    right_id: RightId
    valid_from: datetime | None = None
    valid_until: datetime | None = None
    uses_max: int | None = None
    """How many stays it may make cheaper; None for as many as there are."""


class RightRevoked(_FeeFact, frozen=True, kw_only=True, tag="right_revoked"):
    """A right that was granted ends before its time, or never was."""

    grant_id: FeeFactId
    revoked_from: datetime


class VehicleStated(_FeeFact, frozen=True, kw_only=True, tag="vehicle_stated"):
    """What kind of vehicle it is, as somebody saw or knows it. The newest word stands."""

    vehicle: VehicleKind


class PaidBeforeLeaving(_FeeFact, frozen=True, kw_only=True, tag="paid_before_leaving"):
    """Money that the operator took for a stay before its end, at a kiosk or by phone."""

    paid_at: datetime
    amount_minor: int


FeeFact: TypeAlias = RightGranted | RightRevoked | VehicleStated | PaidBeforeLeaving


def rights_held(
    facts: Iterable[FeeFact],
    *,
    offers: Mapping[RightId, RightOffer],
    uses: Mapping[FeeFactId, int],
) -> dict[FeeFactId, Right]:
    """Find the rights that facts grant, in order of their validity and ids.

    `uses`: how many stays each grant has made cheaper already. A right that is revoked several
    times ends at the first of them; one that the tariff does not offer is worth nothing.
    """
    known = list(facts)
    ends: dict[FeeFactId, datetime] = {}
    for fact in known:
        if isinstance(fact, RightRevoked):
            ends[fact.grant_id] = min(fact.revoked_from, ends.get(fact.grant_id, fact.revoked_from))
    held: dict[FeeFactId, Right] = {}
    for grant in sorted(
        (fact for fact in known if isinstance(fact, RightGranted)), key=_order_of_grant
    ):
        offer = offers.get(grant.right_id)
        if offer is None:
            continue
        until = [each for each in (grant.valid_until, ends.get(grant.fact_id)) if each is not None]
        left = None if grant.uses_max is None else grant.uses_max - uses.get(grant.fact_id, 0)
        held[grant.fact_id] = Right(
            offer=offer,
            valid_from=grant.valid_from,
            valid_until=min(until, default=None),
            uses_left=left,
        )
    return held


def vehicle_stated(facts: Iterable[FeeFact]) -> VehicleKind | None:
    """What kind of vehicle it is said to be: of a stay's own facts before those of its plate."""
    said = [fact for fact in facts if isinstance(fact, VehicleStated)]
    if not said:
        return None
    newest = max(said, key=lambda each: (each.stay_id is not None, each.recorded_at, each.fact_id))
    return newest.vehicle


def _order_of_grant(grant: RightGranted) -> tuple[bool, float, UUID]:
    valid_from = grant.valid_from
    return valid_from is not None, valid_from.timestamp() if valid_from else 0.0, grant.fact_id
