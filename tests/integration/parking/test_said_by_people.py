"""What people say of vehicles and stays, through the API: sightings, plates, ends, taking back."""

from datetime import timedelta
from typing import Any

import httpx
import pytest

from tests.integration.parking.test_bad_input import problem
from tests.integration.parking.world import World

pytestmark = pytest.mark.anyio

PLATE, OTHER = "浙A8B762", "粤B12345"
WHY = "the guard says so"


async def say(world: World, path: str, **body: Any) -> httpx.Response:
    return await world.as_admin("POST", path, {"reason": WHY} | body)


async def sighting(world: World, seen: str, plate: str = PLATE, **changes: Any) -> httpx.Response:
    body = {
        "event_id": world.event_id(),
        "seen": seen,
        "lane_id": "in" if seen == "entered" else "out",
        "occurred_at": world.clock.now,
        "plate": plate,
    }
    return await say(world, "/v1/lots/west-lake/sightings", **body | changes)


async def inside(world: World, plate: str | None = PLATE, hours: float = 2) -> dict[str, Any]:
    """A car that came in some hours ago."""
    entry = world.entered(plate)
    await world.post(entry)
    world.clock.move(hours=hours)
    return entry


async def shown(world: World, stay_id: object) -> dict[str, Any]:
    return dict((await world.as_admin("GET", f"/v1/stays/{stay_id}")).json())


async def states(world: World) -> list[tuple[str, str]]:
    return sorted((stay["plate"], stay["state"]) for stay in await world.stays())


async def test_a_guards_exit_ends_a_stay_as_a_cameras_does(world: World) -> None:
    entry = await inside(world)
    event_id = world.event_id()
    reply = await sighting(world, "exited", event_id=event_id)
    assert (reply.status_code, reply.json()["status"]) == (201, "accepted")
    assert reply.json()["display"]["fee_minor"] == 1000
    again = await sighting(world, "exited", event_id=event_id)
    assert (again.status_code, again.json()["status"]) == (200, "duplicate")
    other = await sighting(world, "exited", OTHER, event_id=event_id)
    assert problem(other) == (409, "conflicting-event")
    history = (await world.as_admin("GET", f"/v1/stays/{entry['event_id']}/facts")).json()
    _, exit_ = history["facts"]
    assert (exit_["device_id"], exit_["reason"]) == (None, WHY)
    assert exit_["by"].startswith("admin:")


async def test_a_guards_entry_opens_a_stay(world: World) -> None:
    await sighting(world, "entered")
    assert await states(world) == [(PLATE, "open")]


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"lane_id": "out"}, (422, "wrong-direction")),
        ({"lane_id": "side"}, (404, "unknown-lane")),
        ({"plate": "🚗"}, (422, "invalid-plate")),
        ({"plate": "无牌车"}, (422, "plate-missing")),
        ({"occurred_at": "2026-11-20T12:06:00+08:00"}, (422, "event-from-the-future")),
        ({"occurred_at": "2026-10-01T12:00:00+08:00"}, (422, "event-too-old")),
        ({"event_id": "3f2504e0-4f89-41d3-9a0c-0305e82c3301"}, (422, "event-id-not-version7")),
    ],
    ids=str,
)
async def test_a_wrong_sighting_is_refused(
    world: World, change: dict[str, Any], expected: tuple[int, str]
) -> None:
    assert problem(await sighting(world, "entered", **change)) == expected
    assert await world.stays() == []


async def test_a_device_or_a_stranger_says_nothing(world: World) -> None:
    entry = await inside(world)
    headers = {"Authorization": f"Bearer {world.device_key}"}
    await world.put("/v1/operators/other", {"name_zh": "别", "name_en": "Other"})
    key = (await world.as_admin("POST", "/v1/operators/other/keys")).json()["key"]
    for path in (f"/v1/stays/{entry['event_id']}/end", f"/v1/stays/{entry['event_id']}/plate"):
        body = (
            {"how": "gone", "reason": WHY}
            if path.endswith("end")
            else {"plate": OTHER, "reason": WHY}
        )
        for who in (headers, {"Authorization": f"Bearer {key}"}):
            reply = await world.client.post(path, json=body, headers=who)
            assert reply.status_code == 403, reply.text
    assert await states(world) == [(PLATE, "open")]


async def test_a_person_says_when_it_left_and_the_camera_confirms_it_late(world: World) -> None:
    entry = await inside(world)
    left_at = world.clock.now - timedelta(minutes=30)
    path = f"/v1/stays/{entry['event_id']}/end"
    reply = await say(world, path, how="left", left_at=left_at)
    assert reply.status_code == 200, reply.text
    assert (reply.json()["stay"]["state"], reply.json()["facts"][-1]["how"]) == ("closed", "left")
    owed = await world.owed()
    assert list(owed.values()) == [1000]
    await world.post(world.exited(PLATE, occurred_at=left_at + timedelta(minutes=10)))
    assert await states(world) == [(PLATE, "closed")]
    assert await world.owed() == owed
    assert problem(await say(world, path, how="gone")) == (409, "stay-already-ended")


async def test_an_end_that_is_taken_back_is_given_back(world: World) -> None:
    entry = await inside(world)
    path = f"/v1/stays/{entry['event_id']}/end"
    ended = (await say(world, path, how="left", left_at=world.clock.now)).json()
    word = ended["facts"][-1]["event_id"]
    reply = await say(world, f"/v1/lane-events/{word}/withdrawal")
    assert reply.status_code == 200, reply.text
    assert await states(world) == [(PLATE, "open")]
    assert await world.owed() == {}
    (withdrawal,) = [fact["event_id"] for fact in reply.json() if fact["type"] == "event_withdrawn"]
    reply = await say(world, f"/v1/lane-events/{withdrawal}/withdrawal")
    assert problem(reply) == (422, "withdrawal-stands")
    reply = await say(world, f"/v1/lane-events/{world.event_id()}/withdrawal")
    assert problem(reply) == (404, "unknown-fact")


async def test_a_car_that_is_gone_is_charged_nothing_until_it_is_seen(world: World) -> None:
    entry = await inside(world)
    await say(world, f"/v1/stays/{entry['event_id']}/end", how="gone")
    assert await states(world) == [(PLATE, "missed_exit")]
    assert await world.owed() == {}
    await world.post(world.exited(PLATE))
    assert list((await world.owed()).values()) == [1000]


async def test_a_stay_that_never_was_is_taken_back_with_its_late_triggers(world: World) -> None:
    late = world.entered(PLATE, occurred_at=world.clock.now + timedelta(seconds=20))
    entry = await inside(world)
    await world.post(world.exited(PLATE))
    assert list((await world.owed()).values()) == [1000]
    reply = await say(world, f"/v1/stays/{entry['event_id']}/end", how="never_was")
    assert reply.status_code == 200, reply.text
    await world.post(late)
    assert await world.stays() == []
    assert await world.owed() == {}
    reply = await say(world, f"/v1/stays/{entry['event_id']}/end", how="gone")
    assert problem(reply) == (404, "unknown-stay")


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ({"how": "left"}, (422, "left-at-missing")),
        ({"how": "gone", "left_at": "2026-11-20T12:00:00+08:00"}, (422, "left-at-missing")),
        ({"how": "left", "left_at": "2026-11-20T11:00:00+08:00"}, (422, "end-refused")),
        ({"how": "left", "left_at": "2026-11-20T16:00:00+08:00"}, (422, "event-from-the-future")),
    ],
    ids=str,
)
async def test_an_end_that_cannot_be_is_refused(
    world: World, body: dict[str, Any], expected: tuple[int, str]
) -> None:
    entry = await inside(world)
    reply = await say(world, f"/v1/stays/{entry['event_id']}/end", **body)
    assert problem(reply) == expected
    assert await states(world) == [(PLATE, "open")]


async def test_an_end_that_the_next_entry_belies_is_refused(world: World) -> None:
    entry = await inside(world)
    await world.post(world.entered(PLATE))
    world.clock.move(hours=1)
    path = f"/v1/stays/{entry['event_id']}/end"
    reply = await say(world, path, how="left", left_at=world.clock.now)
    assert problem(reply) == (422, "end-refused")
    before = world.clock.now - timedelta(minutes=90)
    assert (await say(world, path, how="left", left_at=before)).status_code == 200
    assert await states(world) == [(PLATE, "closed"), (PLATE, "open")]


async def test_a_corrected_stay_is_charged_to_the_other_plate(world: World) -> None:
    """As an operator says it, and as a granted appeal does: the charge moves, whole."""
    entry = await inside(world)
    await world.post(world.exited(PLATE))
    reply = await say(world, f"/v1/stays/{entry['event_id']}/plate", plate=OTHER)
    assert reply.json()["stay"]["plate"] == OTHER
    assert list((await world.owed()).values()) == [1000]
    assert (await world.outbox())[-1]["plate"] == OTHER
    world.clock.move(seconds=1)
    await world.services.amendments.correct_plate(
        stay_id=reply.json()["stay"]["stay_id"], plate="京A00001", by="appeal:17", reason="granted"
    )
    assert (await world.outbox())[-1]["plate"] == "京A00001"
    assert {fact["by"].partition(":")[0] for fact in await _facts(world, entry)} >= {"appeal"}


async def _facts(world: World, entry: dict[str, Any]) -> list[dict[str, Any]]:
    reply = await world.as_admin("GET", f"/v1/stays/{entry['event_id']}/facts")
    return [fact for fact in reply.json()["facts"] if fact["type"] == "plate_corrected"]


async def test_a_car_that_is_back_soon_is_linked_and_one_that_passed_is_flagged(
    world: World,
) -> None:
    first = await inside(world, hours=1)
    await world.post(world.exited(PLATE))
    world.clock.move(minutes=10)
    second = await inside(world, hours=0.02)
    await world.post(world.exited(PLATE))
    stays = {stay["stay_id"]: stay for stay in await world.stays()}
    assert stays[second["event_id"]]["reentry_of"] == first["event_id"]
    assert stays[second["event_id"]]["drive_through"]
    assert not stays[first["event_id"]]["drive_through"]
    view = await shown(world, second["event_id"])
    assert (view["reentry_of"], view["drive_through"]) == (str(first["event_id"]), True)


async def test_what_is_ambiguous_comes_to_a_person_with_all_that_there_is(world: World) -> None:
    near, far = world.entered("浙A88762"), world.entered("浙A8B76Z")
    await world.post([near, far, world.entered(OTHER)])
    world.clock.move(hours=2)
    thought = [{"text": "浙A8B16Z", "confidence": 0.2}]
    read = {"plate": PLATE, "colour": "blue", "confidence": 0.7, "candidates": thought}
    exit_ = world.exited(PLATE, read=read)
    await world.post(exit_)
    (review,) = (await world.as_admin("GET", "/v1/reviews?state=pending")).json()
    path = f"/v1/reviews/{review['review_id']}"
    details = (await world.as_admin("GET", path)).json()
    (event,) = details["events"]
    assert (event["event_id"], event["candidates"]) == (str(exit_["event_id"]), thought)
    scores = {stay["plate"]: stay["score"] for stay in details["stays"]}
    assert scores == {"浙A88762": 0.9, "浙A8B76Z": 0.9}
    assert {stay["lasted_seconds"] for stay in details["stays"]} == {7200}

    answer = f"{path}/decision"
    assert problem(await decide(world, answer, decision="match")) == (422, "incomplete-match")
    nowhere = await decide(world, answer, decision="match", stay_id=world.event_id())
    assert problem(nowhere) == (409, "match-refused")
    reply = await decide(world, answer, decision="match", stay_id=far["event_id"])
    assert (reply.status_code, reply.json()["state"]) == (200, "confirmed")
    wanted = [(OTHER, "open"), ("浙A88762", "open"), (PLATE, "closed")]
    assert await states(world) == sorted(wanted)
    assert list((await world.owed()).values()) == [1000]
    assert problem(await decide(world, answer, decision="confirm")) == (409, "review-decided")


async def decide(world: World, path: str, **body: Any) -> httpx.Response:
    return await world.as_admin("POST", path, body)


async def test_an_exit_without_an_entry_may_be_given_the_plate_that_it_had(world: World) -> None:
    entry = await inside(world, OTHER)
    await world.post(world.exited(PLATE))
    (review,) = (await world.as_admin("GET", "/v1/reviews?state=pending")).json()
    path = f"/v1/reviews/{review['review_id']}/decision"
    reply = await decide(world, path, decision="match", plate=OTHER, reason="seen on the picture")
    assert reply.status_code == 200, reply.text
    assert await states(world) == [(OTHER, "closed")]
    assert (await shown(world, entry["event_id"]))["fee"]["total"]["amount_minor"] == 1000


async def test_a_lots_rules_that_make_no_sense_name_their_mend(world: World) -> None:
    body: dict[str, Any] = {
        "operator_id": "city",
        "name_zh": "场",
        "name_en": "Lot",
        "zone": "Asia/Shanghai",
    }
    body |= {"spaces": 9, "tariff_id": "plain", "rules": {"reentry_minutes": 5000}}
    reply = await world.as_admin("PUT", "/v1/lots/west-lake", body)
    assert problem(reply) == (422, "stay-rules")
    assert "must be from 0 to 1439: a car that comes daily" in reply.json()["detail"]


async def test_an_exit_beyond_all_tolerance_is_parked_for_review(world: World) -> None:
    """Before its entry by more than clocks drift, or after the maximum stay: a person is asked."""
    await world.put_lot("west-lake", rules={"maximum_stay_hours": 1})
    early = world.exited(PLATE)
    world.clock.move(seconds=61)
    await world.post([early, world.entered(PLATE)])
    world.clock.move(hours=2)
    await world.post(world.exited(PLATE))
    assert [state for _, state in await states(world)] == [
        "missed_entry",
        "missed_entry",
        "missed_exit",
    ]
    reviews = (await world.as_admin("GET", "/v1/reviews?state=pending")).json()
    assert [review["kind"] for review in reviews] == ["missed_entry", "missed_entry"]
    for query, found in (("lot_id=west-lake", 2), ("lot_id=wulin", 0), ("kind=no_plate", 0)):
        reply = await world.as_admin("GET", f"/v1/reviews?{query}")
        assert len(reply.json()) == found
    assert await world.owed() == {}
