"""The demo's drivers bind a plate, and a card on the gateway's hosted page, as in a browser."""

import asyncio
import re
from dataclasses import dataclass
from html import unescape
from pathlib import Path
from urllib.parse import quote, urljoin

import httpx
import msgspec

from parking.core.errors import DomainError
from portal.demo.http import Api, local_client

GOOD_CARD = "4242424242424242"
_FORM = re.compile(r"<form[^>]*\baction=\"([^\"]*)\"", re.IGNORECASE)
_HIDDEN = re.compile(r"<input[^>]*type=\"hidden\"[^>]*>", re.IGNORECASE)
_ATTRIBUTE = re.compile(r"\b(name|value)=\"([^\"]*)\"")
_TRIES = 40
_PAUSE_SECONDS = 0.5


class HostedPageError(DomainError):
    """The gateway's page did not take the card."""

    def __init__(self, status: int, text: str) -> None:
        super().__init__(f"the hosted payment page answered {status}: {text[:300]}")
        self.status = status


@dataclass(frozen=True, kw_only=True)
class Driver:
    """A driver with an account, a plate, and a card or WeChat Pay parking."""

    plate: str
    account_id: str
    token: str


async def sign_up(
    base_url: str, *, messages: Path, plate: str, number: int, card: str | None
) -> Driver:
    """Open an account, bind the plate and leave a card, if there is one, on the hosted page.

    The phone's one-time code is read from `messages`, where the server's sender puts it.
    """
    anyone = Api(base_url)
    phone = f"+8613900{number:06d}"
    await anyone.post("/v1/phone-codes", {"phone": phone})
    code = await asyncio.to_thread(_code_of, messages, phone)
    made = await anyone.post("/v1/driver-accounts", {"phone": phone, "code": code})
    consent = await anyone.get("/v1/consent")
    await anyone.close()
    driver = Driver(plate=plate, account_id=made["account_id"], token=made["token"])
    me = Api(base_url, key=driver.token)
    await me.post("/v1/driver-accounts/me/plates", {"plate": plate})
    if card is not None:
        await _leave_card(me, base_url, consent["version"], card=card)
    await me.close()
    return driver


async def _leave_card(me: Api, base_url: str, consent_version: str, *, card: str) -> None:
    setup = await me.post(
        "/v1/driver-accounts/me/payment-method-setups",
        {"return_url": f"{base_url}/pay/return", "consent_version": consent_version},
    )
    await submit_card(setup["url"], card=card)


async def turn_to_wechat(base_url: str, wechat_url: str, driver: Driver, *, colour: str) -> None:
    """Open the parking service for the plate, as in WeChat, and bind it here."""
    wechat = Api(wechat_url)
    asked = {"plate_number": driver.plate, "plate_color": colour.upper()}
    opened = await wechat.post("/_sim/services", asked)
    await wechat.close()
    me = Api(base_url, key=driver.token)
    await me.put(
        f"/v1/driver-accounts/me/plates/{quote(driver.plate)}/services/wechatpay",
        {"customer_ref": opened["openid"], "colour": colour},
    )
    await me.close()


def _code_of(messages: Path, phone: str) -> str:
    """Read a phone's newest code as its owner would: out of the message that came."""
    lines = [msgspec.json.decode(line) for line in messages.read_bytes().splitlines()]
    texts = [line["text_en"] for line in lines if line["phone"] == phone]
    return str(texts[-1])[:6]


async def submit_card(url: str, *, card: str) -> None:
    """Open the hosted page, fill its form in and send it, as a browser does."""
    async with local_client() as browser:
        for attempt in range(_TRIES):
            try:
                page = await browser.get(url)
                page.raise_for_status()
                action = _FORM.search(page.text)
                target = urljoin(url, unescape(action[1])) if action and action[1] else url
                form = {**_hidden_fields(page.text), "card": card}
                reply = await browser.post(target, data=form)
            except httpx.TransportError:
                if attempt == _TRIES - 1:
                    raise
                await asyncio.sleep(_PAUSE_SECONDS)
                continue
            if reply.is_redirect or reply.is_success:
                return
            raise HostedPageError(reply.status_code, reply.text)


def _hidden_fields(page: str) -> dict[str, str]:
    fields: dict[str, str] = {}
    for found in _HIDDEN.findall(page):
        attributes = dict(_ATTRIBUTE.findall(found))
        if "name" in attributes:
            fields[unescape(attributes["name"])] = unescape(attributes.get("value", ""))
    return fields
