"""A vehicle without a plate: a ticket at the entry, matched and paid later."""

from typing import Any

import httpx
import pytest

from tests.integration.parking.test_bad_input import problem
from tests.integration.parking.world import World

pytestmark = pytest.mark.anyio

PLATE = "浙A8B762"


async def as_device(world: World, path: str, **body: Any) -> httpx.Response:
    headers = {"Authorization": f"Bearer {world.device_key}"}
    return await world.client.post(path, json={k: str(v) for k, v in body.items()}, headers=headers)


async def issued(world: World) -> tuple[dict[str, Any], str]:
    """An entry that nobody could read, two hours ago, and its ticket."""
    entry = world.entered(None)
    await world.post(entry)
    reply = await as_device(world, "/v1/tickets", entry_event_id=entry["event_id"])
    assert reply.status_code == 201, reply.text
    world.clock.move(hours=2)
    return entry, str(reply.json()["ticket"])


async def show(world: World, ticket: str) -> dict[str, Any]:
    return dict((await world.client.get(f"/v1/tickets/{ticket}")).json())


async def test_a_ticket_is_a_stay_that_its_bearer_may_see(world: World) -> None:
    entry, ticket = await issued(world)
    shown = await show(world, ticket.lower())
    assert (shown["stay_id"], shown["state"], shown["plate"]) == (
        str(entry["event_id"]),
        "open",
        None,
    )
    assert shown["fee"]["total"]["amount_minor"] == 1000
    again = await as_device(world, "/v1/tickets", entry_event_id=entry["event_id"])
    assert again.json()["ticket"] == ticket
    assert (await world.as_admin("GET", "/v1/reviews?state=pending")).json() == []
    assert len(await world.stays()) == 1


async def test_scanned_at_an_exit_that_read_nothing_it_is_closed_and_charged(world: World) -> None:
    entry, ticket = await issued(world)
    exit_ = world.exited(None)
    await world.post(exit_)
    (review,) = (await world.as_admin("GET", "/v1/reviews?state=pending")).json()
    details = (await world.as_admin("GET", f"/v1/reviews/{review['review_id']}")).json()
    assert [stay["plate"] for stay in details["stays"]] == [ticket]
    path = f"/v1/tickets/{ticket}/match"
    reply = await as_device(world, path, exit_event_id=exit_["event_id"])
    assert (reply.json()["state"], reply.json()["stay_id"]) == ("closed", str(entry["event_id"]))
    assert await world.owed() == {str(entry["event_id"]): 1000}
    assert (await world.as_admin("GET", "/v1/reviews?state=pending")).json() == []
    world.clock.move(seconds=1)
    await world.services.amendments.correct_plate(
        stay_id=reply.json()["stay_id"], plate=PLATE, by="operator:city", reason="on the picture"
    )
    (stay,) = await world.stays()
    assert (stay["plate"], stay["state"]) == (PLATE, "closed")
    assert (await show(world, ticket))["plate"] == PLATE


async def test_an_exit_that_read_the_plate_gives_it_to_the_ticket(world: World) -> None:
    entry, ticket = await issued(world)
    exit_ = world.exited(PLATE)
    await world.post(exit_)
    reply = await as_device(world, f"/v1/tickets/{ticket}/match", exit_event_id=exit_["event_id"])
    assert (reply.json()["plate"], reply.json()["state"]) == (PLATE, "closed")
    assert await world.owed() == {str(entry["event_id"]): 1000}


async def test_matched_before_it_leaves_the_stay_is_the_plates(world: World) -> None:
    entry, ticket = await issued(world)
    reply = await as_device(world, f"/v1/tickets/{ticket}/match", plate=PLATE)
    assert (reply.json()["plate"], reply.json()["state"]) == (PLATE, "open")
    await world.post(world.exited(PLATE))
    assert await world.owed() == {str(entry["event_id"]): 1000}


async def test_a_review_matches_an_unread_exit_with_a_ticket(world: World) -> None:
    entry, ticket = await issued(world)
    await world.post(world.exited(None))
    (review,) = (await world.as_admin("GET", "/v1/reviews?state=pending")).json()
    body = {"decision": "match", "stay_id": entry["event_id"]}
    path = f"/v1/reviews/{review['review_id']}/decision"
    assert (await world.as_admin("POST", path, body)).status_code == 200
    assert (await show(world, ticket))["state"] == "closed"


async def test_tickets_that_cannot_be(world: World) -> None:
    entry, ticket = await issued(world)
    read, exit_, elsewhere = world.entered(PLATE), world.exited(None), world.entered(None)
    await world.post([read, exit_])
    await world.post(elsewhere | {"lot_id": "wulin"}, key=world.other_lot_key)
    for event, expected in (
        (read, (409, "no-ticket-needed")),
        (exit_, (409, "no-ticket-needed")),
        (elsewhere, (404, "unknown-lane-event")),
    ):
        reply = await as_device(world, "/v1/tickets", entry_event_id=event["event_id"])
        assert problem(reply) == expected
    path = f"/v1/tickets/{ticket}/match"
    reply = await as_device(world, path, exit_event_id=entry["event_id"])
    assert problem(reply) == (422, "no-exit")
    assert (await as_device(world, path)).status_code in {400, 422}
    for wrong in (PLATE, "票000000000000000", "x" * 60):
        assert problem(await world.client.get(f"/v1/tickets/{wrong}")) == (404, "unknown-ticket")


async def test_a_ticket_taken_back_stands_for_nothing(world: World) -> None:
    entry, ticket = await issued(world)
    await world.post(world.withdrawn(entry))
    shown = await show(world, ticket)
    assert (shown["stay_id"], shown["fee"]) == (None, None)
    assert await world.stays() == []
