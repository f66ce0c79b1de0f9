"""The billing worker: never idle while work is due, never spinning when none is.

`step(now)` does one round of everything and says how much it did; the loop around it only decides
how long to sleep. Several workers may run side by side, and any may be killed at any moment.
"""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, date, datetime, timedelta
from typing import TypeAlias

import structlog

from billing.corrections import FactCorrector
from billing.db.connection import BooksUnavailableError, Pool, reading
from billing.db.due_work import DueWork, asked_for, due_work
from billing.gateway import PaymentGateway, PaymentProvider
from billing.gateways import Providers, together
from billing.notifications import Notifier, notifier_of
from billing.services.appeals import work_appeals
from billing.services.bind import work_setups
from billing.services.claims import work_claims
from billing.services.consume_outbox import consume_outbox
from billing.services.days import ledger_day
from billing.services.discrepancies import find_discrepancies
from billing.services.find_disputes import find_disputes
from billing.services.follow_advances import follow_advances
from billing.services.gather_payments import gather_payments
from billing.services.leave import work_detachments
from billing.services.notify import work_notifications
from billing.services.pay_out import prepare_payouts, work_payouts
from billing.services.read_report import book_fees, book_refund_fees, read_report
from billing.services.refund import work_refunds
from billing.services.register_stays import work_registrations
from billing.services.settle_operators import settle_operators
from billing.services.webhooks import handle_webhooks
from billing.services.work_disputes import DisputeWorker
from billing.services.work_payments import PaymentWorker
from billing.services.write_off import write_off_overdue
from billing.settings import BillingSettings
from billing.witness import Witness

_log = structlog.get_logger(__name__)
_NAP_SECONDS = 0.05
"""The shortest sleep: what is due but held by another worker is not waited for in a circle."""

_PACED = ("write_offs", "fees", "refund_fees")
"""Nothing tells that these are due but looking: they rest after a look that found nothing."""

_SETTLE_AGAIN = timedelta(minutes=10)

_Stage: TypeAlias = Callable[[datetime], Awaitable[int]]


class BillingWorker:
    """Does billing's work, one round at a time."""

    def __init__(
        self,
        pool: Pool,
        gateway: PaymentGateway | Providers,
        settings: BillingSettings,
        *,
        notifier: Notifier | None = None,
        corrector: FactCorrector | None = None,
        witness: Witness | None = None,
    ) -> None:
        """Without a corrector another worker must carry out granted appeals.

        Without a witness disputes are answered with what billing itself knows.
        """
        self._pool = pool
        self._providers = providers = together(gateway)
        self._gateway = gateway = providers.gateway
        per_stay = [each.name for each in providers if each.capabilities.per_stay]
        self._settings = settings
        self._stumbled = False
        self._gateway_names = [each.name for each in providers]
        self._asked_for = asked_for(self._gateway_names)
        self._due = DueWork(stages=frozenset(), next_at=None)
        self._rested_at: dict[str, datetime] = {}
        sender = notifier or notifier_of(settings)
        self._stages: dict[str, _Stage] = {
            "messages": lambda now: consume_outbox(pool, providers, settings, now=now),
            "setups": lambda now: work_setups(pool, gateway, settings, now=now),
            "accounts": lambda now: gather_payments(
                pool, settings, gateway_name=gateway.name, per_stay=per_stay, now=now
            ),
            "claims": lambda now: work_claims(pool, settings, now=now),
            "write_offs": lambda now: write_off_overdue(pool, settings, now=now),
            "notifications": lambda now: work_notifications(pool, sender, settings, now=now),
            "settlements": self._settle,
            "payouts": self._pay_out,
            "detachments": lambda now: work_detachments(pool, gateway, settings, now=now),
        }
        for provider in providers:
            self._stages |= self._stages_of(provider) | self._disputes_of(provider, witness)
        self._settled_on: date | None = None
        self._settle_again_at = datetime.min.replace(tzinfo=UTC)
        self._payouts_prepared_at: datetime | None = None
        if corrector is not None:
            self._stages["appeals"] = lambda now: work_appeals(pool, corrector, settings, now=now)

    @property
    def unasked(self) -> frozenset[str]:
        """The stages that `due_work` knows nothing of: each has a pace of its own."""
        return frozenset(self._stages) - self._asked_for

    def _stages_of(self, provider: PaymentProvider) -> dict[str, _Stage]:
        """What is to be done with each provider."""
        pool, settings, name = self._pool, self._settings, provider.name
        payments = PaymentWorker(pool, provider, settings, refunds=self._providers)
        return {
            f"webhooks {name}": lambda now: handle_webhooks(pool, provider, settings, now=now),
            f"payments {name}": lambda now: payments.work(now=now),
            f"registrations {name}": lambda now: work_registrations(
                pool, provider, settings, now=now
            ),
            f"advances {name}": lambda now: follow_advances(pool, provider, settings, now=now),
            f"refunds {name}": lambda now: work_refunds(pool, provider, settings, now=now),
            f"report_lines {name}": lambda now: read_report(pool, provider, settings, now=now),
            f"fees {name}": lambda now: book_fees(pool, provider, settings, now=now),
            f"discrepancies {name}": lambda now: find_discrepancies(
                pool, settings, gateway_name=name, now=now
            ),
            f"refund_fees {name}": lambda now: book_refund_fees(pool, provider, settings, now=now),
        }

    def _disputes_of(self, provider: PaymentProvider, witness: Witness | None) -> dict[str, _Stage]:
        """What is to be done about banks that take money back, where they can."""
        pool, settings, name = self._pool, self._settings, provider.name
        if (gateway := provider.disputes) is None:
            return {}
        worker = DisputeWorker(
            pool, name, gateway, settings, refunds=self._providers, witness=witness
        )
        return {
            f"news of disputes {name}": lambda now: find_disputes(
                pool, name, gateway, settings, now=now
            ),
            f"disputes {name}": lambda now: worker.work(now=now),
        }

    async def _settle(self, now: datetime) -> int:
        """Settle operators, once a ledger day and worker: no cut-off comes in between."""
        delay = timedelta(seconds=self._settings.settlement_delay_seconds)
        day = ledger_day(self._settings, now=now - delay)
        if day == self._settled_on or now < self._settle_again_at:
            return 0
        # Books that cannot be settled are tried again, but not at every step.
        self._settle_again_at = now + _SETTLE_AGAIN
        made = await settle_operators(self._pool, self._settings, now=now)
        self._settled_on = day
        self._settle_again_at = now
        return made

    async def _pay_out(self, now: datetime) -> int:
        """Pay operators; what is newly settled, or may be tried again, is looked for at a pace."""
        made, last = 0, self._payouts_prepared_at
        if last is None or now - last >= self._settings.pace.poll:
            made = await prepare_payouts(self._pool, self._gateway, self._settings, now=now)
            self._payouts_prepared_at = now
        return made + await work_payouts(self._pool, self._gateway, self._settings, now=now)

    async def step(self, now: datetime) -> int:
        """Do one round: a batch of each kind of work that is due; says how much there was.

        One question says what is due, and is asked anew after each stage that did something. A
        stage that fails is logged and does not keep the others from their work.
        """
        done = 0
        self._stumbled = not await self._look(now)
        if self._stumbled:
            return 0
        for name, stage in self._stages.items():
            if not self._calls(name, now):
                continue
            try:
                count = await stage(now)
            except Exception:  # noqa: BLE001 - the other stages have work of their own
                _log.exception("stage_failed", stage=name)
                self._stumbled = True
                continue
            if count:
                done += count
                self._rested_at.clear()
                if not await self._look(now):
                    self._stumbled = True
                    return done
            elif _is_paced(name):
                self._rested_at[name] = now
        return done

    async def _look(self, now: datetime) -> bool:
        """Ask what is due; False where the database does not answer."""
        try:
            async with reading(self._pool) as db:
                self._due = await due_work(db, gateway_names=self._gateway_names, now=now)
        except BooksUnavailableError as error:
            _log.warning("books_unavailable", reason=str(error))
            return False
        return True

    def _calls(self, name: str, now: datetime) -> bool:
        """Whether a stage is to be gone through now."""
        rested_at = self._rested_at.get(name)
        if rested_at is not None and now - rested_at < self._settings.pace.poll:
            return False
        return name in self._due.stages or name not in self._asked_for or self._pays_out(name, now)

    def _pays_out(self, name: str, now: datetime) -> bool:
        last = self._payouts_prepared_at
        return name == "payouts" and (last is None or now - last >= self._settings.pace.poll)

    def seconds_until_due(self, now: datetime) -> float:
        """How long there is nothing to do by the last look, at most the settings' idle time."""
        idle = self._settings.worker_idle_ms / 1000
        if self._stumbled:
            return idle
        if not self._due.stages.isdisjoint(self._stages):
            return min(_NAP_SECONDS, idle)
        if self._due.next_at is None:
            return idle
        return min(max((self._due.next_at - now).total_seconds(), _NAP_SECONDS), idle)


def _is_paced(name: str) -> bool:
    return name.startswith(_PACED)


async def run_worker(
    pool: Pool,
    gateway: PaymentGateway | Providers,
    settings: BillingSettings,
    clock: Callable[[], datetime],
    stop: asyncio.Event,
    *,
    corrector: FactCorrector | None = None,
    witness: Witness | None = None,
) -> None:
    """Work until told to stop. A database that is down is waited for."""
    worker = BillingWorker(pool, gateway, settings, corrector=corrector, witness=witness)
    while not stop.is_set():
        pause = settings.worker_idle_ms / 1000
        try:
            if await worker.step(clock()):
                continue
            pause = worker.seconds_until_due(clock())
        except Exception:  # noqa: BLE001 - for example the database is down: try again later
            _log.exception("worker_round_failed")
        try:
            async with asyncio.timeout(pause):
                await stop.wait()
        except TimeoutError:
            continue
