"""The addresses of the driver's own pages.

The token is the same that the API gives, kept in a cookie that no script reads. SameSite=Lax: the
driver comes back from the gateway's page signed in, and no other site can post in their name.
"""

import re
from collections.abc import Awaitable, Callable
from typing import Annotated, Any, Final

import msgspec
from litestar import Request, Response, Router, get, post
from litestar.datastructures import Cookie
from litestar.enums import RequestEncodingType
from litestar.params import Body

from billing.core.bindable import bindable_plate, plate_of
from billing.core.consent import CURRENT
from billing.db.sign_in import TokenHolder
from billing.services.bind import PlateBoundElsewhereError
from billing.services.bundle import BillingServices
from billing.services.sign_in import CodeTooSoonError, WrongCodeError
from billing.web.access import services_of
from parking.core.errors import DomainError
from portal.pages import account
from portal.pages.replies import html_reply, language_for, see_other
from portal.pages.texts import words
from portal.pages.told import told
from portal.state import portal_state

AnyRequest = Request[Any, Any, Any]
FORM: Final = Body(media_type=RequestEncodingType.URL_ENCODED)
COOKIE: Final = "leave_first_driver"
_COOKIE_SECONDS: Final = 30 * 24 * 3600
_SHOWN_MAX: Final = 50
_REFUSED: Final = 422
_PHONE: Final = re.compile(r"^\+[1-9][0-9]{6,14}$")
_MAINLAND: Final = re.compile(r"^1[0-9]{10}$")
_CODE: Final = re.compile(r"^[0-9]{6}$")


class PhoneForm(msgspec.Struct):
    """Where to send a code."""

    phone: Annotated[str, msgspec.Meta(max_length=64)] = ""


class CodeForm(msgspec.Struct):
    """The code that was sent."""

    phone: Annotated[str, msgspec.Meta(max_length=64)] = ""
    code: Annotated[str, msgspec.Meta(max_length=64)] = ""


class PlateForm(msgspec.Struct):
    """A plate as the driver writes it."""

    plate: Annotated[str, msgspec.Meta(max_length=64)] = ""


class NewPlateForm(PlateForm):
    """A plate to bind, and where it is from; empty: the mainland."""

    country: Annotated[str, msgspec.Meta(max_length=8)] = ""


class ConsentForm(msgspec.Struct):
    """The version of the text that was agreed to; empty: it was not."""

    consent: Annotated[str, msgspec.Meta(max_length=64)] = ""


def phone_of(text: str) -> str | None:
    """Read a phone number as people write it; a mainland number needs no country code."""
    bare = re.sub(r"[\s().-]", "", text)
    number = f"+86{bare}" if _MAINLAND.match(bare) else bare
    return number if _PHONE.match(number) else None


async def _holder(request: AnyRequest) -> TokenHolder | None:
    token = request.cookies.get(COOKIE)
    return await services_of(request).holder_of_token(token) if token else None


async def _account(
    request: AnyRequest,
    holder: TokenHolder,
    *,
    wrong: account.Wrong = account.NOTHING_WRONG,
    status: int = 200,
) -> Response[str]:
    billing, settings = services_of(request), portal_state(request.app).settings
    shown = account.Shown(
        profile=await billing.profile(holder.account_id),
        obligations=await billing.obligations(holder.account_id, limit=_SHOWN_MAX),
        claims=await billing.claims.of_account(holder.account_id),
        account_id=holder.account_id,
        consent=CURRENT,
        zone=settings.billing.ledger_zone,
    )
    text = account.account_page(shown, language=language_for(request), wrong=wrong)
    return html_reply(text, status=status)


async def on_account(
    request: AnyRequest,
    act: Callable[[BillingServices, TokenHolder], Awaitable[object]],
    *,
    at: str = "",
    typed: str = "",
) -> Response[str]:
    """Do something to the account of whoever is signed in, then show it.

    Where the act answers an address, the driver is sent there. What goes wrong is told at the
    named part of the page, with what was typed there.
    """
    holder = await _holder(request)
    if holder is None:
        return see_other(account.PATH)
    try:
        address = await act(services_of(request), holder)
    except DomainError as error:
        text, status = told(error, language_for(request))
        wrong = account.Wrong(
            problem=text,
            at=at,
            typed=typed,
            held_by_another=isinstance(error, PlateBoundElsewhereError),
        )
        return await _account(request, holder, wrong=wrong, status=status)
    return see_other(address if isinstance(address, str) else account.PATH)


@get("/me", include_in_schema=False)
async def show_account(request: AnyRequest) -> Response[str]:
    """The account, or the form that asks for a phone number."""
    holder = await _holder(request)
    if holder is None:
        return html_reply(account.phone_page(language=language_for(request)))
    return await _account(request, holder)


@post("/me/code", include_in_schema=False, status_code=200)
async def ask_for_code(request: AnyRequest, data: Annotated[PhoneForm, FORM]) -> Response[str]:
    """Send a code, and ask for it."""
    language = language_for(request)
    phone = phone_of(data.phone)
    if phone is None:
        problem = words(language)["me.no_phone"]
        text = account.phone_page(language=language, problem=problem, phone=data.phone)
        return html_reply(text, status=_REFUSED)
    try:
        await services_of(request).send_code(phone=phone)
    except CodeTooSoonError as error:
        # The code that was sent a moment ago is still good.
        problem, status = told(error, language_for(request))
        text = account.code_page(language=language, phone=phone, problem=problem)
        return html_reply(text, status=status)
    except DomainError as error:
        problem, status = told(error, language_for(request))
        text = account.phone_page(language=language, phone=phone, problem=problem)
        return html_reply(text, status=status)
    return html_reply(account.code_page(language=language, phone=phone))


@post("/me/sign-in", include_in_schema=False, status_code=303)
async def sign_in_driver(request: AnyRequest, data: Annotated[CodeForm, FORM]) -> Response[str]:
    """Take the code, and remember the driver in this browser."""
    language = language_for(request)
    phone, code = phone_of(data.phone), data.code.strip()
    if phone is None:
        return see_other(account.PATH)
    try:
        if not _CODE.match(code):
            raise WrongCodeError
        signed_in = await services_of(request).sign_in(phone=phone, code=code)
    except DomainError as error:
        problem, status = told(error, language_for(request))
        text = account.code_page(language=language, phone=phone, problem=problem)
        return html_reply(text, status=status)
    reply = see_other(account.PATH)
    reply.set_cookie(_cookie(request, signed_in.token, seconds=_COOKIE_SECONDS))
    return reply


def _cookie(request: AnyRequest, token: str, *, seconds: int) -> Cookie:
    return Cookie(
        key=COOKIE,
        value=token,
        httponly=True,
        samesite="lax",
        secure=request.url.scheme == "https",
        max_age=seconds,
        path="/",
    )


@post("/me/plates", include_in_schema=False, status_code=303)
async def add_plate(request: AnyRequest, data: Annotated[NewPlateForm, FORM]) -> Response[str]:
    """Bind a plate."""

    async def act(billing: BillingServices, me: TokenHolder) -> None:
        plate = bindable_plate(data.plate, country=data.country.strip() or None)
        await billing.bind_plate(me.account_id, plate)

    return await on_account(request, act, at="plate", typed=data.plate)


@post("/me/plates/let-go", include_in_schema=False, status_code=303)
async def let_plate_go(request: AnyRequest, data: Annotated[PlateForm, FORM]) -> Response[str]:
    """End a plate's binding."""

    async def act(billing: BillingServices, me: TokenHolder) -> None:
        await billing.unbind_plate(me.account_id, plate_of(data.plate))

    return await on_account(request, act)


@post("/me/card", include_in_schema=False, status_code=303)
async def leave_card(request: AnyRequest, data: Annotated[ConsentForm, FORM]) -> Response[str]:
    """Keep the consent, and send the driver to the gateway's page."""
    base_url = portal_state(request.app).settings.server.base_url

    async def act(billing: BillingServices, me: TokenHolder) -> str:
        return await billing.start_setup(
            me.account_id,
            return_url=f"{base_url}{account.PATH}",
            consent_version=data.consent,
        )

    return await on_account(request, act, at="card")


@post("/me/card/take-back", include_in_schema=False, status_code=303)
async def take_card_back(request: AnyRequest) -> Response[str]:
    """Charge the card no more."""
    return await on_account(request, lambda billing, me: billing.unbind_method(me.account_id))


@post("/me/sign-out", include_in_schema=False, status_code=303)
async def sign_out(request: AnyRequest) -> Response[str]:
    """Revoke the token, and forget it in this browser."""
    reply = await on_account(
        request, lambda billing, me: billing.revoke_token(me.account_id, me.token_id)
    )
    reply.set_cookie(_cookie(request, "", seconds=0))
    return reply


ACCOUNT_ROUTER = Router(
    "/",
    route_handlers=[
        show_account,
        ask_for_code,
        sign_in_driver,
        add_plate,
        let_plate_go,
        leave_card,
        take_card_back,
        sign_out,
    ],
)
