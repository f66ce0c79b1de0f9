"""Plates with the parking service, and entries of parking lots (创建停车入场)."""

import msgspec

from gateway_sim.wechatpay.errors import InvalidRequestError
from gateway_sim.wechatpay.faults import Mishap, subject_of
from gateway_sim.wechatpay.moments import rfc3339
from gateway_sim.wechatpay.shapes import (
    Asked,
    BlockReason,
    CreateParking,
    Deduction,
    Parking,
    PlateColor,
    Service,
    ServiceState,
    Text32,
    Text128,
)
from gateway_sim.wechatpay.world import World
from gateway_sim.wire import JsonObject


class FindService(Asked, frozen=True, kw_only=True):
    """查询车牌服务开通信息."""

    appid: Text32
    plate_number: Text32
    plate_color: PlateColor
    openid: Text128
    sub_mchid: Text32 | None = None


class ServiceChange(Asked, frozen=True, kw_only=True):
    """What a user does with the service of a plate, in WeChat's own app."""

    plate_number: Text32
    plate_color: PlateColor = "BLUE"
    openid: Text128 | None = None
    """Left out: the plate's user so far, or one that follows from the plate."""
    state: ServiceState = "NORMAL"
    block_reason: BlockReason | None = None


def plate_key(number: str, color: str) -> str:
    """What a plate is kept under."""
    return f"{color}:{number}"


def find_service(world: World, mchid: str, asked: FindService) -> JsonObject:
    """Whether a user has opened the service for a plate."""
    world.account_of(mchid, appid=asked.appid, sub_mchid=asked.sub_mchid)
    service = world.store.get(Service, plate_key(asked.plate_number, asked.plate_color))
    found: JsonObject = {
        "plate_number": asked.plate_number,
        "plate_color": asked.plate_color,
        "openid": asked.openid,
    }
    if service is None or service.openid != asked.openid:
        return {**found, "service_state": "OUT_SERVICE"}
    opened = rfc3339(service.opened_at)
    return {**found, "service_open_time": opened, "service_state": service.state}


def change_service(world: World, change: ServiceChange) -> Service:
    """Open, pause or close the service of a plate; entries that it is about follow."""
    key = plate_key(change.plate_number, change.plate_color)
    before = world.store.get(Service, key)
    kept = before.openid if before else world.ids.named("oUpF8u", key)
    service = Service(
        id=key,
        account="",
        number=key,
        parent="",
        plate_number=change.plate_number,
        plate_color=change.plate_color,
        openid=change.openid or kept,
        state=change.state,
        block_reason=change.block_reason,
        opened_at=before.opened_at if before else world.clock.now(),
    )
    world.store.put(service)
    follow_service(world, service)
    return service


def follow_service(world: World, service: Service) -> None:
    """Tell the merchant where the plate stands that its entry is usable, or not any more."""
    parking = world.store.latest_of(Parking, service.id)
    if parking is None or world.store.latest_of(Deduction, parking.id) is not None:
        return
    reason = block_reason_of(world, service)
    if reason == parking.block_reason:
        return
    parking = msgspec.structs.replace(parking, block_reason=reason)
    world.store.put(parking)
    world.emit(
        "VEHICLE.ENTRANCE_STATE_CHANGE",
        _state_news(world, parking),
        url=parking.asked.notify_url,
        summary="停车入场状态变更通知",
        about="parking",
    )


def follow_user(world: World, openid: str) -> None:
    """The same for all plates of a user whose debt has changed."""
    for service in world.store.all_of(Service):
        if service.openid == openid:
            follow_service(world, service)


def block_reason_of(world: World, service: Service | None) -> BlockReason | None:
    """Why an entry of a plate is unusable; None: it is usable."""
    if service is None or service.state == "OUT_SERVICE":
        return "OUT_SERVICE"
    if service.state == "PAUSE":
        return "PAUSE"
    if service.block_reason is not None:
        return service.block_reason
    return "OVERDUE" if world.owed_by(service.openid) > 0 else None


def create_parking(world: World, mchid: str, asked: CreateParking) -> JsonObject:
    """Register an entry; the same again answers the same entry.

    Raises InvalidRequestError when the merchant's number stands for another entry.
    """
    account = world.account_of(mchid, appid=None, sub_mchid=asked.sub_mchid)
    known = world.store.numbered(Parking, account=account, number=asked.out_parking_no)
    if known is not None:
        if known.asked != asked:
            msg = "商户入场id已存在，且与本次请求参数不一致"
            raise InvalidRequestError(msg)
        return present_parking(known)
    key = plate_key(asked.plate_number, asked.plate_color)
    reason = block_reason_of(world, world.store.get(Service, key))
    if reason is None and world.faults.happens(Mishap.ENTRY_BLOCKED, subject_of(asked)):
        reason = "EVALUATION_FAILED"
    parking = Parking(
        id=world.ids.letters("parking", 19),
        account=account,
        number=asked.out_parking_no,
        parent=key,
        asked=asked,
        mchid=mchid,
        created_at=world.clock.now(),
        block_reason=reason,
    )
    world.store.put(parking)
    return present_parking(parking)


def present_parking(parking: Parking) -> JsonObject:
    """An entry as the merchant sees it."""
    asked = parking.asked
    told: JsonObject = {
        "id": parking.id,
        "out_parking_no": asked.out_parking_no,
        "plate_number": asked.plate_number,
        "plate_color": asked.plate_color,
        "start_time": asked.start_time,
        "parking_name": asked.parking_name,
        "free_duration": asked.free_duration,
        "state": "BLOCKED" if parking.block_reason else "NORMAL",
    }
    return told | ({"block_reason": parking.block_reason} if parking.block_reason else {})


def _state_news(world: World, parking: Parking) -> JsonObject:
    told = present_parking(parking)
    news = {
        "sp_mchid": parking.mchid,
        "sub_mchid": parking.asked.sub_mchid,
        "parking_id": told.pop("id"),
        "parking_state": told.pop("state"),
        "blocked_state_description": told.pop("block_reason", None),
        "state_update_time": rfc3339(world.clock.now()),
        **told,
    }
    return {name: value for name, value in news.items() if value is not None}
