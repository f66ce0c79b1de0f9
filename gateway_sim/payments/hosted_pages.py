"""The pages a person sees: Checkout, and the bank's page for authentication."""

import html
import string
from importlib.resources import files
from typing import TYPE_CHECKING

import msgspec

from gateway_sim.payments import cards
from gateway_sim.payments.errors import CardError, InvalidRequestError, StripeError
from gateway_sim.payments.forms import decode_form
from gateway_sim.payments.operations import (
    charging,
    checkout_sessions,
    payment_intents,
    payment_methods,
    setup_intents,
)
from gateway_sim.payments.page_words import WORDS
from gateway_sim.payments.shapes.checkout_session import CheckoutSession
from gateway_sim.payments.shapes.payment_intent import PaymentIntent
from gateway_sim.payments.shapes.payment_method import PaymentMethod
from gateway_sim.payments.shapes.setup_intent import SetupIntent
from gateway_sim.wire import Reply, Request, html_reply, redirect

if TYPE_CHECKING:
    from gateway_sim.payments.world import World

Intent = PaymentIntent | SetupIntent


def template(name: str) -> string.Template:
    """A page of this folder."""
    content = files("gateway_sim.payments").joinpath("pages", name).read_text(encoding="utf-8")
    return string.Template(content)


_FRAME = template("frame.html")
_CARD_FORM = template("card_form.html")
_BANK_FORM = template("bank_form.html")
_SYMBOLS = {"cny": "¥", "usd": "$", "eur": "€"}


def show_checkout(world: "World", request: Request, session_id: str) -> Reply:
    """The page of a Checkout session."""
    session = world.load(CheckoutSession, session_id)
    return _checkout_page(world, request, session, problem="", status=200)


def submit_checkout(world: "World", request: Request, session_id: str) -> Reply:
    """A person pressed the button: field `card` is a test number or token."""
    session = world.load(CheckoutSession, session_id)
    if session.status != "open" or session.expires_at <= world.clock.now():
        return _checkout_page(world, request, session, problem="", status=409)
    given = decode_form(request.body.decode(errors="replace")).get("card")
    try:
        method = _method_given(world, str(given or "").strip())
        intent = _try_intent(world, session, method)
    except StripeError as error:
        return _checkout_page(world, request, session, problem=str(error), status=402)
    if intent.status == "requires_action":
        return redirect(f"{request.origin}/authenticate/{intent.id}")
    return redirect(_complete(world, session, intent))


def show_authentication(world: "World", request: Request, intent_id: str) -> Reply:
    """The bank's page, which asks whether it is you."""
    intent = _load_intent(world, intent_id)
    words = WORDS[language(request, None)]
    if intent.status != "requires_action":
        return frame(words, title=words["bank"], inner=text(words["bank_done"]), status=409)
    return frame(words, title=words["bank"], inner=_BANK_FORM.substitute(words))


def submit_authentication(world: "World", request: Request, intent_id: str) -> Reply:
    """A person said yes or no to the bank: field `answer` is `approve` or anything else."""
    intent = _load_intent(world, intent_id)
    if intent.status != "requires_action" or intent.payment_method is None:
        return show_authentication(world, request, intent_id)
    approved = decode_form(request.body.decode(errors="replace")).get("answer") == "approve"
    session = _session_of(world, intent)
    try:
        intent = _after_bank(world, intent, approved=approved)
    except CardError as error:
        if session is not None:
            return _checkout_page(world, request, session, problem=str(error), status=402)
    if session is not None:
        return redirect(_complete(world, session, intent))
    url = world.store.note(f"return_url:{intent.id}")
    words = WORDS[language(request, None)]
    if url:
        return redirect(url)
    return frame(words, title=words["bank"], inner=text(words["bank_done"]))


def _method_given(world: "World", given: str) -> PaymentMethod:
    """Raises CardError for what is neither a test number nor a token."""
    card = cards.card_of_token(given) or cards.card_of_number(given)
    method = payment_methods.make(world, card)
    world.save(method)
    return method


def _try_intent(world: "World", session: CheckoutSession, method: PaymentMethod) -> Intent:
    if session.mode == "setup":
        intent = world.load(SetupIntent, str(session.setup_intent))
        return setup_intents.attempt(world, intent, method)
    return charging.confirm(world, _payment_of(world, session), method, off_session=False)


def _payment_of(world: "World", session: CheckoutSession) -> PaymentIntent:
    """The session's payment intent, made when the person first tries to pay."""
    if session.payment_intent is not None:
        return world.load(PaymentIntent, session.payment_intent)
    data = checkout_sessions.plan_of(world, session).payment_intent_data
    wanted = payment_intents.CreateParams(
        amount=session.amount_total or 0,
        currency=str(session.currency),
        customer=session.customer,
        **msgspec.structs.asdict(data),
    )
    intent = payment_intents.create(world, wanted)
    session.payment_intent = intent.id
    world.save(session)
    return intent


def _after_bank(world: "World", intent: Intent, *, approved: bool) -> Intent:
    method = world.load(PaymentMethod, str(intent.payment_method))
    if isinstance(intent, PaymentIntent):
        if approved:
            return charging.confirm(world, intent, method, off_session=False, authenticated=True)
        error = _not_authenticated("payment_intent")
        raise charging.refuse_intent(world, intent, method, error=error)
    if approved:
        return setup_intents.attempt(world, intent, method, authenticated=True)
    raise setup_intents.refuse(world, intent, method, _not_authenticated("setup_intent"))


def _not_authenticated(kind: str) -> CardError:
    msg = (
        "We are unable to authenticate your payment method. Please choose a different payment "
        "method and try again."
    )
    return CardError(msg, code=f"{kind}_authentication_failure")


def _complete(world: "World", session: CheckoutSession, intent: Intent) -> str:
    """End the session well; where to send the person."""
    session.status = "complete"
    session.url = None
    if isinstance(intent, PaymentIntent):
        session.payment_status = "paid"
    world.save(session)
    world.emit("checkout.session.completed", session)
    return _success_url(session)


def _success_url(session: CheckoutSession) -> str:
    return session.success_url.replace("{CHECKOUT_SESSION_ID}", session.id)


def _load_intent(world: "World", intent_id: str) -> Intent:
    if intent_id.startswith("seti_"):
        return world.load(SetupIntent, intent_id)
    return world.load(PaymentIntent, intent_id)


def _session_of(world: "World", intent: Intent) -> CheckoutSession | None:
    found = world.store.find(CheckoutSession, where={intent.object: intent.id}, limit=1)
    if found and found[0].status != "open":
        msg = "This page is closed."
        raise InvalidRequestError(msg)
    return found[0] if found else None


def _checkout_page(
    world: "World", request: Request, session: CheckoutSession, *, problem: str, status: int
) -> Reply:
    words = WORDS[language(request, session.locale)]
    title = words["save_title" if session.mode == "setup" else "pay_title"]
    if session.status != "open" or session.expires_at <= world.clock.now():
        ended = words["completed" if session.status == "complete" else "expired"]
        link = _link(_success_url(session), words["back"])
        return frame(words, title=title, inner=text(ended) + link, status=status)
    inner = _CARD_FORM.substitute(
        words,
        amount=html.escape(_money(session)),
        lines=_lines(world, session),
        problem=text(problem, kind="problem") if problem else "",
        button=words["save" if session.mode == "setup" else "pay"],
        explanation=words["save_explanation" if session.mode == "setup" else "pay_explanation"],
        cards="".join(f'<option value="{card.number}">' for card in cards.TEST_CARDS),
        cancel=_link(session.cancel_url, words["cancel"]) if session.cancel_url else "",
    )
    return frame(words, title=title, inner=inner, status=status)


def _lines(world: "World", session: CheckoutSession) -> str:
    items = checkout_sessions.plan_of(world, session).line_items
    names = [f"{one.price_data.product_data.name} × {one.quantity}" for one in items]
    return "".join(f"<li>{html.escape(name)}</li>" for name in names)


def _money(session: CheckoutSession) -> str:
    if session.amount_total is None or session.currency is None:
        return ""
    major, minor = divmod(session.amount_total, 100)
    symbol = _SYMBOLS.get(session.currency, session.currency.upper() + " ")
    return f"{symbol}{major}.{minor:02d}"


def frame(words: dict[str, str], *, title: str, inner: str, status: int = 200) -> Reply:
    """A whole page."""
    return html_reply(_FRAME.substitute(words, title=title, inner=inner), status=status)


def text(words: str, *, kind: str = "note") -> str:
    """A paragraph."""
    return f'<p class="{kind}" role="status">{html.escape(words)}</p>'


def _link(url: str, text: str) -> str:
    return f'<p><a class="quiet" href="{html.escape(url)}">{html.escape(text)}</a></p>'


def language(request: Request, locale: str | None) -> str:
    """`zh` or `en`, by the session's locale, else by the browser's first language."""
    wanted = locale if locale not in (None, "auto") else request.headers.get("accept-language", "")
    return "zh" if str(wanted).lower().startswith("zh") else "en"
