"""How full lots are, over HTTP: stays and recounts in, free spaces out."""

from datetime import timedelta
from random import Random
from typing import Any
from uuid import UUID

import pytest

from parking.core.ids import LotId
from parking.core.occupancy import MOST_LOTS, newest_recount, traffic_of
from parking.db import occupancy as rows
from parking.db import stays as stay_rows
from parking.services.occupancy import learn_habits
from tests.integration.parking.world import World

pytestmark = pytest.mark.anyio
PATH = "/v1/lots/west-lake/occupancy"
RECOUNTS = "/v1/lots/west-lake/recounts"
PLATES = ("浙A0000{}", "浙AD1234{}", "浙AD1231F", "浙B7777挂", "FOREIGN{}", "粤Z9999学", "浙C0000D")


async def seen(world: World, path: str = PATH) -> dict[str, Any]:
    reply = await world.as_admin("GET", path)
    assert reply.status_code == 200, reply.text
    return dict(reply.json())


async def count(world: World, cars: int, status: int = 201, **more: Any) -> dict[str, Any]:
    body = {"counted_at": world.clock.now, "cars": cars} | more
    reply = await world.as_admin("POST", RECOUNTS, body)
    assert reply.status_code == status, reply.text
    return dict(reply.json())


async def test_entries_and_exits_fill_and_free_spaces(world: World) -> None:
    await world.post([world.entered("浙A00001"), world.entered("浙A00002")])
    lot = await seen(world)
    assert (lot["capacity"], lot["occupied"], lot["free"]) == (100, 2, 98)
    world.clock.move(minutes=5)
    await world.post(world.exited("浙A00001"))
    lot = await seen(world)
    assert (lot["occupied"], lot["free"], lot["counted_at"]) == (1, 99, None)
    (small,) = lot["classes"]
    assert (small["kind"], small["occupied"], small["free"]) == ("small", 1, 99)


async def test_classes_have_spaces_of_their_own(world: World) -> None:
    await world.put_lot("west-lake", spaces=10, class_spaces={"new_energy": 2})
    green = {"plate": "浙AD12345", "colour": "green", "confidence": 0.9}
    await world.post([world.entered("浙A00001"), world.entered("浙AD12345", read=green)])
    classes = {each["kind"]: each for each in (await seen(world))["classes"]}
    assert (classes["new_energy"]["capacity"], classes["new_energy"]["free"]) == (2, 1)
    assert (classes["small"]["capacity"], classes["small"]["free"]) == (10, 8)
    body = {"operator_id": "city", "name_zh": "西", "name_en": "W", "zone": "Asia/Shanghai"}
    wrong = body | {"spaces": 3, "tariff_id": "plain", "class_spaces": {"large": 4}}
    refused = await world.as_admin("PUT", "/v1/lots/west-lake", wrong)
    assert (refused.status_code, refused.json()["title"]) == (422, "Class spaces")


async def test_a_recount_is_a_fact_that_counts_from_then_on(world: World) -> None:
    await world.post([world.entered(f"浙A0000{n}") for n in range(5)])
    world.clock.move(hours=2)
    told = await count(world, 3, reason="night round")
    assert told["by"].startswith("admin:")
    assert (await seen(world))["occupied"] == 3
    world.clock.move(minutes=1)
    await world.post(
        [world.exited("浙A00000"), world.exited("浙A00001"), world.entered("浙A00009")]
    )
    lot = await seen(world)
    assert (lot["occupied"], lot["open_stays"]) == (2, 4)
    assert lot["counted_at"] is not None
    await count(world, 2, by_class={"small": 1, "large": 1})
    classes = {each["kind"]: each["occupied"] for each in (await seen(world))["classes"]}
    assert classes == {"small": 1, "large": 1}
    listed = (await world.as_admin("GET", RECOUNTS)).json()
    assert [each["cars"] for each in listed] == [2, 3]


async def test_a_recount_told_twice_is_one(world: World) -> None:
    chosen = str(UUID(int=77))
    first = await count(world, 3, recount_id=chosen)
    again = await count(world, 3, 200, recount_id=chosen, counted_at=first["counted_at"])
    assert again == first
    await count(world, 4, 409, recount_id=chosen, counted_at=first["counted_at"])


async def test_what_cannot_have_been_counted_is_refused(world: World) -> None:
    await count(world, 3, 422, counted_at=world.clock.now + timedelta(seconds=1))
    await count(world, 3, 422, counted_at=world.clock.now - timedelta(days=14))
    await count(world, 3, 422, by_class={"small": 2})
    await count(world, -1, 422)
    elsewhere = await world.as_admin("GET", "/v1/lots/nowhere/occupancy")
    assert elsewhere.status_code == 404


async def test_missed_exits_fade_and_are_given_up(world: World) -> None:
    await world.post([world.entered(f"浙A000{n:02}") for n in range(40)])
    occupied = []
    for _ in range(15):
        occupied.append((await seen(world))["occupied"])
        world.clock.move(days=1)
    assert occupied == sorted(occupied, reverse=True)
    assert (occupied[0], occupied[-1]) == (40, 0)
    assert 0 < occupied[7] < 20


async def test_the_city_is_paged_and_an_operator_sees_its_own(world: World) -> None:
    await world.post(world.entered("浙A00001"))
    first = await seen(world, "/v1/occupancy?limit=1")
    assert [lot["lot_id"] for lot in first["lots"]] == ["west-lake"]
    rest = await seen(world, f"/v1/occupancy?limit=1&after={first['next_after']}")
    assert ([lot["lot_id"] for lot in rest["lots"]], rest["next_after"]) == (["wulin"], None)
    await world.put("/v1/operators/other", {"name_zh": "别", "name_en": "Other"})
    key = (await world.as_admin("POST", "/v1/operators/other/keys")).json()["key"]
    headers = {"Authorization": f"Bearer {key}"}
    assert (await world.client.get("/v1/occupancy", headers=headers)).json()["lots"] == []
    assert (await world.client.get(PATH, headers=headers)).status_code == 403


async def test_the_database_sums_up_as_the_core_does(world: World) -> None:
    """The same traffic by SQL and by `traffic_of`, over a day with every kind of plate and end."""
    random = Random(5)
    plates = sorted({each.format(n) for each in PLATES for n in range(9)})
    for step in range(12):
        world.clock.move(minutes=random.choice([1, 20, 400]))
        chosen = random.sample(plates, 12)
        await world.post(
            [
                (world.entered if random.random() < 0.6 else world.exited)(
                    plate,
                    read={
                        "plate": plate,
                        "colour": random.choice(["blue", "yellow", "green", "unknown"]),
                        "confidence": 0.9,
                    },
                )
                for plate in chosen
            ]
        )
        if step in {4, 8}:
            await count(world, 7)
    lot_id = LotId("west-lake")
    async with world.pool.acquire() as connection:
        recounts = await rows.recounts(connection, lot_id, limit=9)
        found = await stay_rows.of_plates(connection, lot_id, plates)  # type: ignore[arg-type]
        stays = [each.stay for each in found.values() if not each.dissolved]
        for newest in (None, newest_recount(recounts, now=world.clock.now)):
            counted = {} if newest is None else {lot_id: newest}
            summed = (await rows.traffic(connection, [lot_id], counted))[lot_id]
            pure = traffic_of(stays, recount=newest)
            assert set(summed.came) == set(pure.came)
            assert {k: v for k, v in pure.left.items() if v} == dict(summed.left)
            assert dict(summed.stood) == dict(pure.stood)
            assert summed.came


async def test_a_lots_habit_is_learned_from_its_own_stays(world: World) -> None:
    assert await learn_habits(world.pool, world.clock.now) == 2
    for n in range(60):
        await world.post(world.entered(f"浙A000{n:02}"))
        world.clock.move(minutes=10)
        await world.post(world.exited(f"浙A000{n:02}"))
    for _ in range(2):
        await world.post(world.entered("浙B00001"))
        world.clock.move(minutes=5)
    assert await learn_habits(world.pool, world.clock.now) == 2
    assert await learn_habits(world.pool, world.clock.now) == 0
    async with world.pool.acquire() as connection:
        learned = await rows.habits(connection, [LotId("west-lake"), LotId("wulin")])
    assert set(learned[LotId("west-lake")].lasting_seconds) == {600}
    assert learned[LotId("west-lake")].missed_share == pytest.approx(2 / 111)
    assert learned[LotId("wulin")].lasting_seconds == MOST_LOTS.lasting_seconds
