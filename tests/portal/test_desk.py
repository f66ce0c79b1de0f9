"""The operators' desk, used as a browser uses it: lists, evidence, decisions, and who may what."""

import html
import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from httpx import Response
from litestar import Litestar
from litestar.testing import AsyncTestClient

from billing.web import problems as billing
from parking.web import problems as parking
from portal.demo.city import IN_LANE, OUT_LANE, STATION
from portal.desk.words import TOLD as DESK_TOLD
from portal.desk.words import desk_words
from portal.pages.texts import words
from portal.pages.told import TOLD as DRIVER_TOLD
from tests.portal.conftest import ADMIN_KEY, City
from tests.portal.test_clones import driver
from tests.portal.test_pages import bill, watch

pytestmark = pytest.mark.anyio
Client = AsyncTestClient[Litestar]
OWNER, OTHER = "west-lake", "qiantang"
EVIL = "<script>alert('x')</script>\"&"


@dataclass(frozen=True, kw_only=True)
class Person:
    """Somebody at the desk, in a browser of their own."""

    client: Client
    key: str

    async def see(self, path: str = "/desk", *, status: int = 200, language: str = "en") -> str:
        self._be()
        reply = await self.client.get(path, headers={"accept-language": language})
        assert reply.status_code == status, reply.text
        assert "<script" not in reply.text
        return reply.text

    async def decide(
        self, path: str, *, token: str | None = None, language: str = "en", **form: str
    ) -> Response:
        """Send a form as a page of theirs holds it."""
        if token is None:
            found = re.search(r'name="token" value="([0-9a-f]+)"', await self.see())
            assert found
            token = found[1]
        self._be()
        form["token"] = token
        headers = {"accept-language": language}
        return await self.client.post(path, data=form, headers=headers, follow_redirects=False)

    def _be(self) -> None:
        self.client.cookies.clear()
        if self.key:
            self.client.cookies.set("leave_first_key", self.key)


def person(city: City, who: str = "admin") -> Person:
    key = ADMIN_KEY if who == "admin" else city.keys.operators[who]
    return Person(client=city.client, key=key)


def matters(page: str, kind: str) -> list[str]:
    """The addresses of the matters of a kind on the list."""
    return re.findall(rf'href="(/desk/{kind}/[^"]+)"', page)


async def near_miss(city: City) -> str:
    """Let a car out whose plate is read with one look-alike character; the review's address."""
    entered_at = datetime.now(UTC) - timedelta(hours=5)
    await city.event("vehicle_entered", IN_LANE, "浙A8B762", entered_at)
    await city.event("vehicle_exited", OUT_LANE, "浙A88762", entered_at + timedelta(hours=2))
    (address,) = matters(await person(city).see(), "reviews")
    return address


async def test_a_key_opens_the_desk_and_only_an_operators_or_the_admins(city: City) -> None:
    stranger = Person(client=city.client, key="")
    assert 'name="to" value="/desk"' in await stranger.see(status=401)
    gate = Person(client=city.client, key=city.keys.devices[STATION.lot_id])
    await gate.see(status=401)
    await gate.see("/desk/reviews/0199c7a0-0000-7000-8000-000000000001", status=401)
    form = {"key": city.keys.operators[OWNER], "to": "/desk"}
    opened = await city.client.post("/sign-in", data=form, follow_redirects=False)
    assert (opened.status_code, opened.headers["location"]) == (303, "/desk")
    elsewhere = {**form, "to": "https://example.com/"}
    refused = await city.client.post("/sign-in", data=elsewhere, follow_redirects=False)
    assert refused.status_code == 422
    page = await person(city, OWNER).see()
    assert "Nothing waits for anybody." in page
    assert OWNER in page
    chinese = await person(city).see(language="zh-CN")
    assert "等待人工处理" in chinese


async def test_signing_out_needs_the_form_and_forgets_the_key(city: City) -> None:
    admin = person(city)
    assert (await admin.decide("/desk/sign-out", token="")).status_code == 403
    left = await admin.decide("/desk/sign-out")
    assert left.status_code == 303
    assert "max-age=0" in left.headers["set-cookie"].lower()


async def test_a_read_is_reviewed_once_by_its_own_operator(city: City) -> None:
    address = await near_miss(city)
    owner, other = person(city, OWNER), person(city, OTHER)
    assert matters(await owner.see(), "reviews") == [address]
    assert matters(await other.see(), "reviews") == []
    await other.see(address, status=403)
    assert (await other.decide(address, decision="confirm")).status_code == 403
    page = await owner.see(address)
    for evidence in (
        "浙A·8B762",
        "浙A·88762",
        "97%",
        "The fee, if it is one car",
        "It is the same",
    ):
        assert evidence in page
    forged = await owner.decide(address, token="", decision="confirm")
    assert forged.status_code == 403
    theirs = await owner.decide(address, token="0" * 64, decision="confirm")
    assert theirs.status_code == 403
    assert (await owner.decide(address, decision="confirm")).headers["location"].endswith("done=1")
    again = await person(city).decide(address, decision="reject")
    assert again.status_code == 409
    assert "Somebody has decided this already" in again.text
    assert f"operator:{OWNER}" in again.text
    assert 'value="confirm"' not in again.text
    assert matters(await owner.see(), "reviews") == []


@pytest.mark.parametrize(
    ("form", "status", "told"),
    [
        ({"decision": "match"}, 422, "Choose a stay, or give a plate"),
        ({"decision": "match", "plate": EVIL}, 422, "is no number plate"),
        ({"decision": "match", "plate": "浙" * 65}, 422, "is no number plate"),
        ({"decision": "match", "stay_id": "nonsense"}, 422, "missing, or too long"),
        ({"decision": "perhaps"}, 422, "missing, or too long"),
        ({"decision": "reject", "reason": "a\0b"}, 422, "missing, or too long"),
        ({}, 422, "missing, or too long"),
    ],
)
async def test_what_cannot_be_decided_is_told_beside_the_evidence(
    city: City, form: dict[str, str], status: int, told: str
) -> None:
    address = await near_miss(city)
    refused = await person(city).decide(address, **form)
    assert refused.status_code == status
    assert told in refused.text
    assert 'role="alert"' in refused.text
    assert 'value="confirm"' in refused.text
    assert "<script" not in refused.text


async def test_what_was_typed_is_kept_and_the_wrong_field_is_named(city: City) -> None:
    address = await near_miss(city)
    form = {"decision": "match", "plate": EVIL, "reason": "认得这辆车 & more"}
    page = (await person(city).decide(address, language="zh-CN", **form)).text
    assert "这不是车牌号。" in page
    assert "(" not in re.findall(r'role="alert">([^<]*)<', page)[0]  # no words of another language
    (kept,) = re.findall(r'<input name="plate"[^>]*aria-invalid[^>]*>', page)
    assert f'value="{html.escape(EVIL)}"' in kept
    assert '<p id="wrong" class="wrong">这不是车牌号。</p>' in page
    assert page.count("认得这辆车 &amp; more") == 1  # in the form that was sent, in no other


ELSEWHERE = {
    "MalformedBodyError",
    "InvalidEventError",
    "BodyTooLargeError",
    "TooManyEventsError",
    "UnknownDeviceError",
    "UnknownGrantError",
    "UnknownKeyError",
    "UnknownLaneEventError",
    "UnknownLaneError",
    "UnknownOperatorError",
    "UnknownTariffError",
    "ConflictingEventError",
    "ConflictingFeeFactError",
    "LotOfOtherOperatorError",
    "RecountTakenError",
    "NoTicketNeededError",
    "TariffOrderError",
    "TariffVersionTakenError",
    "ClassSpacesError",
    "FeeFactRefusedError",
    "NaiveInstantError",
    "RightNotOfferedError",
    "RecountSumError",
    "RecountTimeError",
    "StayRulesError",
    "TariffMismatchError",
    "UnknownTimeZoneError",
    "TooManyEventsPerSecondError",
    "ForgedWebhookError",
    "NoServicesError",
    "ServiceNotBoundError",
    "ServiceNotOpenError",
    "ContractExistsError",
    "ContractTooLateError",
    "NothingPaidError",
    "PayoutAccountUnusableError",
    "ReversalExistsError",
    "ReversalTooLargeError",
    "UnknownColourError",
}
"""What machines and the API alone can be told: gates, tariffs, payouts, receipts as files."""


def test_every_error_that_a_person_can_meet_is_told_in_both_languages() -> None:
    """A new error is put into words, or found to be none that a page can meet."""
    known: set[type] = {*parking.STATUSES, *billing.STATUSES}
    told: set[type] = {*DESK_TOLD, *DRIVER_TOLD}
    assert {each.__name__ for each in known - told} == ELSEWHERE
    for texts, keys in ((desk_words, DESK_TOLD.values()), (words, DRIVER_TOLD.values())):
        for key in keys:
            assert re.search(r"[一-龥]", texts("zh")[key])
            assert not re.search(r"[一-龥]", texts("en")[key].replace("浙A8B762", ""))


async def test_a_car_that_nobody_saw_come_is_matched_with_its_stay(city: City) -> None:
    entered_at = datetime.now(UTC) - timedelta(hours=5)
    stay_id = await city.event("vehicle_entered", IN_LANE, "浙A8K632", entered_at)
    await city.event("vehicle_exited", OUT_LANE, "浙A8X6E7", entered_at + timedelta(hours=2))
    admin = person(city)
    (address,) = matters(await admin.see("/desk?kind=reviews"), "reviews")
    assert "It left, and nobody saw it come" in await admin.see(address)
    matched = await admin.decide(address, decision="match", stay_id=stay_id, plate="浙A8K632")
    assert matched.status_code == 303, matched.text
    stay = await city.admin.get(f"/v1/stays/{stay_id}")
    assert (stay["state"], stay["plate"]) == ("closed", "浙A8K632")


async def appeal(city: City, house: str, **body: str) -> tuple[str, str]:
    """Contest the fee of a stay that its driver has just made; the stay and its appeal."""
    stay_id = await city.drive("浙A8K632", hours_ago=5, minutes=200)
    await bill(house)
    given = {"ground": "wrong_time", "statement": EVIL, "evidence_ref": EVIL, **body}
    reply = await city.client.post(f"/v1/stays/{stay_id}/appeals", json=given)
    assert reply.status_code == 201, reply.text
    return stay_id, f"/desk/appeals/{reply.json()['appeal_id']}"


async def test_an_appeal_is_decided_with_the_right_fact(city: City, database_url: str) -> None:
    stay_id, address = await appeal(city, database_url)
    owner, other = person(city, OWNER), person(city, OTHER)
    await other.see(address, status=403)
    assert (await other.decide(address, decision="never", reason="ours")).status_code == 403
    page = await owner.see(address)
    assert "&lt;script&gt;alert(&#x27;x&#x27;)&lt;/script&gt;&quot;&amp;" in page
    assert f'href="/p/{stay_id}"' in page
    for form, told in (
        ({"decision": "left", "left_at": "yesterday", "reason": "it was so"}, "no time"),
        ({"decision": "plate", "plate": EVIL, "reason": "it was so"}, "no number plate"),
        ({"decision": "refuse", "reason": ""}, "missing, or too long"),
        ({"decision": "shrug", "reason": "it was so"}, "missing, or too long"),
    ):
        refused = await owner.decide(address, **form)
        assert (refused.status_code, told in refused.text) == (422, True), refused.text
    left_at = (await city.admin.get(f"/v1/stays/{stay_id}"))["entered_at"]
    local = datetime.fromisoformat(left_at).astimezone(ZoneInfo("Asia/Shanghai"))
    form = {"left_at": f"{local + timedelta(minutes=40):%Y-%m-%dT%H:%M}", "reason": EVIL}
    assert (await owner.decide(address, decision="left", **form)).status_code == 303
    again = await person(city).decide(address, decision="refuse", reason="too late")
    assert again.status_code == 409
    assert "Somebody has decided this already" in again.text
    assert "granted; being corrected" in again.text
    assert matters(await owner.see(), "appeals") == []


async def test_an_address_of_evidence_is_a_link_only_if_it_is_https(
    city: City, database_url: str
) -> None:
    ref = 'javascript:alert("x")'
    _, address = await appeal(city, database_url, evidence_ref=ref, statement="the barrier")
    assert 'href="javascript' not in await person(city).see(address)


async def test_a_claim_is_the_admins_to_decide(city: City, database_url: str) -> None:
    holder = await driver(city, database_url, "+8613800000001", "浙A8K632")
    claimant = await driver(city, database_url, "+8613800000002", "沪B5T880")
    path = "/v1/driver-accounts/me/plate-claims"
    opened = await claimant.ask("POST", path, {"plate": "浙A8K632"})
    assert opened.status_code == 201, opened.text
    address = f"/desk/claims/{opened.json()['claim_id']}"
    answer = {"answer": "contests", "text": EVIL}
    api = f"/v1/plate-claims/{opened.json()['claim_id']}"
    assert (await holder.ask("POST", f"{api}/answer", answer)).status_code == 201
    owner, admin = person(city, OWNER), person(city)
    assert matters(await owner.see(), "claims") == []
    await owner.see(address, status=403)
    assert (await owner.decide(address, decision="grant", reason="mine")).status_code == 403
    assert matters(await admin.see("/desk?kind=claims"), "claims") == [address]
    assert "contests" in await admin.see(address)
    done = await admin.decide(address, decision="grant", reason="the licence is hers")
    assert done.status_code == 303, done.text
    again = await admin.decide(address, decision="refuse", reason="no it is not")
    assert again.status_code == 409
    assert "Somebody has decided this already" in again.text


async def test_a_suspected_clone_is_decided_by_who_runs_both_lots(
    city: City, database_url: str
) -> None:
    await city.drive("浙A8K632", hours_ago=5, minutes=240)
    await city.drive("浙A8K632", hours_ago=4, minutes=60, lot=STATION.lot_id)
    await watch(database_url)
    owner, other, admin = (person(city, who) for who in (OWNER, OTHER, "admin"))
    (address,) = matters(await owner.see("/desk?kind=clones"), "clones")
    assert matters(await other.see(), "clones") == [address]
    for who in (owner, other):  # each runs one of the two lots only
        assert (await who.decide(address, decision="first", seen="0")).status_code == 403
    page = await admin.see(address)
    assert "Only the first is the account&#x27;s car" in page
    assert (await admin.decide(address, decision="all", seen="0")).status_code == 422
    assert (await admin.decide(address, token="", decision="first", seen="0")).status_code == 403
    first = await admin.decide(address, decision="first", seen="0", reason=EVIL)
    assert first.status_code == 303
    again = await admin.decide(address, decision="both", seen="0")
    assert again.status_code == 409
    assert "Somebody has decided this already" in again.text
    assert "&lt;script&gt;" in again.text
    assert matters(await admin.see(), "clones") == []
    await admin.see("/desk/clones/0199c7a0-0000-7000-8000-000000000001", status=404)


async def test_a_ticket_gets_its_plate_once(city: City) -> None:
    entered_at = datetime.now(UTC) - timedelta(hours=3)
    entry = await city.event("vehicle_entered", IN_LANE, None, entered_at)
    issued = await city.admin.post("/v1/tickets", {"entry_event_id": entry})
    owner, other = person(city, OWNER), person(city, OTHER)
    (address,) = matters(await owner.see(), "tickets")
    assert address.endswith(issued["ticket"])
    await other.see(address, status=403)
    assert "Fee so far" in await owner.see(f"/desk/tickets?ticket={issued['ticket'].lower()}")
    await owner.see("/desk/tickets?ticket=nonsense", status=404)
    was = issued["ticket"]
    theirs = await other.decide(address, plate="浙A8K632", was=was)
    assert theirs.status_code == 403
    assert (await owner.decide(address, token="", plate="浙A8K632", was=was)).status_code == 403
    assert (await owner.decide(address, plate=EVIL, was=was)).status_code == 422
    assert (await owner.decide(address, plate="浙A8K632", was=was)).status_code == 303
    again = await person(city).decide(address, plate="浙B00001", was=was)
    assert again.status_code == 409
    assert "浙A·8K632" in again.text
    assert matters(await owner.see(), "tickets") == []
