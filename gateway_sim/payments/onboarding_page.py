"""The page on which a connected account's owner says who they are, and where they bank."""

import html
from typing import TYPE_CHECKING

from gateway_sim.payments import hosted_pages
from gateway_sim.payments.errors import InvalidRequestError, StripeError
from gateway_sim.payments.forms import decode_form
from gateway_sim.payments.operations import accounts, banks
from gateway_sim.payments.page_words import WORDS
from gateway_sim.payments.shapes.account import Account
from gateway_sim.wire import Reply, Request, redirect

if TYPE_CHECKING:
    from gateway_sim.payments.world import World

_FORM = hosted_pages.template("onboarding_form.html")


def show(world: "World", request: Request, token: str) -> Reply:
    """The page of an account link, as long as the link is good."""
    account, _ = _linked(world, token)
    return _page(request, account, problem="", status=200)


def submit(world: "World", request: Request, token: str) -> Reply:
    """The owner pressed the button: field `account_number` is a bank account's."""
    account, return_url = _linked(world, token)
    given = decode_form(request.body.decode(errors="replace")).get("account_number")
    try:
        bank = {"account_number": str(given or "").strip(), "country": account.country}
        banks.replace(world, account, bank)
    except StripeError as error:
        return _page(request, account, problem=str(error), status=402)
    account.business_type = account.business_type or "company"
    account.tos_acceptance = {
        "date": world.clock.created(),
        "ip": request.client[0],
        "user_agent": request.headers.get("user-agent"),
    }
    accounts.announce(world, account)
    world.store.set_note(token, "")
    return redirect(return_url)


def _linked(world: "World", token: str) -> tuple[Account, str]:
    """Raises InvalidRequestError for a link that never was, is used up, or too old."""
    expires_at, _, rest = world.store.note(token).partition(" ")
    account_id, _, return_url = rest.partition(" ")
    if not expires_at or world.clock.now() >= int(expires_at):
        msg = "This link is no longer good."
        raise InvalidRequestError(msg)
    return world.load(Account, account_id), return_url


def _page(request: Request, account: Account, *, problem: str, status: int) -> Reply:
    words = WORDS[hosted_pages.language(request, None)]
    inner = _FORM.substitute(
        words,
        account=html.escape(account.email or account.id),
        problem=hosted_pages.text(problem, kind="problem") if problem else "",
        numbers="".join(f'<option value="{number}">' for number in banks.FAILING_NUMBERS),
    )
    return hosted_pages.frame(words, title=words["onboard_title"], inner=inner, status=status)
