"""Tickets: written like plates, and like no plate."""

from hypothesis import given
from hypothesis import strategies as st

from parking.core.plate import mask_plate, normalise_plate
from parking.core.ticket import TICKET_BITS, is_ticket, ticket_of

_bits = st.integers(0, 2**TICKET_BITS - 1)


@given(_bits)
def test_a_ticket_is_written_like_a_plate_and_hides_like_one(bits: int) -> None:
    ticket = ticket_of(bits)
    assert normalise_plate(ticket.lower()) == ticket
    assert is_ticket(ticket)
    assert ticket[2:-2] not in mask_plate(ticket)


@given(_bits, _bits)
def test_other_bits_give_another_ticket(one: int, other: int) -> None:
    assert (ticket_of(one) == ticket_of(other)) is (one == other)


def test_no_plate_is_a_ticket() -> None:
    assert not is_ticket("浙A8B762")
