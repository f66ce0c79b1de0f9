"""Short builders of stays and of what is said about their fees."""

from datetime import UTC, datetime
from itertools import count
from typing import Any
from uuid import UUID

from parking.core.events import PlateColour
from parking.core.fee_facts import (
    FeeFactId,
    PaidBeforeLeaving,
    RightGranted,
    RightRevoked,
    VehicleStated,
)
from parking.core.ids import LotId, StayId, TariffId
from parking.core.plate import Plate
from parking.core.right import RightId
from parking.core.stay_fee import KnownStay
from parking.core.vehicle import VehicleKind

PLATE = Plate("浙A8B762")
T0 = datetime(2026, 3, 1, tzinfo=UTC)
_NUMBERS = count(1)


def known(
    entered_at: datetime, left_at: datetime, *, colour: PlateColour = PlateColour.BLUE
) -> KnownStay:
    return KnownStay(
        stay_id=StayId(UUID(int=next(_NUMBERS))),
        plate=PLATE,
        colour=colour,
        tariff_id=TariffId("test"),
        entered_at=entered_at,
        left_at=left_at,
    )


def _told(stay: KnownStay | None) -> dict[str, Any]:
    return {
        "fact_id": FeeFactId(UUID(int=next(_NUMBERS))),
        "lot_id": LotId("lake"),
        "plate": PLATE if stay is None else None,
        "stay_id": None if stay is None else stay.stay_id,
        "recorded_at": T0,
        "by": "operator:city",
    }


def paid_before_leaving(stay: KnownStay, paid_at: datetime, minor: int) -> PaidBeforeLeaving:
    return PaidBeforeLeaving(**_told(stay), paid_at=paid_at, amount_minor=minor)


def right_granted(
    right_id: str,
    *,
    stay: KnownStay | None = None,
    valid_from: datetime | None = None,
    valid_until: datetime | None = None,
    uses_max: int | None = None,
) -> RightGranted:
    return RightGranted(
        **_told(stay),
        right_id=RightId(right_id),
        valid_from=valid_from,
        valid_until=valid_until,
        uses_max=uses_max,
    )


def right_revoked(grant: RightGranted, revoked_from: datetime) -> RightRevoked:
    return RightRevoked(**_told(None), grant_id=grant.fact_id, revoked_from=revoked_from)


def vehicle_is(vehicle: VehicleKind, *, stay: KnownStay | None = None) -> VehicleStated:
    return VehicleStated(**_told(stay), vehicle=vehicle)
