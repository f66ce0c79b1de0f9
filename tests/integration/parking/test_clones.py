"""A plate on two cars: suspected behind the ingest path, held, decided, or let go again."""

from typing import Any

import asyncpg
import pytest

from parking.core.cloning import CloneRules
from parking.services.place_book import PlaceBook
from parking.services.watch_clones import CloneWatch
from tests.integration.parking.world import World

pytestmark = pytest.mark.anyio
PLATE = "浙A8B762"
HERE, THERE = "west-lake", "wulin"
HANGZHOU = {"latitude": 30.2489, "longitude": 120.1480}
NINGBO = {"latitude": 29.8683, "longitude": 121.5440}


class Two:
    """The same plate, read in two lots."""

    def __init__(self, world: World) -> None:
        self.world = world
        book = PlaceBook(world.pool, ttl_seconds=0)
        self.watch = CloneWatch(world.pool, book=book, rules=CloneRules())

    async def seen(self, lot_id: str, kind: str, **changes: Any) -> dict[str, Any]:
        make = self.world.entered if kind == "in" else self.world.exited
        event = make(PLATE, lot_id=lot_id, **changes)
        key = self.world.device_key if lot_id == HERE else self.world.other_lot_key
        reply = await self.world.post(event, key=key)
        assert reply.status_code == 201, reply.text
        return event

    async def look(self) -> int:
        return await self.watch.watch_clones(self.world.clock.now)

    async def listed(self, query: str = "") -> list[dict[str, Any]]:
        reply = await self.world.as_admin("GET", f"/v1/clone-suspicions{query}")
        assert reply.status_code == 200, reply.text
        return list(reply.json())

    async def decide(self, *own: str, status: int = 200) -> dict[str, Any]:
        (shown,) = await self.listed()
        path = f"/v1/clone-suspicions/{shown['suspicion']['suspicion_id']}/decision"
        reply = await self.world.as_admin("POST", path, {"own_stay_ids": own, "reason": "asked"})
        assert reply.status_code == status, reply.text
        return dict(reply.json())

    async def told(self) -> dict[str, tuple[int, str | None, int]]:
        """What billing was told last of each stay: revision, hold, fee."""
        last: dict[str, tuple[int, str | None, int]] = {}
        for message in await self.world.outbox():
            fee = message["fee"]["total"]["amount_minor"]
            last[message["stay_id"]] = max(
                last.get(message["stay_id"], (0, None, 0)),
                (message["revision"], message["hold"], fee),
            )
        return last

    async def overlap(self) -> tuple[str, str]:
        """In here, in and out there, out here; answers both stays' ids."""
        one = await self.seen(HERE, "in")
        self.world.clock.move(hours=1)
        other = await self.seen(THERE, "in")
        self.world.clock.move(hours=1)
        await self.seen(THERE, "out")
        assert await self.look() == 0, "a missed exit here would explain it"
        self.world.clock.move(hours=1)
        await self.seen(HERE, "out")
        return str(one["event_id"]), str(other["event_id"])


@pytest.fixture
def two(world: World) -> Two:
    return Two(world)


async def test_two_stays_at_once_are_held_and_shown(two: Two) -> None:
    one, other = await two.overlap()
    assert {hold for _, hold, _ in (await two.told()).values()} == {None}
    assert await two.look() == 1
    assert await two.told() == {one: (2, "cloned_plate", 1500), other: (2, "cloned_plate", 500)}
    (shown,) = await two.listed("?pending=true")
    assert shown["suspicion"]["kind"] == "inside_elsewhere"
    assert shown["suspicion"]["stay_ids"] == [one, other]
    assert [each["lot_id"] for each in shown["suspicion"]["evidence"]["sightings"]] == [
        HERE,
        THERE,
        HERE,
    ]
    assert {each["hold"] for each in shown["stays"]} == {"cloned_plate"}
    assert await two.look() == 0
    assert len(await two.listed()) == 1


async def test_a_person_says_which_stay_is_the_accounts(two: Two) -> None:
    one, other = await two.overlap()
    await two.look()
    decided = await two.decide(one)
    assert [each["hold"] for each in decided["stays"]] == [None, "other_car"]
    assert await two.told() == {one: (3, None, 1500), other: (3, "other_car", 500)}
    assert await two.listed("?pending=true") == []
    again = await two.decide(one, other)
    assert [each["hold"] for each in again["stays"]] == [None, None]
    assert (await two.told())[other] == (4, None, 500)
    by = [each["by"] for each in again["suspicion"]["decisions"]]
    assert len(by) == 2
    assert all(each.startswith("admin:") for each in by)
    await two.decide("01930000-0000-7000-8000-000000000000", status=422)


async def test_a_stay_that_closes_under_suspicion_is_told_as_held(two: Two) -> None:
    """Hangzhou and Ningbo within half an hour: suspected while both are open."""
    await two.world.put_lot(HERE, position=HANGZHOU)
    await two.world.put_lot(THERE, position=NINGBO)
    one = await two.seen(HERE, "in")
    two.world.clock.move(minutes=30)
    other = await two.seen(THERE, "in")
    assert await two.look() == 1
    assert await two.told() == {}
    two.world.clock.move(hours=2)
    await two.seen(HERE, "out")
    await two.seen(THERE, "out")
    told = await two.told()
    assert {told[str(each["event_id"])][1] for each in (one, other)} == {"cloned_plate"}
    (shown,) = await two.listed()
    evidence = shown["suspicion"]["evidence"]
    assert shown["suspicion"]["kind"] == "too_fast"
    assert evidence["speed_kmh"] == pytest.approx(282, abs=3)


async def test_a_missed_exit_is_no_clone(two: Two) -> None:
    await two.seen(HERE, "in")
    two.world.clock.move(hours=5)
    await two.seen(THERE, "in")
    two.world.clock.move(hours=2)
    await two.seen(THERE, "out")
    two.world.clock.move(hours=1)
    await two.seen(HERE, "in")
    assert await two.look() == 0
    assert await two.listed() == []


async def test_a_correction_explains_it_and_lets_both_go(two: Two) -> None:
    one, other = await two.overlap()
    await two.look()
    stay = next(each for each in await two.world.stays() if each["lot_id"] == THERE)
    for event_id in (stay["entry_event_id"], stay["exit_event_id"]):
        fact = two.world.corrected({"event_id": event_id}, "浙AB8762", lot_id=THERE)
        reply = await two.world.post(fact, key=two.world.other_lot_key)
        assert reply.status_code == 201, reply.text
    assert await two.look() == 1
    told = await two.told()
    assert told[one][1] is None
    assert told[other][1] is None
    (shown,) = await two.listed()
    (lifted,) = shown["suspicion"]["decisions"]
    assert (lifted["verdict"], lifted["by"]) == ("lifted", "rule:facts-changed")
    assert await two.look() == 0
    await two.decide(one, status=409)


async def test_late_facts_are_found_whatever_their_order(two: Two) -> None:
    """The gate here had no network: its entry and exit arrive after all is over elsewhere."""
    came = two.world.clock.now
    two.world.clock.move(hours=1)
    await two.seen(THERE, "in")
    two.world.clock.move(hours=1)
    await two.seen(THERE, "out")
    assert await two.look() == 0
    two.world.clock.move(hours=1)
    await two.seen(HERE, "out")
    assert await two.look() == 0
    await two.seen(HERE, "in", occurred_at=came)
    assert await two.look() == 1


async def test_a_backlog_is_worked_off_in_pieces(two: Two, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("parking.services.watch_clones._AT_ONCE", 2)
    monkeypatch.setattr("parking.services.watch_clones._PIECES", 3)
    await two.overlap()
    # Recorded at one instant, more than a piece takes; the clone's last read is among them.
    two.world.clock.move(minutes=5)
    await two.world.post([two.world.entered(f"浙A0000{n}") for n in range(5)])
    found = [await two.look() for _ in range(4)]
    assert sorted(found) == [0, 0, 0, 1]
    looked_at = two.watch._looked_at
    assert len(looked_at) == 5, "only what is young is remembered"


async def test_operators_see_what_concerns_their_lots(two: Two) -> None:
    world = two.world
    await world.put("/v1/operators/other", {"name_zh": "别", "name_en": "Other"})
    await two.overlap()
    await two.look()
    keys = {}
    for operator in ("city", "other"):
        reply = await world.as_admin("POST", f"/v1/operators/{operator}/keys")
        keys[operator] = {"Authorization": f"Bearer {reply.json()['key']}"}
    assert len((await world.client.get("/v1/clone-suspicions", headers=keys["city"])).json()) == 1
    assert (await world.client.get("/v1/clone-suspicions", headers=keys["other"])).json() == []
    (shown,) = await two.listed()
    path = f"/v1/clone-suspicions/{shown['suspicion']['suspicion_id']}"
    assert (await world.client.get(path, headers=keys["other"])).status_code == 404
    reply = await world.client.post(
        f"{path}/decision", headers=keys["other"], json={"own_stay_ids": []}
    )
    assert reply.status_code == 404
    reply = await world.client.post(
        f"{path}/decision", headers=keys["city"], json={"own_stay_ids": []}
    )
    assert reply.status_code == 200


async def test_what_was_counted_suspected_and_decided_stays_written(two: Two) -> None:
    one, _ = await two.overlap()
    await two.look()
    await two.decide(one)
    body = {"counted_at": two.world.clock.now, "cars": 1}
    await two.world.as_admin("POST", "/v1/lots/west-lake/recounts", body)
    for change in (
        "update parking.recount set cars = cars",
        "update parking.clone_suspicion set plate = plate",
        "update parking.clone_decision set reason = reason",
        "delete from parking.clone_decision",
        "truncate parking.recount",
    ):
        with pytest.raises(asyncpg.RestrictViolationError, match="append-only"):
            await two.world.pool.execute(change)


async def test_the_watch_remembers_where_it_was(two: Two) -> None:
    await two.seen(HERE, "in")
    assert await two.look() == 0
    position = await two.world.pool.fetchval("select position from parking.watch")
    assert position < two.world.clock.now
    two.world.clock.move(hours=1)
    await two.look()
    later = await two.world.pool.fetchval("select position from parking.watch")
    assert later > position
