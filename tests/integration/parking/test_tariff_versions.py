"""Versions of a tariff through the API: mistakes with their paths, days that follow each other."""

from copy import deepcopy
from typing import Any

import pytest

from tests.integration.parking.world import TARIFF, World

pytestmark = pytest.mark.anyio


def version(number: int, **changes: Any) -> dict[str, Any]:
    return deepcopy(TARIFF) | {"tariff_id": "lake", "version": number} | changes


async def publish(world: World, number: int, **changes: Any) -> Any:
    body = {"tariff": version(number, **changes)}
    return await world.as_admin("PUT", f"/v1/tariffs/lake/versions/{number}", body)


async def test_a_check_names_every_path_and_mend(world: World) -> None:
    document = version(1)
    document["windows"][0]["rate"]["roundng"] = "up"
    document["windows"][0]["until"] = "22:00"
    document["zone"] = "Asia/Hangzhou"
    reply = await world.as_admin("POST", "/v1/tariff-checks", document)
    told = {each["path"]: each["reason"] for each in reply.json()["mistakes"]}
    assert "did you mean rounding?" in told["windows[0].rate.roundng"]
    assert "22:00 to 24:00 is in no window" in told["windows"]
    assert "Asia/Shanghai" in told["zone"]
    good = await world.as_admin("POST", "/v1/tariff-checks", version(1))
    assert good.json() == {"mistakes": []}


async def test_versions_follow_each_other_by_day(world: World) -> None:
    first = await publish(world, 1, effective_from="2026-01-01", effective_to="2027-06-30")
    assert first.status_code == 201, first.text
    for day, word in (("2027-06-30", "end that one on"), ("2027-08-01", "no version holds")):
        refused = await publish(world, 2, effective_from=day)
        assert refused.status_code == 422
        assert word in refused.json()["detail"]
    other = await publish(world, 2, effective_from="2027-07-01", currency="USD")
    assert "a new currency is a new tariff" in other.json()["detail"]
    undated = await publish(world, 2)
    assert (undated.status_code, "effective_from" in undated.text) == (409, True)
    assert (await publish(world, 2, effective_from="2027-07-01")).status_code == 201


async def test_a_stay_is_split_at_the_change_where_the_tariff_says_so(world: World) -> None:
    assert (await publish(world, 1, effective_from="2026-01-01", on_change="split")).is_success
    dearer = [{"price_minor": 700, "unit_minutes": 60}]
    windows = deepcopy(TARIFF["windows"])
    windows[0]["rate"]["steps"] = dearer  # type: ignore[index]
    assert (await publish(world, 2, effective_from="2026-11-21", windows=windows)).is_success
    await world.put_lot("west-lake", tariff_id="lake")
    world.clock.move(hours=10)  # 22:00 in Hangzhou
    entry = world.entered("浙A8B762")
    await world.post(entry)
    world.clock.move(hours=4)
    shown = (await world.post(world.exited("浙A8B762"))).json()["display"]
    assert shown["fee_minor"] == 2 * 500 + 2 * 700
    stay = (await world.as_admin("GET", f"/v1/stays/{entry['event_id']}")).json()
    codes = [line["code"] for line in stay["fee"]["lines"]]
    assert codes == ["rate", "tariff_changed", "rate"]
    assert stay["fee"]["tariff_version"] == 1
