"""All of parking's services, put together once per process."""

from datetime import timedelta

import msgspec

from parking.core.limits import IngestLimits
from parking.core.standing import StandingSource
from parking.db.pool import Pool
from parking.services.amend_stays import StayAmender
from parking.services.api_keys import ApiKeys
from parking.services.check_lane_event import bounds_of
from parking.services.clock import Clock
from parking.services.confirm_near_misses import NearMissClock
from parking.services.decide_clone import CloneDesk
from parking.services.decide_review import ReviewDecider
from parking.services.gate_prices import GatePrices
from parking.services.issue_tickets import TicketDesk
from parking.services.occupancy import OccupancyBook
from parking.services.place_book import PlaceBook
from parking.services.quote_stay import Quoter
from parking.services.rate_limit import DeviceRates
from parking.services.record_fee_facts import FeeFactRecorder
from parking.services.record_lane_events import LaneEventRecorder
from parking.services.register_place import PlaceRegister
from parking.services.show_review import ReviewDesk
from parking.services.sweep_overstays import OverstaySweeper


class ParkingServices(msgspec.Struct, frozen=True, kw_only=True):
    """What the web layer, the worker and the command line call."""

    pool: Pool
    clock: Clock
    limits: IngestLimits
    event_ages: tuple[timedelta, timedelta]
    """The oldest and the youngest (negative) that an event may be."""
    book: PlaceBook
    keys: ApiKeys
    rates: DeviceRates
    recorder: LaneEventRecorder
    places: PlaceRegister
    quotes: Quoter
    gate_prices: GatePrices
    fee_facts: FeeFactRecorder
    amendments: StayAmender
    tickets: TicketDesk
    reviews: ReviewDecider
    review_desk: ReviewDesk
    near_misses: NearMissClock
    overstays: OverstaySweeper
    occupancy: OccupancyBook
    clones: CloneDesk

    @classmethod
    def build(
        cls, *, pool: Pool, standings: StandingSource, clock: Clock, limits: IngestLimits
    ) -> "ParkingServices":
        """Wire them; no I/O yet."""
        book = PlaceBook(pool, ttl_seconds=limits.place_cache_seconds)
        recorder = LaneEventRecorder(
            pool, standings=standings, book=book, clock=clock, limits=limits
        )
        amendments = StayAmender(pool, recorder=recorder, book=book, clock=clock, limits=limits)
        decider = ReviewDecider(pool, book=book, clock=clock)
        prices = GatePrices(pool, book=book, clock=clock)
        return cls(
            pool=pool,
            clock=clock,
            limits=limits,
            event_ages=bounds_of(limits),
            book=book,
            keys=ApiKeys(pool, clock=clock, cache_seconds=limits.key_cache_seconds),
            rates=DeviceRates(limits),
            recorder=recorder,
            places=PlaceRegister(pool, book),
            quotes=Quoter(pool, book=book, clock=clock, prices=prices),
            gate_prices=prices,
            fee_facts=FeeFactRecorder(pool, book=book, clock=clock),
            amendments=amendments,
            tickets=TicketDesk(
                pool, recorder=recorder, amendments=amendments, book=book, clock=clock
            ),
            reviews=decider,
            review_desk=ReviewDesk(pool, decider=decider, book=book),
            near_misses=NearMissClock(pool, book=book),
            overstays=OverstaySweeper(pool, book=book),
            occupancy=OccupancyBook(pool, book=book, clock=clock),
            clones=CloneDesk(pool, book=book, clock=clock),
        )

    async def close(self) -> None:
        """Answer the events that wait; the pool is its owner's to close."""
        await self.recorder.close()
