"""A billing world for tests: a real database, the real worker, the real simulator on a port."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, date, datetime, timedelta
from itertools import count
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import asyncpg
import msgspec

from billing.audit import Truth, violations
from billing.core.consent import CURRENT
from billing.core.reconcile import Finding
from billing.core.statement import Statement
from billing.db import queries
from billing.db.queries import ObligationView
from billing.notifications import Notification
from billing.providers.stripe import StripeGateway
from billing.services import bind
from billing.services.consume_outbox import consume_outbox
from billing.services.days import ledger_day
from billing.services.draw_statement import draw_statement, reconcile_gateway
from billing.services.gather_payments import gather_payments
from billing.services.ids import new_id
from billing.services.pay_by_hand import pay_by_hand
from billing.services.sign_in import SignedIn, send_code, sign_in_with_code
from billing.settings import BillingSettings
from billing.worker import BillingWorker
from parking.core.events import PlateColour
from parking.core.fee import Fee, FeeLine
from parking.core.ids import AccountId, LotId, OperatorId, StayId, TariffId
from parking.core.money import Money
from parking.core.plate import Plate
from parking.core.secret import Secret
from parking.messages import Message, StayPriced
from tests.gateway_sim.payments.harness import Simulator

VISA = "4242424242424242"
SECRET = "whsec_test"
RETURN_URL = "https://parking.example/done"
OPERATOR = OperatorId("west-lake")
ROUNDS_MAX = 60


def settings_for(address: str, **changes: object) -> BillingSettings:
    """Settings in which nothing waits longer than a test can."""
    eager: dict[str, Any] = {
        "stripe_api_key": Secret("sk_test_billing"),
        "stripe_api_url": address,
        "stripe_webhook_secret": Secret(SECRET),
        "stripe_timeout_seconds": 5,
        "settle_seconds": 0,
        "gather_threshold_minor": 0,
        "gather_wait_seconds": 0,
        "report_poll_seconds": 1,
        "poll_seconds": 1,
        "inherit_hold_seconds": 0,
    }
    return BillingSettings(**{**eager, **changes})


def fee_of(amount_minor: int) -> Fee:
    line = FeeLine(code="rate", amount_minor=amount_minor, text_zh="计时", text_en="Time")
    return Fee(
        total=Money(amount_minor), lines=(line,), tariff_id=TariffId("city"), tariff_version=1
    )


class Phones:
    """A notifier that keeps what it is given, as drivers' phones do."""

    def __init__(self) -> None:
        self.received: list[Notification] = []

    async def send(self, notification: Notification) -> None:
        self.received.append(notification)

    def code_of(self, phone: str) -> str:
        """The code that came last."""
        texts = [each.text_en for each in self.received if each.phone == phone]
        return texts[-1][:6]


class BillingWorld:
    """Everything that a test of billing touches."""

    def __init__(self, pool: asyncpg.Pool, simulator: Simulator, settings: BillingSettings) -> None:
        self.pool = pool
        self.simulator = simulator
        self.settings = settings
        self.gateway = StripeGateway(settings)
        self.phones = Phones()
        self.worker = BillingWorker(pool, self.gateway, settings, notifier=self.phones)
        self.start = datetime.now(UTC)
        self.now = self.start
        self.rounds_max = ROUNDS_MAX
        """A worker that is not done after so many does not get done."""
        self._phones = count(13_800_000_000)

    def change_settings(self, **changes: object) -> None:
        """Work by other settings from now on."""
        self.settings = msgspec.structs.replace(self.settings, **changes)
        self.worker = BillingWorker(self.pool, self.gateway, self.settings, notifier=self.phones)

    def priced(
        self, plate: str, amount_minor: int, *, operator: str = OPERATOR, **changes: object
    ) -> StayPriced:
        """A message about a stay that ended an hour ago."""
        left_at = self.start - timedelta(hours=1)
        values: dict[str, Any] = {
            "stay_id": StayId(new_id(self.now)),
            "revision": 1,
            "lot_id": LotId(f"{operator}-1"),
            "operator_id": OperatorId(operator),
            "plate": Plate(plate),
            "colour": PlateColour.BLUE,
            "entered_at": left_at - timedelta(hours=2),
            "left_at": left_at,
            "business_date": left_at.date(),
            "fee": fee_of(amount_minor),
            "chargeable_from": left_at,
            "trace_id": "0af7651916cd43dd8448eb211c80319c",
        }
        return StayPriced(**{**values, **changes})

    async def publish(self, *messages: Message) -> None:
        """Put messages into parking's outbox, as parking does."""
        await self.pool.executemany(
            "INSERT INTO parking.outbox (message_id, payload) VALUES ($1, $2::text::jsonb)",
            [(new_id(self.now), msgspec.json.encode(each).decode()) for each in messages],
        )

    async def driver(self, plate: str, *, card: str | None = VISA) -> AccountId:
        """A driver who has bound a plate and left a card on the gateway's page."""
        account_id = (await self.sign_in(f"+86{next(self._phones)}")).account_id
        await bind.bind_plate(self.pool, self.settings, account_id, Plate(plate), now=self.now)
        if card is not None:
            await self.leave_card(account_id, card)
        return account_id

    async def sign_in(self, phone: str) -> SignedIn:
        """Sign in as a person does: by the code that was sent to the phone."""
        await send_code(self.pool, self.phones, self.settings, phone=phone, now=self.now)
        return await sign_in_with_code(
            self.pool, self.settings, phone=phone, code=self.phones.code_of(phone), now=self.now
        )

    async def leave_card(self, account_id: AccountId, card: str) -> None:
        url = await bind.start_setup(
            self.pool,
            self.gateway,
            self.settings,
            account_id=account_id,
            return_url=RETURN_URL,
            consent_version=CURRENT.version,
            now=self.now,
        )
        self.visit(url, card)
        await self.later(seconds=self.settings.poll_seconds)

    async def customer(self, account_id: AccountId) -> str:
        """What the gateway calls a driver."""
        ref: str = await self.pool.fetchval(
            "SELECT customer_ref FROM billing.gateway_customer WHERE account_id = $1", account_id
        )
        return ref

    def visit(self, url: str, card: str) -> None:
        """Fill in the gateway's page, as a driver's browser does."""
        reply = self.simulator.http.post(url, data={"card": card})
        assert reply.status_code in {200, 303}, reply.text

    async def checkout(self, stay_id: StayId) -> str:
        return await pay_by_hand(
            self.pool,
            self.gateway,
            self.settings,
            stay_id=stay_id,
            return_url=RETURN_URL,
            now=self.now,
        )

    async def consume(self) -> None:
        """Only the first step: messages become obligations."""
        await consume_outbox(self.pool, self.gateway, self.settings, now=self.now)

    async def gather(self) -> None:
        """Only the second step: what is due becomes a payment, which is not yet attempted."""
        await gather_payments(self.pool, self.settings, gateway_name="stripe", now=self.now)

    async def drain(self) -> int:
        """Work until nothing is due now."""
        done = 0
        for _ in range(self.rounds_max):
            step = await self.worker.step(self.now)
            if step == 0:
                return done
            done += step
        raise AssertionError(await self.waiting())

    def wait_for_noon(self) -> None:
        """Begin at noon of the ledger's day: no test depends on the hour at which it runs."""
        local = self.now.astimezone(ZoneInfo(self.settings.ledger_zone))
        noon = local.replace(hour=12, minute=0, second=0, microsecond=0)
        if noon <= local:
            noon += timedelta(days=1)
        self.simulator.advance((noon - local).total_seconds())
        self.start = self.now = noon.astimezone(UTC)

    @property
    def ahead(self) -> timedelta:
        """How far the world's clock is before everybody's, for workers that run by themselves."""
        return self.now - datetime.now(UTC)

    async def later(self, **delta: float) -> None:
        """Let time pass, then work until nothing is due."""
        self.now += timedelta(**delta)
        await self.drain()

    async def settle(self) -> None:
        """Let time pass until no payment, refund or fee is left in the air."""
        for _ in range(self.rounds_max):
            await self.later(seconds=self.settings.unknown_retry_max_seconds)
            waiting = await self.waiting()
            if not any(
                (waiting.messages, waiting.payments, waiting.refunds, waiting.fees, waiting.unknown)
            ):
                return
        raise AssertionError(await self.waiting())

    async def waiting(self) -> queries.WorkWaiting:
        async with self.pool.acquire() as db:
            return await queries.work_waiting(db)

    async def obligation(self, stay: StayPriced) -> ObligationView:
        async with self.pool.acquire() as db:
            found = await queries.obligations_of_stays(db, [stay.stay_id])
        return found[stay.stay_id]

    async def payments(self) -> list[queries.PaymentView]:
        async with self.pool.acquire() as db:
            return list(reversed(await queries.latest_payments(db, limit=500)))

    async def statement(self, operator: str = OPERATOR, day: date | None = None) -> Statement:
        return await draw_statement(
            self.pool,
            self.settings,
            operator_id=OperatorId(operator),
            business_date=day or self.today,
            gateway_names=["stripe"],
        )

    async def reconcile(self) -> tuple[Finding, ...]:
        return await reconcile_gateway(self.pool, self.settings, gateway_name="stripe")

    @property
    def today(self) -> date:
        return ledger_day(self.settings, now=self.now)

    def truth(self) -> Truth:
        return msgspec.convert(self.simulator.truth(), Truth)

    def charges(self) -> list[tuple[UUID, int]]:
        """What was really taken: (our payment, minor units)."""
        return [(UUID(it.metadata["payment_id"]), it.amount) for it in self.truth().charges]

    async def assert_sound(self) -> None:
        """Every invariant that billing can check holds, against the truth log too."""
        async with self.pool.acquire() as db:
            found = [each async for each in violations(db, truth=self.truth())]
        assert found == []


@asynccontextmanager
async def open_world(
    database_url: str, simulator: Simulator, **changes: object
) -> AsyncIterator[BillingWorld]:
    pool = await asyncpg.create_pool(database_url, min_size=1, max_size=12)
    world = BillingWorld(pool, simulator, settings_for(simulator.address, **changes))
    try:
        world.wait_for_noon()
        yield world
    finally:
        await world.gateway.close()
        await pool.close()
