"""Rights, vehicles, payments before leaving: said late or early, the money is the same."""

import asyncio
from datetime import timedelta
from itertools import count, permutations
from typing import Any
from uuid import UUID

import asyncpg
import msgspec
import pytest

from parking.core.ids import uuid7
from tests.core.tariffs import gallery
from tests.integration.parking.world import NOW, World

pytestmark = pytest.mark.anyio

PLATE = "浙A8B762"
MALL = msgspec.to_builtins(gallery("mall"))
_IDS = count(1)


def new_id() -> UUID:
    return uuid7(int(NOW.timestamp() * 1000), 900_000 + next(_IDS))


async def mall(world: World, **changes: Any) -> None:
    """Let the lot charge as the mall does: 15 min free per day …, shops' stamps, 10 min grace."""
    document = MALL | {"tariff_id": "mall", "version": 1} | changes
    body = {"effective_from": "2026-01-01T00:00:00+08:00", "tariff": document}
    await world.put("/v1/tariffs/mall/versions/1", body)
    await world.put_lot("west-lake", tariff_id="mall")


async def say(world: World, body: dict[str, Any], fact_id: UUID | None = None) -> Any:
    path = f"/v1/lots/west-lake/fee-facts/{fact_id or new_id()}"
    return await world.as_admin("PUT", path, body)


async def stays_of(world: World) -> list[dict[str, Any]]:
    return await world.stays()


async def visit(world: World, minutes: int, plate: str = PLATE) -> UUID:
    """A whole stay; answers its id."""
    entry = world.entered(plate)
    await world.post(entry)
    world.clock.move(minutes=minutes)
    reply = await world.post(world.exited(plate))
    assert reply.status_code == 201, reply.text
    return UUID(str(entry["event_id"]))


async def test_a_shop_stamps_a_stay_before_or_after_it_ends(world: World) -> None:
    await mall(world)
    entry = world.entered(PLATE)
    await world.post(entry)
    world.clock.move(minutes=60)
    stamp = {"type": "right_granted", "stay_id": entry["event_id"], "right_id": "ten-yuan"}
    stamped = await say(world, stamp)
    assert stamped.status_code == 201, stamped.text
    world.clock.move(minutes=180)
    shown = (await world.post(world.exited(PLATE))).json()["display"]
    assert shown["fee_minor"] == 1000
    world.clock.move(hours=1)
    late = await visit(world, 240, "浙A00001")
    told = await world.outbox()
    await say(world, {"type": "right_granted", "stay_id": str(late), "right_id": "ten-yuan"})
    news = (await world.outbox())[len(told) :]
    assert [(each["stay_id"], each["revision"]) for each in news] == [(str(late), 2)]
    assert news[0]["fee"]["lines"][-1]["code"] == "right:ten-yuan"


async def test_the_same_again_changes_nothing_and_other_words_are_refused(world: World) -> None:
    await mall(world)
    stay_id = await visit(world, 240)
    stamp = {"type": "right_granted", "stay_id": str(stay_id), "right_id": "half"}
    fact_id = new_id()
    assert (await say(world, stamp, fact_id)).status_code == 201
    told = await world.outbox()
    again = await say(world, stamp, fact_id)
    assert again.status_code == 200
    assert await world.outbox() == told
    other = await say(world, stamp | {"right_id": "ten-yuan"}, fact_id)
    assert other.status_code == 409
    listed = await world.as_admin("GET", f"/v1/lots/west-lake/fee-facts?stay_id={stay_id}")
    assert [each["right_id"] for each in listed.json()] == ["half"]


async def test_one_id_is_one_fact_though_two_plates_claim_it_at_once(world: World) -> None:
    await mall(world)
    stamp = {"type": "right_granted", "right_id": "ten-yuan"}
    fact_id, two = new_id(), (PLATE, "京C99999")
    replies = await asyncio.gather(
        *(say(world, stamp | {"plate": plate}, fact_id) for plate in two)
    )
    assert sorted(reply.status_code for reply in replies) == [201, 409]
    assert await world.pool.fetchval("select count(*) from parking.fee_fact") == 1


async def test_a_revoked_right_is_charged_after_all(world: World) -> None:
    await mall(world)
    grant_id = new_id()
    granted = {"type": "right_granted", "plate": "浙a·8b762", "right_id": "half"}
    assert (await say(world, granted, grant_id)).json()["plate"] == PLATE
    await visit(world, 240)
    (stay,) = await stays_of(world)
    assert stay["fee_minor"] == 1000
    since = world.clock.now - timedelta(days=1)
    revoked = {"type": "right_revoked", "grant_id": str(grant_id), "revoked_from": since}
    assert (await say(world, revoked)).status_code == 201
    (stay,) = await stays_of(world)
    assert (stay["fee_minor"], stay["revision"]) == (2000, 2)


async def test_who_paid_before_leaving_has_the_grace_to_get_out(world: World) -> None:
    await mall(world)
    for minutes, due in ((9, 0), (30, 200)):
        entry = world.entered(PLATE)
        await world.post(entry)
        world.clock.move(minutes=119)
        paid = {
            "type": "paid_before_leaving",
            "stay_id": entry["event_id"],
            "paid_at": world.clock.now,
            "amount_minor": 1000,
        }
        assert (await say(world, paid)).status_code == 201
        world.clock.move(minutes=minutes)
        shown = (await world.post(world.exited(PLATE))).json()["display"]
        assert shown["fee_minor"] == due, minutes
        world.clock.move(days=3)


async def test_uses_are_counted_over_stays_in_their_order(world: World) -> None:
    await mall(world)
    granted = {
        "type": "right_granted",
        "plate": PLATE,
        "right_id": "half",
        "uses_max": 1,
        "valid_from": NOW - timedelta(days=1),
    }
    assert (await say(world, granted)).status_code == 201
    await visit(world, 240)
    world.clock.move(days=3)
    await visit(world, 240)
    assert [stay["fee_minor"] for stay in await stays_of(world)] == [1000, 2000]
    # A stay before both is told of only now: it has the use, and the next one pays in full.
    early = NOW - timedelta(hours=8)
    await world.post(
        [
            world.entered(PLATE, occurred_at=early),
            world.exited(PLATE, occurred_at=early + timedelta(hours=5)),
        ]
    )
    fees = {stay["entered_at"]: stay["fee_minor"] for stay in await stays_of(world)}
    assert [fees[entered_at] for entered_at in sorted(fees)] == [1200, 2000, 2000]


async def test_facts_in_any_order_end_in_the_same_money(world: World) -> None:
    await mall(world, reentry_minutes=30)
    ends = []
    for number, order in enumerate(permutations(range(4))):
        plate = f"浙B{number:05d}"
        entry, back = world.entered(plate), NOW + timedelta(hours=4, minutes=20)
        events = [
            entry,
            world.exited(plate, occurred_at=NOW + timedelta(hours=4)),
            world.entered(plate, occurred_at=back),
            world.exited(plate, occurred_at=back + timedelta(hours=2)),
        ]
        stamp = {"type": "right_granted", "plate": plate, "right_id": "ten-yuan"}
        world.clock.now = NOW + timedelta(hours=8)
        for place in order:
            await world.post(events[place])
            if place == 2:
                await say(world, stamp)
        ends.append(
            [
                stay["fee_minor"]
                for stay in sorted(await stays_of(world), key=lambda each: each["entered_at"])
                if stay["plate"] == plate
            ]
        )
        world.clock.now = NOW
    assert len(ends[0]) == 2
    assert all(end == ends[0] for end in ends)


async def test_what_can_never_count_is_refused(world: World) -> None:
    await mall(world)
    plate = {"plate": PLATE}
    for body, status, word in (
        ({"type": "right_granted", "right_id": "gold"} | plate, 422, "two-hours"),
        ({"type": "vehicle_stated", "vehicle": "large"} | plate, 422, "large"),
        ({"type": "right_granted", "right_id": "half"}, 422, "one of the two"),
        ({"type": "right_granted", "right_id": "half", "uses_max": 3} | plate, 422, "valid_from"),
        (
            {"type": "right_granted", "right_id": "half", "valid_from": "0001-01-01T00:00:00+08:00"}
            | plate,
            422,
            "years",
        ),
        ({"type": "right_granted", "right_id": "half", "stay_id": str(new_id())}, 404, "no stay"),
        ({"type": "right_revoked", "grant_id": str(new_id()), "revoked_from": NOW}, 404, "grant"),
    ):
        reply = await say(world, body)
        assert reply.status_code == status, reply.text
        assert word in reply.text, reply.text
    await world.put_lot("west-lake", tariff_id="plain")
    entry = world.entered(PLATE)
    await world.post(entry)
    paid = {"type": "paid_before_leaving", "stay_id": entry["event_id"], "paid_at": NOW}
    refused = await say(world, paid | {"amount_minor": 100})
    assert refused.status_code == 422
    assert "grace_after_paying_minutes" in refused.text


async def test_the_gate_shows_what_leaving_costs_and_when_that_changes(world: World) -> None:
    entry = world.entered(PLATE)
    shown = (await world.post(entry)).json()["display"]["price"]
    assert (shown["fee_minor"], shown["then_minor"]) == (0, 500)
    assert shown["steps_at"] == (NOW + timedelta(minutes=16)).isoformat().replace("+00:00", "Z")
    assert [notice["code"] for notice in shown["notices"]] == ["no_cap"]
    assert "不设最高收费" in shown["notices"][0]["text_zh"]
    world.clock.move(minutes=70)
    stay = (await world.as_admin("GET", f"/v1/stays/{entry['event_id']}")).json()
    assert (stay["price"]["fee_minor"], stay["price"]["then_minor"]) == (1000, 1500)
    left = await world.post(world.exited(PLATE))
    assert left.json()["display"]["price"] is None
    stay = (await world.as_admin("GET", f"/v1/stays/{entry['event_id']}")).json()
    assert stay["price"] is None


async def test_the_price_shown_counts_rights_and_what_was_paid(world: World) -> None:
    await mall(world)
    grant = {"type": "right_granted", "plate": PLATE, "right_id": "half"}
    assert (await say(world, grant)).status_code == 201
    entry = world.entered(PLATE)
    shown = (await world.post(entry)).json()["display"]["price"]
    assert (shown["fee_minor"], shown["then_minor"]) == (0, 100)
    world.clock.move(minutes=110)
    paid = {"type": "paid_before_leaving", "stay_id": entry["event_id"], "amount_minor": 500}
    assert (await say(world, paid | {"paid_at": world.clock.now})).status_code == 201
    price = (await world.as_admin("GET", f"/v1/stays/{entry['event_id']}")).json()["price"]
    assert price["fee_minor"] == 0
    assert price["then_minor"] == 100
    quoted = await world.as_admin("POST", "/v1/quotes", {"stay_id": entry["event_id"]})
    assert quoted.json()["total"]["amount_minor"] == 0
    asked = {
        "tariff_id": "mall",
        "entered_at": NOW,
        "left_at": NOW + timedelta(hours=4),
        "rights": ["half"],
    }
    quoted = await world.as_admin("POST", "/v1/quotes", asked)
    assert quoted.json()["total"]["amount_minor"] == 1000


async def test_what_was_said_is_never_edited(world: World) -> None:
    await mall(world)
    grant = {"type": "right_granted", "plate": PLATE, "right_id": "half"}
    assert (await say(world, grant)).status_code == 201
    for sql in (
        "update parking.fee_fact set plate = '浙A00001'",
        "delete from parking.fee_fact",
        "truncate parking.fee_fact",
    ):
        with pytest.raises(asyncpg.RestrictViolationError):
            await world.pool.execute(sql)


async def test_a_right_of_another_operators_lot_is_not_theirs_to_grant(world: World) -> None:
    await mall(world)
    await world.put("/v1/operators/other", {"name_zh": "他", "name_en": "Other"})
    made = await world.as_admin("POST", "/v1/operators/other/keys")
    reply = await world.client.put(
        f"/v1/lots/west-lake/fee-facts/{new_id()}",
        json={"type": "right_granted", "plate": PLATE, "right_id": "half"},
        headers={"Authorization": f"Bearer {made.json()['key']}"},
    )
    assert reply.status_code == 403
    listed = await world.client.get(
        "/v1/lots/west-lake/fee-facts", headers={"Authorization": f"Bearer {world.device_key}"}
    )
    assert listed.status_code == 403


async def test_what_is_said_follows_a_stay_to_its_right_plate(world: World) -> None:
    await mall(world)
    entry = world.entered("浙A8B76Z")
    await world.post(entry)
    stamp = {"type": "right_granted", "stay_id": str(entry["event_id"]), "right_id": "half"}
    assert (await say(world, stamp)).status_code == 201
    world.clock.move(minutes=1)
    await world.post(world.corrected(entry, PLATE))
    world.clock.move(hours=4)
    shown = (await world.post(world.exited(PLATE))).json()["display"]
    assert shown["fee_minor"] == 1100
