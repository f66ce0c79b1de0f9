"""One car in and out, through the API and PostgreSQL, and everything that may go otherwise."""

import pytest

from parking.core.plate import Plate
from parking.core.standing import Standing
from tests.integration.parking.world import World

pytestmark = pytest.mark.anyio


@pytest.mark.both_postgres
async def test_a_stay_opens_closes_and_is_told_to_billing(world: World) -> None:
    world.standings.known[Plate("浙A8B762")] = Standing(bound=True, arrears_minor=300)
    entry = await world.post(world.entered("浙A·8B762"))
    assert entry.status_code == 201
    assert entry.json()["display"]["state"] == "open"
    world.clock.move(minutes=61)
    reply = await world.post(world.exited("浙A8B762"))
    assert reply.status_code == 201, reply.text
    display = reply.json()["display"]
    assert (display["state"], display["fee_minor"], display["currency"]) == ("closed", 1000, "CNY")
    assert (display["bound"], display["arrears_minor"]) == (True, 300)
    (told,) = await world.outbox()
    assert told["type"] == "stay_priced"
    assert told["stay_id"] == display["stay_id"]
    assert told["business_date"] == "2026-11-20"
    assert told["fee"]["total"]["amount_minor"] == 1000
    assert told["revision"] == 1


async def test_a_repeated_event_is_a_duplicate_and_other_content_a_conflict(world: World) -> None:
    event = world.entered("浙A8B762")
    assert (await world.post(event)).status_code == 201
    again = await world.post(event)
    assert (again.status_code, again.json()["status"]) == (200, "duplicate")
    other = event | {"read": event["read"] | {"plate": "浙A8B763"}}
    conflict = await world.post(other)
    assert conflict.status_code == 409
    assert conflict.json()["type"] == "urn:leave-first:problem:conflicting-event"
    batch = (await world.post([event, other, world.entered("京A00001")])).json()["results"]
    assert [each["status"] for each in batch] == ["duplicate", "conflict", "accepted"]


async def test_a_correction_moves_a_stay_to_the_right_plate(world: World) -> None:
    entry = world.entered("浙A8B762")
    await world.post(entry)
    world.clock.move(hours=1)
    await world.post(world.exited("浙A88888"))
    await world.post(world.corrected(entry, "浙A88888"))
    (stay,) = await world.stays()
    assert (stay["plate"], stay["state"], stay["fee_minor"]) == ("浙A88888", "closed", 500)
    assert list((await world.owed()).values()) == [500]


async def test_a_correction_may_come_before_the_event_it_corrects(world: World) -> None:
    entry = world.entered("浙A8B762")
    await world.post(world.corrected(entry, "浙A88888"))
    await world.post(entry)
    (stay,) = await world.stays()
    assert (stay["plate"], stay["state"]) == ("浙A88888", "open")


async def test_a_gate_gives_a_plate_in_the_same_request_to_what_it_saw_without_one(
    world: World,
) -> None:
    entry = world.entered(None)
    batch = [entry, world.corrected(entry, "浙A88888", reason="second thought")]
    for status in ("accepted", "duplicate"):
        results = (await world.post(batch)).json()["results"]
        assert [each["status"] for each in results] == [status, status]
    (stay,) = await world.stays()
    assert (stay["plate"], stay["state"]) == ("浙A88888", "open")


async def test_a_withdrawn_exit_takes_the_fee_back(world: World) -> None:
    await world.post(world.entered("浙A8B762"))
    world.clock.move(hours=2)
    exit_ = world.exited("浙A8B762")
    await world.post(exit_)
    assert sum((await world.owed()).values()) == 1000
    await world.post(world.withdrawn(exit_))
    assert await world.owed() == {}
    (stay,) = await world.stays()
    assert stay["state"] == "open"
    told = (await world.outbox())[-1]
    assert (told["revision"], told["dissolved"]) == (2, True)


async def test_a_late_event_changes_the_stay_and_the_fee(world: World) -> None:
    early = world.entered("浙A8B762")
    world.clock.move(hours=3)
    await world.post(world.exited("浙A8B762"))
    (stay,) = await world.stays()
    assert stay["state"] == "missed_entry"
    await world.post(early)
    stays = await world.stays()
    assert [each["state"] for each in stays] == ["closed"]
    assert sum((await world.owed()).values()) == 1500
    pending = await world.as_admin("GET", "/v1/reviews?state=pending")
    assert pending.json() == []


async def test_billing_that_does_not_answer_costs_a_display_line_only(world: World) -> None:
    world.standings.error = RuntimeError("billing is away")
    reply = await world.post(world.entered("浙A8B762"))
    assert reply.status_code == 201
    assert reply.json()["display"]["bound"] is None


async def test_an_unreadable_plate_is_for_a_person(world: World) -> None:
    reply = await world.post(world.exited("_无_"))
    assert (reply.status_code, reply.json()["display"]) == (201, None)
    (review,) = (await world.as_admin("GET", "/v1/reviews?state=pending")).json()
    assert review["kind"] == "no_plate"
    decided = await world.as_admin(
        "POST", f"/v1/reviews/{review['review_id']}/decision", {"decision": "reject"}
    )
    assert decided.json()["state"] == "rejected"


async def test_an_overdue_stay_becomes_a_missed_exit(world: World) -> None:
    await world.post(world.entered("浙A8B762"))
    assert await world.services.overstays.sweep_overstays(world.clock.now) == 0
    world.clock.move(days=15)
    assert await world.services.overstays.sweep_overstays(world.clock.now) == 1
    (stay,) = await world.stays()
    assert stay["state"] == "missed_exit"
    assert await world.outbox() == []
