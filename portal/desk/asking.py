"""Who works at the desk, and whether a form really came from there.

The key cookie is the live page's (`portal/viewers.py`): SameSite=Strict, so no other site's form
carries it. Each form also holds a token that follows from the key, which only a page that was
served to this browser can know.
"""

import hmac
from collections.abc import Awaitable, Callable
from typing import Annotated, Any, Final, Protocol

import msgspec
from litestar import Request, Response
from litestar.enums import RequestEncodingType
from litestar.params import Body

from billing.services.bundle import BillingServices
from billing.web.problems import STATUSES as BILLING_STATUSES
from parking.core.errors import DomainError
from parking.core.ids import OperatorId
from parking.core.place import Lot
from parking.db.api_keys import Principal, Role
from parking.services.api_keys import UnauthorisedError
from parking.services.bundle import ParkingServices
from parking.web.access import author_of
from parking.web.problems import STATUSES as PARKING_STATUSES
from portal.desk.sheets import problem_page
from portal.desk.tried import DeskForm, Tried, said, tried
from portal.desk.words import ForgedFormError, SomebodyWasFirstError
from portal.pages.driver import sign_in_page
from portal.pages.replies import html_reply, language_for, see_other
from portal.pages.texts import Language
from portal.state import PortalState, portal_state
from portal.viewers import COOKIE

AnyRequest = Request[Any, Any, Any]
PATH: Final = "/desk"
FORM: Final = Body(media_type=RequestEncodingType.URL_ENCODED)
_STATUSES: Final = {**PARKING_STATUSES, **BILLING_STATUSES}
_REFUSED: Final = 422
_KEY_LENGTH_MAX: Final = 200


class Asker(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody at the desk, with what their request is worked through."""

    request: AnyRequest
    principal: Principal
    language: Language
    token: str
    """What their forms carry."""

    @property
    def operator_id(self) -> OperatorId | None:
        """Whose matters they see; None: everybody's."""
        return self.principal.operator_id

    @property
    def author(self) -> str:
        """What parking calls them in facts."""
        return author_of(self.principal)

    @property
    def parking(self) -> ParkingServices:
        """Parking's services."""
        found: ParkingServices = self.request.app.state.parking
        return found

    @property
    def billing(self) -> BillingServices:
        """Billing's services."""
        found: BillingServices = self.request.app.state.billing
        return found

    @property
    def state(self) -> PortalState:
        """The portal's own."""
        return portal_state(self.request.app)

    def lot_name(self, lot: Lot) -> str:
        """A lot's name in their language."""
        return lot.name_zh if self.language == "zh" else lot.name_en

    @property
    def here(self) -> str:
        """The page that they look at."""
        url = self.request.url
        return f"{url.path}?{url.query}" if url.query else url.path

    @property
    def zone(self) -> str:
        """In which times are told that belong to no lot."""
        return self.state.settings.billing.ledger_zone


class _Form(Protocol):
    token: str


Again = Callable[["Asker", Tried], Awaitable[str]]
"""Draws a matter's page anew, with what was tried."""


class TokenForm(msgspec.Struct):
    """A form that says nothing but that it is ours."""

    token: str = ""


Nothing = Annotated[TokenForm, FORM]


def form_token(key: str) -> str:
    """What a form of this key's holder carries."""
    return hmac.digest(key.encode(), b"leave-first desk form", "sha256").hex()


async def asker_of(request: AnyRequest) -> Asker | None:
    """Whoever asks, if their key opens the desk: an operator's or an admin's."""
    key = request.cookies.get(COOKIE)
    if not key or len(key) > _KEY_LENGTH_MAX:
        return None
    try:
        principal = await portal_state(request.app).keys.principal(key)
    except UnauthorisedError:
        return None
    if principal.role is Role.DEVICE:
        return None
    return Asker(
        request=request,
        principal=principal,
        language=language_for(request),
        token=form_token(key),
    )


async def shown(request: AnyRequest, show: Callable[[Asker], Awaitable[str]]) -> Response[str]:
    """Show a page to whoever is signed in; what is not theirs, or not there, is told in words."""
    asker = await asker_of(request)
    if asker is None:
        return _sign_in(request)
    try:
        return html_reply(await show(asker))
    except DomainError as error:
        return problem_reply(asker, error)


async def decided(
    request: AnyRequest,
    form: DeskForm,
    act: Callable[[Asker], Awaitable[object]],
    *,
    kind: str,
    again: Again,
) -> Response[str]:
    """Carry a decision out, then go on with the list; if it is refused, show the page as it is now.

    `again` draws the page with what went wrong beside what was typed, so nothing is lost, and two
    people at once see who was first.
    """
    asker = await asker_of(request)
    if asker is None:
        return _sign_in(request)
    try:
        require_own_form(asker, form)
        await act(asker)
    except ForgedFormError as error:
        return problem_reply(asker, error)
    except (DomainError, msgspec.ValidationError) as error:
        try:
            text = await again(asker, tried(form, error, asker.language))
        except DomainError:
            return problem_reply(asker, error)
        return html_reply(text, status=status_of(error))
    return see_other(f"{PATH}?kind={kind}&done=1")


def require_own_form(asker: Asker, form: _Form) -> None:
    """Hold a form to its page. Raises ForgedFormError."""
    if not hmac.compare_digest(form.token.encode(), asker.token.encode()):
        raise ForgedFormError


def status_of(error: Exception) -> int:
    """The HTTP status of an error, as the API has it."""
    if isinstance(error, ForgedFormError):
        return 403
    if isinstance(error, SomebodyWasFirstError):
        return 409
    kinds = type(error).__mro__
    return next((_STATUSES[kind] for kind in kinds if kind in _STATUSES), _REFUSED)


def problem_reply(asker: Asker, error: Exception) -> Response[str]:
    """A page that says what went wrong."""
    page = problem_page(asker.language, said(error, asker.language))
    return html_reply(page, status=status_of(error))


def _sign_in(request: AnyRequest) -> Response[str]:
    page = sign_in_page(language=language_for(request), wrong=False, to=PATH)
    return html_reply(page, status=401)
