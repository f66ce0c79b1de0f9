"""Declines that a test or a demo wrote for a card in advance."""

import msgspec

from gateway_sim.payments import cards
from gateway_sim.payments.errors import InvalidRequestError
from gateway_sim.payments.shapes.payment_method import PaymentMethod
from gateway_sim.payments.store import Store


class CardScript(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which card declines how often and as what; after that it is itself again.

    Name the card by exactly one of its test number, a payment method (or token such as
    `pm_card_visa`), or the customer whose cards are meant. A new script replaces an old one.
    """

    declines: list[str]
    number: str | None = None
    payment_method: str | None = None
    customer: str | None = None


def write_script(store: Store, script: CardScript) -> None:
    """Keep a script.

    Raises InvalidRequestError when the card is not named by exactly one thing, CardError when
    the number is no test card's.
    """
    subject = _subject(script)
    store.database.execute("DELETE FROM card_script WHERE subject = ?", (subject,))
    store.database.executemany(
        "INSERT INTO card_script (subject, decline_code) VALUES (?, ?)",
        [(subject, decline_code) for decline_code in script.declines],
    )


def _subject(script: CardScript) -> str:
    named = [name for name in (script.number, script.payment_method, script.customer) if name]
    if len(named) != 1:
        msg = "Name the card by one of number, payment_method and customer."
        raise InvalidRequestError(msg)
    if script.customer:
        return f"customer:{script.customer}"
    if script.number:
        card = cards.card_of_number(script.number)
        return f"card:{cards.fingerprint(card.number)}"
    token = cards.card_of_token(named[0])
    return f"card:{cards.fingerprint(token.number)}" if token else f"method:{named[0]}"


def next_decline(store: Store, method: PaymentMethod) -> str | None:
    """Take the next scripted decline of a card, the narrowest script first."""
    for subject in (
        f"method:{method.id}",
        f"customer:{method.customer}",
        f"card:{method.card.fingerprint}",
    ):
        row = store.database.execute(
            "DELETE FROM card_script WHERE seq ="
            " (SELECT min(seq) FROM card_script WHERE subject = ?) RETURNING decline_code",
            (subject,),
        ).fetchone()
        if row:
            return str(row[0])
    return None
