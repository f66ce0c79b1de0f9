"""A driver says which of two stays was their car, and only of their own plates."""

from dataclasses import dataclass

import httpx
import pytest

from billing.services import bind
from billing.services.sign_in import send_code, sign_in_with_code
from parking.core.plate import Plate
from parking.db.pool import open_pool
from parking.services.clock import system_clock
from portal.audit import audit_database
from portal.demo.city import LONGXIANG
from tests.integration.billing.world import Phones
from tests.portal.conftest import City, settings_for
from tests.portal.test_pages import bill, watch

pytestmark = pytest.mark.anyio
PLATE = "浙A8K632"
PATH = "/v1/driver-accounts/me/clone-suspicions"


@dataclass(frozen=True, kw_only=True)
class Driver:
    """Somebody signed in."""

    city: City
    token: str

    async def ask(self, method: str, path: str, body: object = None) -> httpx.Response:
        headers = {"Authorization": f"Bearer {self.token}"}
        return await self.city.client.request(method, path, json=body, headers=headers)


async def driver(city: City, database_url: str, phone: str, plate: str) -> Driver:
    """Sign in as a person does, and bind a plate."""
    settings, phones, now = settings_for(database_url).billing, Phones(), system_clock()
    pool = await open_pool(database_url, size_max=2)
    await send_code(pool, phones, settings, phone=phone, now=now)
    signed_in = await sign_in_with_code(
        pool, settings, phone=phone, code=phones.code_of(phone), now=now
    )
    await bind.bind_plate(pool, settings, signed_in.account_id, Plate(plate), now=now)
    await pool.close()
    return Driver(city=city, token=signed_in.token)


async def obligations(city: City, stay_id: str) -> dict[str, object]:
    found = (await city.client.get(f"/v1/stays/{stay_id}/obligation")).json()
    return {key: found[key] for key in ("hold", "bound")}


async def test_a_driver_decides_about_the_own_plate_alone(city: City, database_url: str) -> None:
    one = await city.drive(PLATE, hours_ago=5, minutes=240)
    other = await city.drive(PLATE, hours_ago=4, minutes=60, lot=LONGXIANG.lot_id)
    owner = await driver(city, database_url, "+8613800000001", PLATE)
    stranger = await driver(city, database_url, "+8613800000002", "沪B5T880")
    await bill(database_url)
    await watch(database_url)
    await bill(database_url)
    assert await obligations(city, one) == {"hold": "cloned_plate", "bound": True}

    assert (await stranger.ask("GET", PATH)).json() == []
    (shown,) = (await owner.ask("GET", PATH)).json()
    decision = f"{PATH}/{shown['suspicion']['suspicion_id']}/decision"
    mine = {"own_stay_ids": [one]}
    assert (await stranger.ask("POST", decision, mine)).status_code == 404
    assert (await city.client.post(decision, json=mine)).status_code == 401
    decided = await owner.ask("POST", decision, mine)
    assert decided.status_code == 200, decided.text
    assert [each["hold"] for each in decided.json()["stays"]] == [None, "other_car"]
    assert decided.json()["suspicion"]["decisions"][0]["by"].startswith("driver:")

    await bill(database_url)
    assert await obligations(city, one) == {"hold": None, "bound": True}
    assert await obligations(city, other) == {"hold": "other_car", "bound": False}
    assert await audit_database(database_url, now=system_clock()) == []
