"""Those who ask `parking serve` for things while it dies again and again, and what they ask.

Whoever gets no answer asks the same again: that is how people, gates and providers are.
"""

import asyncio
import os
import random
import signal
import sqlite3
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager, closing, suppress
from datetime import UTC, datetime, timedelta
from multiprocessing import Pipe
from pathlib import Path
from typing import Any

import httpx
import msgspec

from billing.core.consent import CURRENT
from parking.core.ids import StayId, uuid7
from parking.core.secret import Secret
from portal.demo.city import IN_LANE, LONGXIANG, OUT_LANE
from portal.demo.http import Api, local_client
from portal.demo.setup import Keys, set_up
from portal.settings import DatabaseSettings, ServerSettings, Settings
from tests.forks import FORKS
from tests.integration.billing.world import RETURN_URL, VISA, BillingWorld
from tests.portal.conftest import ADMIN_KEY
from tests.portal.killed_server import Boundary, keep_serving

LOT = LONGXIANG.lot_id
FEE = 600
"""Of two hours, in fen: three yuan an hour."""
HOOK, CHECKOUT = "POST /v1/webhooks/stripe", "POST /v1/stays/*/checkout"
PLATE, APPEAL = "POST /v1/driver-accounts/me/plates", "POST /v1/stays/*/appeals"
DECISION, GATE = "POST /v1/appeals/*/decision", "POST /v1/lane-events"
ROUTES = (HOOK, CHECKOUT, PLATE, APPEAL, DECISION, GATE)
_LETTERS = {"by hand": "H", "contested": "C", "bound late": "B", "owing": "W"}
_LIFE_S = 60
_PAUSE_S = 0.02


class Stay(msgspec.Struct, frozen=True):
    """A car that came and went some hours ago."""

    stay_id: StayId
    plate: str
    events: list[dict[str, Any]]


def stay_of(plate: str, chance: random.Random) -> Stay:
    """Two hours, some hours ago."""
    entered_at = datetime.now(UTC) - timedelta(hours=5, seconds=chance.randrange(3_600))
    moves = (
        ("vehicle_entered", IN_LANE, entered_at),
        ("vehicle_exited", OUT_LANE, entered_at + timedelta(hours=2)),
    )
    ids = [uuid7(int(at.timestamp() * 1_000), chance.getrandbits(74)) for _, _, at in moves]
    events = [
        {
            "type": kind,
            "event_id": str(event_id),
            "lot_id": LOT,
            "lane_id": lane_id,
            "occurred_at": at.isoformat(),
            "read": {"plate": plate, "colour": "blue", "confidence": 0.97, "candidates": []},
        }
        for event_id, (kind, lane_id, at) in zip(ids, moves, strict=True)
    ]
    return Stay(StayId(ids[0]), plate, events)


class House:
    """The server, which dies and is started again, and everybody who asks it for something."""

    def __init__(
        self, world: BillingWorld, database_url: str, folder: Path, *, port: int, seed: int
    ) -> None:
        self.world = world
        self.chance = random.Random(f"besieged {seed}")
        self.folder = folder
        self.settings = Settings(
            server=ServerSettings(port=port),
            database=DatabaseSettings(url=Secret(database_url), pool_size=4),
            billing=world.settings,
            admin_key=Secret(ADMIN_KEY),
        )
        self.address = self.settings.server.base_url
        self.client = local_client(base_url=self.address, seconds=_LIFE_S)
        self.keys = Keys(devices={}, operators={})
        self.token = ""
        self.rounds = [self._cars(0)]
        self.came: list[asyncio.Task[None]] = []
        """Whether a round's cars have been told of."""
        self.asked: list[asyncio.Task[None]] = []
        self.deaths: list[str] = []
        self._orders, theirs = Pipe()
        self._nursery = FORKS.Process(target=keep_serving, args=(self.settings, theirs))
        self._nursery.start()
        theirs.close()

    async def ask(
        self, method: str, path: str, body: object = None, *, key: str = "", good: Sequence[int]
    ) -> Any:
        """Ask until there is an answer: of a server that has died nobody knows what it did."""
        headers = {"Authorization": f"Bearer {key}"} if key else {}
        while True:
            with suppress(httpx.TransportError):
                reply = await self.client.request(method, path, json=body, headers=headers)
                if reply.status_code in good:
                    return reply.json()
                assert reply.status_code == 503, f"{method} {path}: {reply.text}"
            await asyncio.sleep(_PAUSE_S)

    async def prepare(self) -> None:
        """A city, a driver with a card, and the cars of the first round."""
        async with self.serving(None):
            await self.answers()
            today = datetime.now(UTC).date()
            admin = Api(self.address, key=ADMIN_KEY)
            self.keys = await set_up(admin, day=today)
            await admin.close()
            self.token = (await self.world.sign_in("+8613800000000")).token
            await self.leave_card()
            self.came.append(asyncio.ensure_future(self.cars_come(self.rounds[0])))
            await self.came[0]

    async def leave_card(self) -> None:
        """By the webhook alone it becomes known that one was left."""
        account = "/v1/driver-accounts/me"
        body = {"return_url": RETURN_URL, "consent_version": CURRENT.version}
        page = await self.ask(
            "POST", f"{account}/payment-method-setups", body, key=self.token, good=[201]
        )
        await asyncio.to_thread(self.world.visit, page["url"], VISA)
        await self.look_until("card_last4", account, key=self.token)

    async def answers(self) -> None:
        while True:
            with suppress(httpx.TransportError):
                await self.client.get("/healthz")
                return
            await asyncio.sleep(_PAUSE_S)

    def _cars(self, number: int) -> dict[str, Stay]:
        return {
            what: stay_of(f"浙A8{letter}{number:03}", self.chance)
            for what, letter in _LETTERS.items()
        }

    async def cars_come(self, stays: dict[str, Stay]) -> None:
        """The gate tells of a round's cars; the plate of one is bound before."""
        await self.bind(stays["contested"])
        events = [event for stay in stays.values() for event in stay.events]
        told = await self.ask(
            "POST", "/v1/lane-events", events, key=self.keys.devices[LOT], good=[200]
        )
        assert {it["status"] for it in told["results"]} <= {"accepted", "duplicate"}, told

    async def bind(self, stay: Stay) -> None:
        path, body = "/v1/driver-accounts/me/plates", {"plate": stay.plate}
        await self.ask("POST", path, body, key=self.token, good=[201])

    async def pay(self, stay: Stay) -> None:
        """By hand, on the page of the provider, as soon as a fee is known."""
        await self.until(stay, "due")
        path, body = f"/v1/stays/{stay.stay_id}/checkout", {"return_url": RETURN_URL}
        page = await self.ask("POST", path, body, good=[201])
        await asyncio.to_thread(self.world.visit, page["url"], VISA)

    async def contest(self, stay: Stay) -> None:
        """Paid by the card, contested, found to be another's: the money goes back."""
        await self.until(stay, "paid")
        path = f"/v1/stays/{stay.stay_id}/appeals"
        body = {"ground": "not_my_car", "statement": "it was in the garage"}
        await self.ask("POST", path, body, good=[201, 409])
        (appeal,) = await self.ask("GET", path, good=[200])
        path = f"/v1/appeals/{appeal['appeal_id']}/decision"
        grant = {"decision": "grant", "reason": "a clone", "correction": {"kind": "never_was"}}
        await self.ask("POST", path, grant, key=ADMIN_KEY, good=[200, 409])

    async def until(self, stay: Stay, state: str) -> None:
        await self.look_until("state", f"/v1/stays/{stay.stay_id}/obligation", state)

    async def look_until(self, name: str, path: str, state: str | None = None, **how: str) -> None:
        """Look again and again until a field says this, or anything."""
        while True:
            shown = (await self.ask("GET", path, good=[200, 404], **how)).get(name)
            if shown is not None and state in {None, shown}:
                return
            await asyncio.sleep(_PAUSE_S)

    def begin_round(self) -> None:
        """Everybody at once, in an order that follows from the seed; and the next cars come."""
        came, stays = self.came[-1], self.rounds[-1]
        acts: list[Callable[[], Awaitable[None]]] = [
            lambda: self.pay(stays["by hand"]),
            lambda: self.bind(stays["bound late"]),
            lambda: self.contest(stays["contested"]),
        ]
        self.chance.shuffle(acts)
        self.rounds.append(self._cars(len(self.rounds)))
        self.came.append(asyncio.ensure_future(self.cars_come(self.rounds[-1])))
        self.asked += [self.came[-1], *(asyncio.ensure_future(_after(came, act)) for act in acts)]

    @asynccontextmanager
    async def serving(self, boundary: Boundary | None) -> AsyncIterator[None]:
        """A life of the server; it ends at the boundary, or when nothing is left to do."""
        words = self.folder / "last words"
        words.unlink(missing_ok=True)
        self._orders.send((boundary, words))
        pid = await asyncio.to_thread(self._orders.recv)
        try:
            yield
        finally:
            if not self.is_dead:
                os.kill(pid, signal.SIGKILL)
            ended = await asyncio.to_thread(self._orders.recv)
            at_rest = f"at rest, before {boundary}" if boundary else "at rest"
            self.deaths.append(words.read_text(encoding="utf-8") if words.exists() else at_rest)
        assert ended == -signal.SIGKILL, f"the server ended by itself: {ended}"

    @property
    def is_dead(self) -> bool:
        """Whether the server has ended by itself."""
        return self._orders.poll()

    async def close(self) -> None:
        for each in self.asked:
            each.cancel()
        await asyncio.gather(*self.asked, return_exceptions=True)
        await self.client.aclose()
        self._orders.send(None)
        await asyncio.to_thread(self._nursery.join, _LIFE_S)
        self._nursery.close()
        self._orders.close()

    async def live(self, boundary: Boundary) -> bool:
        """One life of the server; whether it ended where it should."""
        self.begin_round()
        async with self.serving(boundary), asyncio.timeout(_LIFE_S):
            hooks = boundary.route == HOOK
            while not self.is_dead and not self.is_quiet(hooks=hooks):  # noqa: ASYNC110 - unheard
                await asyncio.sleep(_PAUSE_S)
        await self.assert_nothing_acknowledged_is_lost()
        return not self.deaths[-1].startswith("at rest")

    async def end(self) -> None:
        """The last life: everybody gets an answer, and the provider's webhooks are all taken."""
        async with self.serving(None), asyncio.timeout(_LIFE_S):
            await asyncio.gather(*self.asked)
            await self.until(self.rounds[-1]["contested"], "paid")
            self.world.simulator.advance(3_600)
            while {it for _, it, _ in self.hooks()} != {"delivered"}:  # noqa: ASYNC110 - a file
                await asyncio.sleep(_PAUSE_S)
        await self.assert_nothing_acknowledged_is_lost()

    def is_quiet(self, *, hooks: bool) -> bool:
        """Everybody has an answer. An action that failed raises here."""
        done = [each.result() for each in self.asked if each.done()]
        if len(done) < len(self.asked):
            return False
        return not hooks or not self.world.simulator.deliveries().get("pending")

    async def assert_nothing_acknowledged_is_lost(self) -> None:
        """Of a webhook the provider itself says whether it was taken."""
        taken = {event for event, state, _ in self.hooks() if state == "delivered"}
        rows = await self.world.pool.fetch("SELECT event_ref FROM billing.webhook_inbox")
        lost = taken - {row["event_ref"] for row in rows}
        assert not lost, f"acknowledged, and lost: {lost}"

    def hooks(self) -> list[tuple[str, str, int]]:
        """Every webhook by the provider's own book: its event, what became of it, its attempts."""
        path = f"file:{self.folder / 'stripe'}?mode=ro"
        with closing(sqlite3.connect(path, uri=True)) as book:
            return book.execute("SELECT event, state, attempts FROM delivery").fetchall()


async def _after(came: asyncio.Task[None], act: Callable[[], Awaitable[None]]) -> None:
    await came
    await act()
