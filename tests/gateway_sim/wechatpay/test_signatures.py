"""Who asks and who answers is proven both ways; the unmodified library is the judge."""

import time
from typing import Any
from urllib.parse import quote

import anyio
import pytest
from wechatpayv3 import WeChatPay, WeChatPayType
from wechatpayv3.async_ import AsyncWeChatPay
from wechatpayv3.utils import build_authorization

from gateway_sim.wechatpay.keyring import load_key, make_key
from gateway_sim.wechatpay.sealing import PROBE
from tests.gateway_sim.wechatpay.harness import Simulator, decoded

PATH = "/v3/certificates"


def ask(simulator: Simulator, authorization: str, path: str = PATH) -> tuple[int, dict[str, Any]]:
    reply = simulator.http.get(path, headers={"Authorization": authorization})
    return reply.status_code, reply.json()


def test_a_request_that_proves_nothing_is_refused(simulator: Simulator) -> None:
    own = simulator.credentials
    key = load_key(own.merchant_private_key)

    def signed(**changed: Any) -> str:
        given = {
            "path": PATH,
            "method": "GET",
            "mchid": own.mchid,
            "serial_no": own.merchant_serial_no,
            "private_key": key,
        }
        return str(build_authorization(**{**given, **changed}))

    assert ask(simulator, signed())[0] == 200
    late = signed().replace(f'timestamp="{int(time.time())}'[:18], 'timestamp="1000000')
    for refused in (
        "",
        "Bearer x",
        signed(mchid="1900000002"),
        signed(serial_no="0" * 40),
        signed(private_key=load_key(make_key())),
        signed(path="/v3/other"),
        signed(method="POST"),
        signed(data={"not": "sent"}),
        signed().replace('signature="', 'signature="!'),
        signed().replace("WECHATPAY2-SHA256-RSA2048", "WECHATPAY2-SM2-WITH-SM3"),
        late,
    ):
        status, told = ask(simulator, refused)
        assert (status, told["code"]) == (401, "SIGN_ERROR"), refused


def test_the_address_is_signed_as_it_is_sent(simulator: Simulator) -> None:
    """The library signs a plate as text but sends it percent-encoded; WeChat refuses that."""
    openid, sub = simulator.open_service("粤B1"), simulator.credentials.sub_mchid
    find = simulator.wechatpay.parking_service_find
    assert decoded(find("粤B1", "BLUE", openid, sub_mchid=sub))[1]["code"] == "SIGN_ERROR"
    assert decoded(find(quote("粤B1"), "BLUE", openid, sub_mchid=sub))[0] == 200


def test_answers_are_believed_in_both_modes_and_after_a_rotation(
    simulator: Simulator, tmp_path: Any
) -> None:
    own = simulator.credentials
    (tmp_path / "platform.pem").write_text(*own.platform_certificates.values())
    by_certificate = simulator.library(public_key=None, public_key_id=None, cert_dir=str(tmp_path))
    assert by_certificate._core._certificates
    assert decoded(by_certificate.parking_order_query("x", sub_mchid="1900000109"))[0] == 404
    simulator.open_service("粤B1")
    simulator.control("certificates/rotate")
    simulator.wechatpay = by_certificate
    assert simulator.enter("粤B1")[0] == 200
    assert len(list(tmp_path.iterdir())) == 3
    simulator.wechatpay = simulator.library()
    assert simulator.enter("粤B1")[0] == 200


def test_an_answer_signed_by_somebody_else_or_as_a_probe_is_not_believed(
    simulator: Simulator,
) -> None:
    simulator.open_service("粤B1")
    simulator.faults(script=[{"fault": "answer_forged"}, {"fault": "answer_probe"}])
    for _ in range(2):
        with pytest.raises(Exception, match="failed to verify the signature"):
            simulator.enter("粤B1")
    assert simulator.enter("粤B1")[0] == 200


def test_a_probe_is_marked(simulator: Simulator) -> None:
    simulator.faults(script=[{"fault": "answer_probe"}])
    own = simulator.credentials
    key = load_key(own.merchant_private_key)
    header = build_authorization(PATH, "GET", own.mchid, own.merchant_serial_no, key)
    reply = simulator.http.get(PATH, headers={"Authorization": header})
    assert reply.headers["Wechatpay-Signature"].startswith(PROBE)


def test_the_librarys_asynchronous_half_is_served_too(simulator: Simulator) -> None:
    own = simulator.credentials

    async def enter() -> tuple[int, str]:
        client = AsyncWeChatPay(
            WeChatPayType.MINIPROG,
            mchid=own.mchid,
            private_key=own.merchant_private_key,
            cert_serial_no=own.merchant_serial_no,
            appid=own.appid,
            apiv3_key=own.apiv3_key,
            partner_mode=True,
        )
        # Without a public key it fetches the platform's certificates first, in `async with`.
        client._core._gate_way = simulator.address
        async with client:
            answer: tuple[int, str] = await client.parking_order_query("x", sub_mchid="1900000109")
            assert client._core._certificates
            return answer

    assert decoded(anyio.run(enter))[1]["code"] == "RESOURCE_NOT_EXISTS"


def test_merchants_without_a_service_provider_are_served_too(simulator: Simulator) -> None:
    own, direct = simulator.credentials, simulator.library(partner=False)
    assert isinstance(direct, WeChatPay)
    simulator.wechatpay = direct
    simulator.open_service("粤B1")
    _, parking = simulator.enter("粤B1")
    assert simulator.order(parking)[0] == 200
    simulator.advance(2)
    _, paid = decoded(direct.parking_order_query("out1"))
    assert (paid["trade_state"], paid["sp_mchid"]) == ("SUCCESS", own.mchid)
    assert "sub_mchid" not in paid
    (truth,) = simulator.truth()["deductions"]
    assert truth["sub_mchid"] is None
