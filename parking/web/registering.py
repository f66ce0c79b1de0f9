"""Routes that put operators, tariffs, lots, lanes and devices in place, and their keys."""

from datetime import datetime
from typing import Annotated, Any, Final

import msgspec
from litestar import Request, Response, delete, post, put
from litestar.params import JSONBody
from msgspec import Meta

from parking.core.ids import SLUG_PATTERN, DeviceId, LaneId, LotId, OperatorId, TariffId
from parking.core.place import Device, Lane, LaneDirection, Lot, Operator, Position, StayRules
from parking.core.tariff import Tariff
from parking.core.tariff_document import data_mistakes
from parking.core.vehicle import VehicleKind
from parking.services.api_keys import NewKey
from parking.services.register_place import Put
from parking.web.access import operator_scope, require_admin, services_of
from parking.web.parameters import IdPath, SlugPath, VersionPath

Name = Annotated[str, Meta(min_length=1, max_length=200, pattern="^[^\x00]*$")]
Slug = Annotated[str, Meta(pattern=SLUG_PATTERN)]


class OperatorBody(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An operator."""

    name_zh: Name
    name_en: Name


class TariffBody(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A version of a tariff and when it begins to hold."""

    tariff: Tariff
    effective_from: Annotated[datetime, Meta(tz=True)] | None = None
    """May be left out where the document says it."""


class TariffMistake(msgspec.Struct, frozen=True, kw_only=True):
    """What is wrong with one key of a tariff document."""

    path: str
    """As `windows[1].rate.steps[0].price_minor`."""
    reason: str
    """What is wrong, and how to mend it."""


class TariffCheck(msgspec.Struct, frozen=True, kw_only=True):
    """What a check of a tariff document found."""

    mistakes: list[TariffMistake]
    """Empty where the document is in order."""


class PositionBody(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where a lot lies: degrees, WGS 84."""

    latitude: Annotated[float, Meta(ge=-90, le=90)]
    longitude: Annotated[float, Meta(ge=-180, le=180)]


class LotBody(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A lot."""

    operator_id: Slug
    name_zh: Name
    name_en: Name
    zone: Annotated[str, Meta(min_length=1, max_length=64)]
    spaces: Annotated[int, Meta(ge=0, le=1_000_000)]
    tariff_id: Slug
    rules: StayRules = StayRules()
    class_spaces: dict[VehicleKind, Annotated[int, Meta(ge=0, le=1_000_000)]] = {}
    position: PositionBody | None = None


class LaneBody(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A lane."""

    direction: LaneDirection
    name: Name


class DeviceBody(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A device."""

    name: Name


def _position(body: PositionBody) -> Position:
    return Position(latitude=body.latitude, longitude=body.longitude)


def _answer(put_: Put, content: object) -> Response[object]:
    return Response(content, status_code=201 if put_ is Put.CREATED else 200)


@put("/v1/operators/{operator_id:str}", tags=["places"], summary="Put an operator in place")
async def put_operator(
    request: Request[Any, Any, Any], operator_id: SlugPath, data: JSONBody[OperatorBody]
) -> Response[object]:
    """Create an operator, or rename it."""
    await require_admin(request)
    operator = Operator(
        operator_id=OperatorId(operator_id), name_zh=data.name_zh, name_en=data.name_en
    )
    return _answer(await services_of(request).places.put_operator(operator), operator)


@put(
    "/v1/tariffs/{tariff_id:str}/versions/{version:int}",
    tags=["places"],
    summary="Publish a tariff version",
)
async def put_tariff_version(
    request: Request[Any, Any, Any],
    tariff_id: SlugPath,
    version: VersionPath,
    data: JSONBody[TariffBody],
) -> Response[object]:
    """Store a version of a tariff for good. The same again changes nothing."""
    await require_admin(request)
    services = services_of(request)
    stored = await services.places.put_tariff_version(
        data.tariff,
        tariff_id=TariffId(tariff_id),
        version=version,
        effective_from=data.effective_from,
        now=services.clock(),
    )
    return _answer(stored, data)


@post("/v1/tariff-checks", status_code=200, tags=["places"], summary="Check a tariff")
async def post_tariff_check(
    request: Request[Any, Any, Any], data: JSONBody[dict[str, Any]]
) -> TariffCheck:
    """Say all that is wrong with a tariff document, or a file of versions, without storing it."""
    await operator_scope(request)
    found = data_mistakes(data)
    return TariffCheck(mistakes=[TariffMistake(path=e.key, reason=e.reason) for e in found])


@put("/v1/lots/{lot_id:str}", tags=["places"], summary="Put a lot in place")
async def put_lot(
    request: Request[Any, Any, Any], lot_id: SlugPath, data: JSONBody[LotBody]
) -> Response[object]:
    """Create a lot, or change it."""
    await require_admin(request)
    lot = Lot(
        lot_id=LotId(lot_id),
        operator_id=OperatorId(data.operator_id),
        name_zh=data.name_zh,
        name_en=data.name_en,
        zone=data.zone,
        spaces=data.spaces,
        tariff_id=TariffId(data.tariff_id),
        rules=data.rules,
        class_spaces=data.class_spaces,
        position=None if data.position is None else _position(data.position),
    )
    return _answer(await services_of(request).places.put_lot(lot), lot)


@put("/v1/lots/{lot_id:str}/lanes/{lane_id:str}", tags=["places"], summary="Put a lane in place")
async def put_lane(
    request: Request[Any, Any, Any], lot_id: SlugPath, lane_id: SlugPath, data: JSONBody[LaneBody]
) -> Response[object]:
    """Create a lane, or change it."""
    await require_admin(request)
    lane = Lane(
        lane_id=LaneId(lane_id), lot_id=LotId(lot_id), direction=data.direction, name=data.name
    )
    return _answer(await services_of(request).places.put_lane(lane), lane)


@put(
    "/v1/lots/{lot_id:str}/devices/{device_id:str}",
    tags=["places"],
    summary="Put a device in place",
)
async def put_device(
    request: Request[Any, Any, Any],
    lot_id: SlugPath,
    device_id: SlugPath,
    data: JSONBody[DeviceBody],
) -> Response[object]:
    """Create a device, or rename it."""
    await require_admin(request)
    device = Device(device_id=DeviceId(device_id), lot_id=LotId(lot_id), name=data.name)
    return _answer(await services_of(request).places.put_device(device), device)


@post(
    "/v1/lots/{lot_id:str}/devices/{device_id:str}/keys",
    tags=["places"],
    summary="Make a device key",
)
async def post_device_key(
    request: Request[Any, Any, Any], lot_id: SlugPath, device_id: SlugPath
) -> NewKey:
    """Make a key for a device. It is shown this once and stored as a hash."""
    await require_admin(request)
    keys = services_of(request).keys
    return await keys.create_for_device(LotId(lot_id), DeviceId(device_id))


@post("/v1/operators/{operator_id:str}/keys", tags=["places"], summary="Make an operator's key")
async def post_operator_key(request: Request[Any, Any, Any], operator_id: SlugPath) -> NewKey:
    """Make a key for an operator. It is shown this once and stored as a hash."""
    await require_admin(request)
    return await services_of(request).keys.create_for_operator(OperatorId(operator_id))


@delete("/v1/keys/{key_id:uuid}", tags=["places"], summary="Revoke a key")
async def delete_key(request: Request[Any, Any, Any], key_id: IdPath) -> None:
    """Refuse a key from now on; other server processes follow within seconds."""
    await require_admin(request)
    await services_of(request).keys.revoke(key_id)


HANDLERS: Final = (
    put_operator,
    put_tariff_version,
    post_tariff_check,
    put_lot,
    put_lane,
    put_device,
    post_device_key,
    post_operator_key,
    delete_key,
)
