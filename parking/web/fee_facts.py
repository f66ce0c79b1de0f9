"""Routes by which an operator says what bears on fees: rights, kinds of vehicles, payments."""

from datetime import datetime
from typing import Annotated, Any, Final, TypeAlias
from uuid import UUID

import msgspec
from litestar import Request, Response, get, put
from litestar.params import FromQuery, JSONBody
from msgspec import Meta

from parking.core.fee_facts import (
    FeeFact,
    FeeFactId,
    PaidBeforeLeaving,
    RightGranted,
    RightRevoked,
    VehicleStated,
)
from parking.core.ids import SLUG_PATTERN, LotId, StayId
from parking.core.plate import InvalidPlateError, Plate, normalise_plate
from parking.core.right import RightId
from parking.core.vehicle import VehicleKind
from parking.db.api_keys import Role
from parking.services.bundle import ParkingServices
from parking.web.access import require_lot, services_of
from parking.web.parameters import IdPath, LimitQuery, PlateQuery, SlugPath

PlateText: TypeAlias = Annotated[str, Meta(max_length=64)]
Reason: TypeAlias = Annotated[str, Meta(max_length=500, pattern="^[^\x00]*$")]
Instant: TypeAlias = Annotated[datetime, Meta(tz=True)]
_YEARS: Final = range(2000, 2200)
"""Within which instants are reckoned with; others are slips, and no database takes all of them."""


class _About(
    msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="type"
):
    plate: PlateText | None = None
    stay_id: UUID | None = None
    reason: Reason = ""

    def __post_init__(self) -> None:
        """Hold it to one subject."""
        if (self.plate is None) is (self.stay_id is None):
            msg = "give plate or stay_id, one of the two"
            raise ValueError(msg)


class RightGrantedBody(
    _About, frozen=True, kw_only=True, forbid_unknown_fields=True, tag="right_granted"
):
    """A plate has a right; or one stay has it, as by a shop's stamp."""

    right_id: Annotated[str, Meta(pattern=SLUG_PATTERN)]
    valid_from: Instant | None = None
    valid_until: Instant | None = None
    uses_max: Annotated[int, Meta(ge=1, le=100_000)] | None = None

    def __post_init__(self) -> None:
        """Hold the times together."""
        super().__post_init__()
        _check_years(self.valid_from, self.valid_until)
        if self.uses_max is not None and self.valid_from is None:
            msg = "a right whose uses are counted needs valid_from, from which they are"
            raise ValueError(msg)
        if self.valid_from and self.valid_until and self.valid_until <= self.valid_from:
            msg = "valid_until must be after valid_from"
            raise ValueError(msg)


class RightRevokedBody(
    msgspec.Struct,
    frozen=True,
    kw_only=True,
    forbid_unknown_fields=True,
    tag_field="type",
    tag="right_revoked",
):
    """A right ends before its time; from its beginning on it never was."""

    grant_id: UUID
    revoked_from: Instant
    reason: Reason = ""

    def __post_init__(self) -> None:
        """Hold it to years that are reckoned with."""
        _check_years(self.revoked_from)


class VehicleStatedBody(
    _About, frozen=True, kw_only=True, forbid_unknown_fields=True, tag="vehicle_stated"
):
    """What kind of vehicle bears the plate, or made the stay."""

    vehicle: VehicleKind


class PaidBeforeLeavingBody(
    msgspec.Struct,
    frozen=True,
    kw_only=True,
    forbid_unknown_fields=True,
    tag_field="type",
    tag="paid_before_leaving",
):
    """The operator took money for a stay that goes on: at a kiosk, or by phone."""

    stay_id: UUID
    paid_at: Instant
    amount_minor: Annotated[int, Meta(ge=1, le=100_000_000)]
    reason: Reason = ""

    def __post_init__(self) -> None:
        """Hold it to years that are reckoned with."""
        _check_years(self.paid_at)


def _check_years(*instants: datetime | None) -> None:
    if any(each is not None and each.year not in _YEARS for each in instants):
        msg = f"years go from {_YEARS.start} to {_YEARS.stop - 1}"
        raise ValueError(msg)


FeeFactBody: TypeAlias = (
    RightGrantedBody | RightRevokedBody | VehicleStatedBody | PaidBeforeLeavingBody
)


@put("/v1/lots/{lot_id:str}/fee-facts/{fact_id:uuid}", tags=["fees"], summary="Say a fee fact")
async def put_fee_fact(
    request: Request[Any, Any, Any], lot_id: SlugPath, fact_id: IdPath, data: JSONBody[FeeFactBody]
) -> Response[FeeFact]:
    """Grant or revoke a right, state a kind of vehicle, tell of a payment before leaving.

    The same again changes nothing. Stays that have ended are priced anew, and their drivers are
    charged or credited the difference.
    """
    principal = await require_lot(request, LotId(lot_id))
    services = services_of(request)
    by = f"admin:{principal.key_id}"
    if principal.role is Role.OPERATOR:
        by = f"operator:{principal.operator_id}"
    fact = await _fact(services, LotId(lot_id), FeeFactId(fact_id), data, by)
    stored, new = await services.fee_facts.record(fact)
    return Response(stored, status_code=201 if new else 200)


@get("/v1/lots/{lot_id:str}/fee-facts", tags=["fees"], summary="List fee facts")
async def get_fee_facts(
    request: Request[Any, Any, Any],
    lot_id: SlugPath,
    plate: PlateQuery = None,
    stay_id: FromQuery[UUID | None] = None,
    limit: LimitQuery = 100,
) -> list[FeeFact]:
    """What was said about fees in a lot, newest first: of a plate, of a stay, or all."""
    await require_lot(request, LotId(lot_id))
    return await services_of(request).fee_facts.of_lot(
        LotId(lot_id),
        plate=None if plate is None else _plate(plate),
        stay_id=None if stay_id is None else StayId(stay_id),
        limit=limit,
    )


async def _fact(
    services: ParkingServices, lot_id: LotId, fact_id: FeeFactId, body: FeeFactBody, by: str
) -> FeeFact:
    said: dict[str, Any] = {
        "fact_id": fact_id,
        "lot_id": lot_id,
        "recorded_at": services.clock(),
        "by": by,
        "reason": body.reason,
    }
    if isinstance(body, RightRevokedBody):
        grant_id = FeeFactId(body.grant_id)
        grant = await services.fee_facts.subject_of(lot_id, grant_id)
        said |= {"plate": grant.plate, "stay_id": grant.stay_id}
        return RightRevoked(**said, grant_id=grant_id, revoked_from=body.revoked_from)
    plate = None if isinstance(body, PaidBeforeLeavingBody) else body.plate
    said["plate"] = None if plate is None else _plate(plate)
    said["stay_id"] = None if body.stay_id is None else StayId(body.stay_id)
    if isinstance(body, PaidBeforeLeavingBody):
        return PaidBeforeLeaving(**said, paid_at=body.paid_at, amount_minor=body.amount_minor)
    if isinstance(body, VehicleStatedBody):
        return VehicleStated(**said, vehicle=body.vehicle)
    return RightGranted(
        **said,
        right_id=RightId(body.right_id),
        valid_from=body.valid_from,
        valid_until=body.valid_until,
        uses_max=body.uses_max,
    )


def _plate(text: str) -> Plate:
    plate = normalise_plate(text)
    if plate is None:
        raise InvalidPlateError(text, "it says that there is no plate")
    return plate


HANDLERS: Final = (put_fee_fact, get_fee_facts)
