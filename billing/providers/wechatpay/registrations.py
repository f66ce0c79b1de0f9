"""Plates with the parking service (车牌服务), and entries that are registered (创建停车入场)."""

from urllib.parse import quote

from billing.core.attempt import Unknown
from billing.gateway_request import GatewayRequest
from billing.providers.wechatpay.answers import colour_word, moment, service_state
from billing.providers.wechatpay.client import Refusal, Resource
from billing.providers.wechatpay.shapes import ParkingShape, ServiceShape
from billing.registering import (
    PlateService,
    Registered,
    RegistrationAnswer,
    RegistrationOrder,
    RegistrationRefused,
    ServiceState,
)
from billing.wechat_names import out_parking_no
from parking.core.events import PlateColour
from parking.core.plate import Plate

_ENTER = "parking_enter"
_FIND = "parking_service_find"
_SERVICE_OF_BLOCK = {"PAUSE": ServiceState.PAUSED, "OUT_SERVICE": ServiceState.ENDED}


class Registrations(Resource):
    """Services and entries. `_free_seconds` is the free time that WeChat shows its user."""

    _free_seconds: int

    async def look_up_service(
        self, *, plate: Plate, colour: PlateColour, customer_ref: str
    ) -> PlateService:
        """Ask whether a user has opened the service for a plate."""
        found = await self._connection.ask(
            _FIND,
            {
                # The library writes it into the address as it is, and signs what it wrote.
                "plate_number": quote(plate),
                "plate_color": colour_word(colour),
                "openid": quote(customer_ref, safe=""),
                **self._connection.merchant,
            },
            ServiceShape,
        )
        return PlateService(
            state=service_state(found.service_state),
            customer_ref=found.openid,
            opened_at=found.service_open_time,
        )

    def registration_request(self, order: RegistrationOrder) -> GatewayRequest:
        """Word an entry. Raises UnknownColourError."""
        return GatewayRequest(
            operation=_ENTER,
            parameters={
                "out_parking_no": out_parking_no(order.registration_id),
                "plate_number": order.plate,
                "plate_color": colour_word(order.colour),
                "start_time": moment(order.entered_at),
                "parking_name": order.lot_name,
                "free_duration": self._free_seconds,
                **self._connection.merchant,
            },
        )

    async def register(self, request: GatewayRequest) -> RegistrationAnswer:
        """Send an entry, or send it again: the same answers with where it stands now."""
        answer = await self._connection.call(_ENTER, request.parameters, ParkingShape)
        match answer:
            case ParkingShape(state="NORMAL"):
                return Registered(registration_ref=answer.id)
            case ParkingShape():
                reason = answer.block_reason or answer.state
                service = _SERVICE_OF_BLOCK.get(reason, ServiceState.NORMAL)
                return Registered(registration_ref=answer.id, block_reason=reason, service=service)
            case Refusal():
                return RegistrationRefused(reason=answer.code)
            case Unknown():
                return answer
