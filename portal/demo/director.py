"""What people do in the demo while cars come and go: sign up, confirm a match, pay by hand."""

import asyncio
from collections.abc import Sequence

import httpx

from parking.core.errors import DomainError
from portal.demo.drivers import GOOD_CARD, sign_up, submit_card, turn_to_wechat
from portal.demo.http import Api, DemoCallRefusedError
from portal.demo.outcome import Became
from portal.demo.stage import Stage
from portal.demo.story import Fate, Pass

DECLINED_ONCE_CARD = "5555555555554444"
"""A good card of another brand; the bank declines it once, as an empty account would."""
_SIGN_UPS_AT_ONCE = 4
_SPECIAL = {Fate.RECOVERED: DECLINED_ONCE_CARD, Fate.BY_WECHAT: None}
"""What card a driver has instead of a good one, by what becomes of one of the car's stays."""


async def bind_drivers(stage: Stage, story: Sequence[Pass]) -> int:
    """Give every bound plate a driver with an account and a way to pay; answers how many."""
    await _script_decline(stage)
    bound = {told.plate: told for told in story if told.bound}
    bound |= {told.plate: told for told in story if told.fate in _SPECIAL}
    gate = asyncio.Semaphore(_SIGN_UPS_AT_ONCE)

    async def one(number: int, told: Pass) -> None:
        async with gate:
            driver = await sign_up(
                stage.base_url,
                messages=stage.folder.messages,
                plate=told.plate,
                number=number,
                card=_SPECIAL.get(told.fate, GOOD_CARD),
            )
            if told.fate is Fate.BY_WECHAT:
                await turn_to_wechat(stage.base_url, stage.wechat_url, driver, colour=told.colour)

    await asyncio.gather(*(one(number, told) for number, told in enumerate(bound.values())))
    return len(bound)


async def _script_decline(stage: Stage) -> None:
    gateway = Api(stage.sim_url)
    script = {"number": DECLINED_ONCE_CARD, "declines": ["insufficient_funds"]}
    await gateway.post("/_sim/cards", script)
    await gateway.close()


class Director:
    """Acts for operator and driver once there is something to act on; each act happens once."""

    def __init__(self, stage: Stage, operator_keys: dict[str, str]) -> None:
        """Act with the operators' own keys."""
        self._stage = stage
        self._operator_keys = operator_keys
        self._done: set[str] = set()

    async def act(self, became: Sequence[Became]) -> list[str]:
        """Do what can be done now; answers what was done, for the person who watches."""
        said = []
        for each in became:
            if not each.missing or each.told.plate in self._done:
                continue
            if each.told.fate is Fate.CONFIRMED and await self._confirm(each.told):
                said.append(
                    f"the operator confirms that {each.told.entry_shows} is {each.told.plate}"
                )
            elif each.told.fate is Fate.BY_HAND and each.stay is not None and await self._pay(each):
                said.append(f"the driver of {each.told.plate} pays by hand on the gateway's page")
            else:
                continue
            self._done.add(each.told.plate)
        return said

    async def _confirm(self, told: Pass) -> bool:
        """Say yes to the near miss of this car, when it waits for a decision."""
        api = Api(self._stage.base_url, key=self._operator_keys[told.lot.operator_id])
        try:
            found = await api.get("/v1/reviews?state=pending")
            reviews = found if isinstance(found, list) else found["reviews"]
            for review in reviews:
                if review["kind"] == "near_miss" and review["lot_id"] == told.lot.lot_id:
                    decision = f"/v1/reviews/{review['review_id']}/decision"
                    await api.post(decision, {"decision": "confirm"})
                    return True
            return False
        finally:
            await api.close()

    async def _pay(self, each: Became) -> bool:
        """Pay on the hosted page, as soon as the fee is owed."""
        stay = each.stay
        if stay is None or stay["obligation_state"] != "due":
            return False
        api = Api(self._stage.base_url)
        try:
            back = f"{self._stage.base_url}/pay/return?stay={stay['stay_id']}"
            opened = await api.post(f"/v1/stays/{stay['stay_id']}/checkout", {"return_url": back})
            await submit_card(opened["url"], card=GOOD_CARD)
        except (DemoCallRefusedError, httpx.HTTPError, DomainError):
            return False  # killed in between, perhaps: the next look decides anew
        finally:
            await api.close()
        return True
