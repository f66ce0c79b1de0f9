"""What parking publishes through its outbox: all that billing reads of it besides `parking.core`.

A message is written in the transaction that made it true and carries everything its reader
needs, so that no one has to call back. The reader may see a message more than once.
"""

from datetime import date, datetime
from typing import TypeAlias
from uuid import UUID

import msgspec

from parking.core.cloning import StayHold
from parking.core.events import PlateColour
from parking.core.fee import Fee
from parking.core.ids import LotId, OperatorId, StayId
from parking.core.plate import Plate


class StayPriced(
    msgspec.Struct, frozen=True, kw_only=True, tag="stay_priced", tag_field="type", gc=False
):
    """A stay is closed and has its fee; or, with a higher revision, a re-fold changed it.

    `fee` is the whole fee now, not the difference. A stay that a correction dissolved comes with
    `fee.total` zero and `dissolved` true.
    """

    stay_id: StayId
    revision: int
    """1 for the first message about a stay, then one more each time."""
    lot_id: LotId
    operator_id: OperatorId
    plate: Plate
    colour: PlateColour
    entered_at: datetime
    left_at: datetime
    business_date: date
    """The day of the exit on the lot's wall clock."""
    fee: Fee
    chargeable_from: datetime
    """Not to be charged before this instant: the hold of a tentative match, else `left_at`."""
    dissolved: bool = False
    hold: StayHold | None = None
    """Why nobody is to be charged for it, if so; a later revision lets it go."""
    trace_id: str = ""


class StayEntered(
    msgspec.Struct, frozen=True, kw_only=True, tag="stay_entered", tag_field="type", gc=False
):
    """A car drove in. Told where a provider wants to hear of it; never needed to be complete."""

    stay_id: StayId
    lot_id: LotId
    lot_name: str
    plate: Plate
    colour: PlateColour
    entered_at: datetime
    trace_id: str = ""


Message: TypeAlias = StayPriced | StayEntered


class Envelope(msgspec.Struct, frozen=True, kw_only=True):
    """A message with its place in the outbox."""

    sequence: int
    message_id: UUID
    created_at: datetime
    message: Message
