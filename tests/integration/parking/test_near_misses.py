"""An exit that almost names an open stay: shown, held, confirmed, or taken back."""

from datetime import timedelta
from typing import Any

import pytest

from tests.integration.parking.world import World

pytestmark = pytest.mark.anyio

MISREAD, TRUE = "浙A8B762", "浙ABB762"


async def _in_and_out(world: World) -> tuple[dict[str, Any], dict[str, Any]]:
    entry = world.entered(MISREAD)
    await world.post(entry)
    world.clock.move(minutes=90)
    exit_ = world.exited(TRUE)
    reply = await world.post(exit_)
    return entry, reply.json()


async def _pending(world: World) -> list[dict[str, Any]]:
    return list((await world.as_admin("GET", "/v1/reviews?state=pending")).json())


async def _decide(world: World, review: dict[str, Any], decision: str) -> int:
    path = f"/v1/reviews/{review['review_id']}/decision"
    return (await world.as_admin("POST", path, {"decision": decision})).status_code


async def test_the_gate_shows_a_tentative_fee_and_nothing_is_charged(world: World) -> None:
    entry, answer = await _in_and_out(world)
    display = answer["display"]
    assert display["stay_id"] == str(entry["event_id"])
    assert (display["tentative"], display["state"], display["fee_minor"]) == (True, "closed", 1000)
    assert await world.outbox() == []
    (review,) = await _pending(world)
    assert (review["kind"], review["entry_event_id"]) == ("near_miss", str(entry["event_id"]))
    shown = (await world.as_admin("GET", f"/v1/stays/{display['stay_id']}")).json()
    assert (shown["tentative"], shown["state"]) == (True, "open")


async def test_the_hold_passing_confirms_it(world: World) -> None:
    entry, _ = await _in_and_out(world)
    assert await world.services.near_misses.confirm_near_misses(world.clock.now) == 0
    world.clock.move(hours=24)
    assert await world.services.near_misses.confirm_near_misses(world.clock.now) == 1
    (stay,) = await world.stays()
    assert (stay["plate"], stay["state"], stay["fee_minor"]) == (TRUE, "closed", 1000)
    assert stay["stay_id"] == entry["event_id"]
    (told,) = await world.outbox()
    assert told["plate"] == TRUE
    assert told["chargeable_from"] == world.clock.now.isoformat().replace("+00:00", "Z")
    assert await _pending(world) == []
    assert await world.services.near_misses.confirm_near_misses(world.clock.now) == 0


async def test_an_operator_may_confirm_it_before(world: World) -> None:
    await _in_and_out(world)
    (review,) = await _pending(world)
    assert await _decide(world, review, "confirm") == 200
    assert list((await world.owed()).values()) == [1000]
    assert await _decide(world, review, "reject") == 409


async def test_a_no_leaves_the_car_inside_and_the_exit_for_a_person(world: World) -> None:
    await _in_and_out(world)
    (review,) = await _pending(world)
    assert await _decide(world, review, "reject") == 200
    states = sorted(stay["state"] for stay in await world.stays())
    assert states == ["missed_entry", "open"]
    (left,) = await _pending(world)
    assert left["kind"] == "missed_entry"
    world.clock.move(hours=48)
    await world.services.near_misses.confirm_near_misses(world.clock.now)
    assert await world.outbox() == []
    assert await _decide(world, left, "reject") == 200
    assert [stay["state"] for stay in await world.stays()] == ["open"]


async def test_the_true_exit_settles_it_and_leaves_the_other_to_a_person(world: World) -> None:
    await _in_and_out(world)
    world.clock.move(minutes=5)
    await world.post(world.exited(MISREAD))
    (left,) = await _pending(world)
    assert (left["kind"], left["plate"]) == ("missed_entry", TRUE)
    world.clock.move(hours=47)
    assert await world.services.near_misses.confirm_near_misses(world.clock.now) == 0
    assert list((await world.owed()).values()) == [1000]


async def test_two_candidates_are_no_near_miss(world: World) -> None:
    await world.post([world.entered("浙A8B762"), world.entered("浙ABB76Z")])
    world.clock.move(hours=1)
    reply = await world.post(world.exited(TRUE))
    assert reply.json()["display"]["tentative"] is False
    (review,) = await _pending(world)
    assert review["kind"] == "missed_entry"


async def test_a_second_candidate_before_the_hold_is_over_makes_it_a_guess(world: World) -> None:
    late = world.entered("浙ABB76Z")
    await _in_and_out(world)
    await world.post(late)
    world.clock.move(hours=25)
    await world.services.near_misses.confirm_near_misses(world.clock.now)
    assert await world.outbox() == []
    (review,) = await _pending(world)
    assert review["kind"] == "missed_entry"


async def test_the_order_of_arrival_does_not_hide_a_near_miss(world: World) -> None:
    entry = world.entered(MISREAD)
    world.clock.move(minutes=90)
    await world.post(world.exited(TRUE))
    await world.post(entry)
    assert [review["kind"] for review in await _pending(world)] == ["missed_entry"]
    assert await world.services.near_misses.confirm_near_misses(world.clock.now) == 1
    assert [review["kind"] for review in await _pending(world)] == ["near_miss"]
    world.clock.move(hours=25)
    await world.services.near_misses.confirm_near_misses(world.clock.now)
    assert list((await world.owed()).values()) == [1000]


async def test_one_entry_is_claimed_by_one_exit(world: World) -> None:
    await world.post(world.entered(MISREAD))
    world.clock.move(hours=1)
    reply = await world.post([world.exited(TRUE), world.exited("浙A3B762")])
    shown = [each["display"]["tentative"] for each in reply.json()["results"]]
    assert shown.count(True) <= 1
    kinds = sorted(review["kind"] for review in await _pending(world))
    assert kinds in (["missed_entry", "near_miss"], ["missed_entry", "missed_entry"])


async def test_only_the_lots_operator_may_decide(world: World) -> None:
    await _in_and_out(world)
    (review,) = await _pending(world)
    await world.put("/v1/operators/other", {"name_zh": "别", "name_en": "Other"})
    key = (await world.as_admin("POST", "/v1/operators/other/keys")).json()["key"]
    reply = await world.client.post(
        f"/v1/reviews/{review['review_id']}/decision",
        json={"decision": "confirm"},
        headers={"Authorization": f"Bearer {key}"},
    )
    assert reply.status_code == 403


async def test_a_clear_winner_is_matched_although_another_might_be_meant(world: World) -> None:
    await world.post([world.entered(MISREAD), world.entered("浙ABBZ62")])
    world.clock.move(hours=1)
    reply = await world.post(world.exited(TRUE))
    assert reply.json()["display"]["tentative"] is True


async def test_what_the_camera_thought_of_finds_a_stay_that_is_no_lookalike(world: World) -> None:
    entry = world.entered("浙A1C762")
    await world.post(entry)
    world.clock.move(hours=1)
    read = {"plate": TRUE, "colour": "blue", "confidence": 0.6}
    thought = [{"text": "浙A1C762", "confidence": 0.55}, {"text": "?", "confidence": 0.5}]
    reply = await world.post(world.exited(TRUE, read=read | {"candidates": thought}))
    display = reply.json()["display"]
    assert (display["stay_id"], display["tentative"]) == (str(entry["event_id"]), True)


async def test_a_trigger_told_after_the_match_held_opens_no_ghost(world: World) -> None:
    """The gate's second read of the misread entry comes a day late, from a box without network."""
    repeat = world.entered(MISREAD, occurred_at=world.clock.now + timedelta(seconds=20))
    entry, _ = await _in_and_out(world)
    world.clock.move(hours=24)
    assert await world.services.near_misses.confirm_near_misses(world.clock.now) == 1
    owed = await world.owed()
    await world.post(repeat)
    (stay,) = await world.stays()
    assert (stay["stay_id"], stay["plate"]) == (entry["event_id"], TRUE)
    assert await world.owed() == owed
    assert await _pending(world) == []


async def test_an_earlier_trigger_told_after_the_match_held_is_the_same_car(world: World) -> None:
    early = world.entered(MISREAD, occurred_at=world.clock.now - timedelta(seconds=20))
    await _in_and_out(world)
    world.clock.move(hours=24)
    await world.services.near_misses.confirm_near_misses(world.clock.now)
    await world.post(early)
    (stay,) = await world.stays()
    assert (stay["plate"], stay["entered_at"]) == (TRUE, early["occurred_at"])
    assert list((await world.owed()).values()) == [1000]


async def test_an_exit_asked_again_does_not_wait_a_second_hold(world: World) -> None:
    """An earlier trigger moves the entry, the question is asked anew: it is about the same pair."""
    early = world.entered(MISREAD, occurred_at=world.clock.now - timedelta(seconds=20))
    await _in_and_out(world)
    (first,) = await _pending(world)
    world.clock.move(hours=20)
    await world.post(early)
    await world.services.near_misses.confirm_near_misses(world.clock.now)
    (again,) = await _pending(world)
    assert (again["kind"], again["hold_until"]) == ("near_miss", first["hold_until"])
    assert again["entry_event_id"] == str(early["event_id"])
    world.clock.move(hours=4)
    await world.services.near_misses.confirm_near_misses(world.clock.now)
    assert list((await world.owed()).values()) == [1000]
