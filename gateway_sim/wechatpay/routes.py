"""Every address of the API, with what it takes and does."""

import re
from collections.abc import Callable
from typing import TypeVar
from urllib.parse import parse_qsl

import msgspec

from gateway_sim.wechatpay.errors import ParamError, ResourceNotExistsError
from gateway_sim.wechatpay.operations import bills, entries, orders, refunds
from gateway_sim.wechatpay.shapes import Asked, CreateParking, CreateRefund, CreateTransaction
from gateway_sim.wechatpay.world import World
from gateway_sim.wire import Reply, Request, json_reply

A = TypeVar("A", bound=Asked)
_FIELD = re.compile(r" - at `\$\.?([^`]*)`$")


class Call(msgspec.Struct, frozen=True, kw_only=True):
    """A request whose sender is known."""

    request: Request
    mchid: str
    number: str
    """What the address names; empty where it names nothing."""


class OfMerchant(Asked, frozen=True, kw_only=True):
    """Whose order or refund is looked up."""

    sub_mchid: str | None = None


class Token(Asked, frozen=True, kw_only=True):
    """Which file is fetched."""

    token: str


Operation = Callable[[World, Call], Reply]


def _query(call: Call, shape: type[A]) -> A:
    given = dict(parse_qsl(call.request.query, keep_blank_values=True))
    try:
        return msgspec.convert(given, type=shape, strict=False)
    except msgspec.ValidationError as error:
        raise _param_error(error, location="query") from error


def _body(call: Call, shape: type[A]) -> A:
    try:
        return msgspec.json.decode(call.request.body, type=shape)
    except msgspec.DecodeError as error:
        raise _param_error(error, location="body") from error


def _param_error(error: msgspec.DecodeError, *, location: str) -> ParamError:
    text = str(error)
    found = _FIELD.search(text)
    field = "/" + found[1].replace(".", "/") if found else "/"
    issue = _FIELD.sub("", text)
    return ParamError("参数错误", detail={"location": location, "field": field, "issue": issue})


def _certificates(world: World, _call: Call) -> Reply:
    return json_reply({"data": world.keys.certificates()})


def _find_service(world: World, call: Call) -> Reply:
    asked = _query(call, entries.FindService)
    return json_reply(entries.find_service(world, call.mchid, asked))


def _create_parking(world: World, call: Call) -> Reply:
    return json_reply(entries.create_parking(world, call.mchid, _body(call, CreateParking)))


def _accept_order(world: World, call: Call) -> Reply:
    return json_reply(orders.accept(world, call.mchid, _body(call, CreateTransaction)))


def _query_order(world: World, call: Call) -> Reply:
    sub_mchid = _query(call, OfMerchant).sub_mchid
    return json_reply(orders.query(world, call.mchid, number=call.number, sub_mchid=sub_mchid))


def _create_refund(world: World, call: Call) -> Reply:
    return json_reply(refunds.create(world, call.mchid, _body(call, CreateRefund)))


def _query_refund(world: World, call: Call) -> Reply:
    sub_mchid = _query(call, OfMerchant).sub_mchid
    return json_reply(refunds.query(world, call.mchid, number=call.number, sub_mchid=sub_mchid))


def _trade_bill(world: World, call: Call) -> Reply:
    asked, origin = _query(call, bills.TradeBill), call.request.origin
    return json_reply(bills.trade_bill(world, call.mchid, asked, origin=origin))


def _fund_flow_bill(world: World, call: Call) -> Reply:
    asked, origin = _query(call, bills.FundFlowBill), call.request.origin
    return json_reply(bills.fund_flow_bill(world, call.mchid, asked, origin=origin))


def _sub_merchant_bill(world: World, call: Call) -> Reply:
    asked = _query(call, bills.SubMerchantBill)
    return json_reply(bills.sub_merchant_bill(world, asked, origin=call.request.origin))


def _fetch_bill(world: World, call: Call) -> Reply:
    return bills.fetch(world, _query(call, Token).token)


_ROUTES: tuple[tuple[str, re.Pattern[str], Operation], ...] = tuple(
    (method, re.compile(pattern), operation)
    for method, pattern, operation in (
        ("GET", r"/v3/certificates", _certificates),
        ("GET", r"/v3/vehicle/parking/services/find", _find_service),
        ("POST", r"/v3/vehicle/parking/parkings", _create_parking),
        ("POST", r"/v3/vehicle/transactions/parking", _accept_order),
        ("GET", r"/v3/vehicle/transactions/out-trade-no/([^/]+)", _query_order),
        ("POST", r"/v3/refund/domestic/refunds", _create_refund),
        ("GET", r"/v3/refund/domestic/refunds/([^/]+)", _query_refund),
        ("GET", r"/v3/bill/tradebill", _trade_bill),
        ("GET", r"/v3/bill/fundflowbill", _fund_flow_bill),
        ("GET", r"/v3/bill/sub-merchant-fundflowbill", _sub_merchant_bill),
        ("GET", r"/v3/billdownload/file", _fetch_bill),
    )
)


def find_route(request: Request) -> tuple[Operation, str]:
    """What a request asks for, and the number that its address names.

    Raises ResourceNotExistsError.
    """
    for method, pattern, operation in _ROUTES:
        matched = pattern.fullmatch(request.path)
        if matched is not None and method == request.method:
            return operation, matched[1] if pattern.groups else ""
    msg = f"no {request.method} {request.path} here"
    raise ResourceNotExistsError(msg)
