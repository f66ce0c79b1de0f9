"""The pages: who may see them, what they show, and that they work in a real browser."""

import asyncio
import shutil
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import httpx
import msgspec
import pytest
from litestar import Litestar
from litestar.testing import AsyncTestClient

from billing.core.attempt import DeclineClass
from billing.core.payment import PaymentMethodKind
from billing.providers.stripe import StripeGateway
from billing.services.consume_outbox import consume_outbox
from parking.core.cloning import CloneRules
from parking.db.pool import open_pool
from parking.services.clock import system_clock
from parking.services.place_book import PlaceBook
from parking.services.watch_clones import CloneWatch
from portal.demo.city import LONGXIANG, STATION, WULIN
from portal.demo.processes import Household
from portal.pages import shared
from portal.pages.texts import TONES, language_of, words
from tests.portal.conftest import ADMIN_KEY, City, settings_for

pytestmark = pytest.mark.anyio
Client = AsyncTestClient[Litestar]


@pytest.fixture(autouse=True)
def _never_old(monkeypatch: pytest.MonkeyPatch) -> None:
    """Tell the live page's sums as they are at this moment, however busy the machine is."""
    monkeypatch.setattr(shared, "QUICK_S", float("inf"))


async def bill(database_url: str) -> None:
    """Let billing take over what parking told it."""
    settings = settings_for(database_url).billing
    pool = await open_pool(database_url, size_max=2)
    gateway = StripeGateway(settings)
    await consume_outbox(pool, gateway, settings, now=system_clock())
    await gateway.close()
    await pool.close()


async def signed_in(client: Client, key: str = ADMIN_KEY) -> httpx.Response:
    return await client.get("/", params={"key": key})


async def test_without_a_key_the_page_asks_for_one(client: Client) -> None:
    page = await client.get("/", headers={"accept-language": "en-GB"})
    assert page.status_code == 200
    assert 'action="/sign-in"' in page.text
    assert (await client.get("/live.json")).status_code == 401


async def test_a_wrong_key_is_refused_kindly(client: Client) -> None:
    for reply in (await signed_in(client, "nonsense"), await post_key(client, "nonsense")):
        assert reply.status_code == 403
        assert "set-cookie" not in reply.headers
        assert 'action="/sign-in"' in reply.text


async def post_key(client: Client, key: str) -> httpx.Response:
    return await client.post("/sign-in", data={"key": key}, follow_redirects=False)


async def test_a_key_becomes_a_cookie_that_scripts_cannot_read(client: Client) -> None:
    for reply in (await signed_in(client), await post_key(client, ADMIN_KEY)):
        cookie = reply.headers["set-cookie"].lower()
        assert "httponly" in cookie
        assert "samesite=strict" in cookie
    assert (await client.get("/live.json")).status_code == 200


async def test_a_gates_key_opens_no_page(city: City) -> None:
    assert (await signed_in(city.client, city.keys.devices[WULIN.lot_id])).status_code == 403


async def test_an_operator_sees_only_its_own(city: City) -> None:
    await city.drive("浙A8K632", hours_ago=3, minutes=None)
    await city.drive("沪B5T880", hours_ago=3, minutes=None, lot=STATION.lot_id)
    await signed_in(city.client, city.keys.operators["qiantang"])
    live = (await city.client.get("/live.json")).json()
    assert [stay["plate"] for stay in live["stays"]] == ["沪B5T880"]
    assert [lot["lot_id"] for lot in live["lots"]] == [STATION.lot_id]
    assert [each["operator_id"] for each in live["operators"]] == ["qiantang"]
    refused = await city.client.get("/statements/west-lake/2026-11-22")
    assert refused.status_code == 403


async def test_a_lot_tells_of_the_last_day_on_which_a_car_left_it(city: City) -> None:
    stay_id = await city.drive("浙A8K632", hours_ago=80, minutes=40)
    await city.drive("浙A3Q706", hours_ago=1, minutes=None)
    await city.drive("沪B5T880", hours_ago=200, minutes=90, lot=STATION.lot_id)
    await signed_in(city.client)
    live = (await city.client.get("/live.json")).json()
    (stay,) = [each for each in live["stays"] if each["stay_id"] == stay_id]
    left_on = datetime.fromisoformat(stay["left_at"]).astimezone(ZoneInfo(stay["zone"])).date()
    told = {lot["lot_id"]: (lot["day"], lot["visits"]) for lot in live["lots"]}
    assert told[WULIN.lot_id] == (left_on.isoformat(), 1)
    assert told[STATION.lot_id][1] == 1
    assert told[LONGXIANG.lot_id] == (None, 0)
    assert (live["day"], live["figures"]["stays"]) == told[WULIN.lot_id]


async def test_lots_show_what_is_free_by_class_and_by_count(city: City) -> None:
    await city.drive("浙A8K632", hours_ago=1, minutes=None)
    await signed_in(city.client)
    live = (await city.client.get("/live.json")).json()
    (wulin,) = [lot for lot in live["lots"] if lot["lot_id"] == WULIN.lot_id]
    assert (wulin["occupied"], wulin["free"]) == (1, wulin["spaces"] - 1)
    assert [(each["kind"], each["occupied"]) for each in wulin["classes"]] == [("small", 1)]
    assert live["figures"]["free"] == sum(lot["free"] for lot in live["lots"])
    assert live["clones"] == []
    body = {"counted_at": datetime.now(UTC).isoformat(), "cars": 7}
    await city.admin.post(f"/v1/lots/{WULIN.lot_id}/recounts", body)
    live = (await city.client.get("/live.json")).json()
    (wulin,) = [lot for lot in live["lots"] if lot["lot_id"] == WULIN.lot_id]
    assert wulin["occupied"] == 7
    assert wulin["counted_at"] is not None


async def test_a_plate_on_two_cars_is_shown_and_its_driver_told(
    city: City, database_url: str
) -> None:
    one = await city.drive("浙A8K632", hours_ago=5, minutes=240)
    await city.drive("浙A8K632", hours_ago=4, minutes=60, lot=LONGXIANG.lot_id)
    await watch(database_url)
    await signed_in(city.client)
    live = (await city.client.get("/live.json")).json()
    (suspected,) = live["clones"]
    assert (suspected["plate"], suspected["kind"]) == ("浙A8K632", "inside_elsewhere")
    assert len(suspected["sightings"]) == 3
    assert {stay["status"] for stay in live["stays"]} == {"cloned_plate"}
    page = await city.client.get(f"/p/{one}", headers={"accept-language": "en"})
    assert "nothing is due until decided" in page.text
    assert "<form" not in page.text


async def watch(database_url: str) -> None:
    """Let the worker look for clones."""
    pool = await open_pool(database_url, size_max=2)
    book = PlaceBook(pool, ttl_seconds=0)
    await CloneWatch(pool, book=book, rules=CloneRules()).watch_clones(system_clock())
    await pool.close()


async def test_nothing_new_is_not_sent_again(city: City) -> None:
    await signed_in(city.client)
    first = await city.client.get("/live.json")
    again = await city.client.get("/live.json", headers={"If-None-Match": first.headers["etag"]})
    assert again.status_code == 304
    await city.drive("浙A8K632", hours_ago=3, minutes=None)
    newer = await city.client.get("/live.json", headers={"If-None-Match": first.headers["etag"]})
    assert newer.status_code == 200


async def test_a_drivers_page_explains_the_fee_and_lets_pay(city: City, database_url: str) -> None:
    stay_id = await city.drive("浙A8K632", hours_ago=4, minutes=98, lot=LONGXIANG.lot_id)
    await bill(database_url)
    page = await city.client.get(f"/p/{stay_id}", headers={"accept-language": "en"})
    assert page.status_code == 200
    assert "Pay now" in page.text
    assert f'action="/p/{stay_id}"' in page.text
    obligation = (await city.client.get(f"/v1/stays/{stay_id}/obligation")).json()
    assert f"{obligation['charged_minor'] / 100:.2f}" in page.text
    appeal = {"ground": "barrier_broken", "statement": "it did not open"}
    await city.client.post(f"/v1/stays/{stay_id}/appeals", json=appeal)
    contested = await city.client.get(f"/p/{stay_id}", headers={"accept-language": "en"})
    assert "Nothing is collected" in contested.text
    away = await city.client.post(f"/p/{stay_id}", follow_redirects=False)
    assert away.status_code == 503  # nobody answers for the gateway in this test
    assert 'class="note bad"' in away.text


async def test_a_fee_is_contested_on_its_own_page(city: City, database_url: str) -> None:
    stay_id = await city.drive("浙A8K632", hours_ago=4, minutes=98)
    await bill(database_url)
    client, page, chinese = city.client, f"/p/{stay_id}/appeal", {"accept-language": "zh"}
    assert f'href="{page}"' in (await client.get(f"/p/{stay_id}")).text
    said = {"ground": "wrong_time", "statement": "x", "evidence_ref": "https://a.example/<b>"}
    refused = await client.post(page, data=said, headers=chinese)
    assert refused.status_code == 422
    assert 'id="wrong">请说明情况，3 至 4000 字。<' in refused.text
    assert 'value="wrong_time" required checked' in refused.text
    assert 'value="https://a.example/&lt;b&gt;"' in refused.text
    said["statement"] = "I left <at> eight"
    sent = await client.post(page, data=said, follow_redirects=False)
    assert (sent.status_code, sent.headers["location"]) == (303, page)
    shown = (await client.get(page, headers=chinese)).text
    assert "I left &lt;at&gt; eight" in shown
    assert "处理中" in shown
    assert "<form" not in shown
    again = await client.post(page, data=said, headers=chinese)
    assert (again.status_code, "申诉正在处理中" in again.text) == (409, True)
    nowhere = "/p/01930000-0000-7000-8000-000000000000/appeal"
    assert (await client.get(nowhere)).status_code == 404
    assert (await client.post(nowhere, data=said)).status_code == 404


@pytest.mark.parametrize(
    ("to", "gone_to"),
    [
        ("/desk?kind=appeals", "/desk?kind=appeals"),
        ("/me", "/me"),
        ("//evil.example/", "/"),
        ("https://evil.example/", "/"),
        ("/\\evil.example", "/"),
    ],
)
async def test_the_language_changes_on_the_page_that_is_read(
    client: Client, to: str, gone_to: str
) -> None:
    reply = await client.get("/language/en", params={"to": to}, follow_redirects=False)
    assert (reply.status_code, reply.headers["location"]) == (303, gone_to)
    assert 'lang="en"' in (await client.get("/me", headers={"accept-language": "zh"})).text


async def test_a_car_inside_pays_nothing_yet(city: City) -> None:
    stay_id = await city.drive("浙A8K632", hours_ago=1, minutes=None)
    page = await city.client.get(f"/p/{stay_id}")
    assert "<form" not in page.text


async def test_a_stay_that_is_not_there_is_a_page_not_found(client: Client) -> None:
    page = await client.get("/p/01930000-0000-7000-8000-000000000000")
    assert page.status_code == 404
    assert "text/html" in page.headers["content-type"]


async def test_the_statement_is_a_page(city: City) -> None:
    await signed_in(city.client)
    page = await city.client.get(
        "/statements/west-lake/2026-11-22", headers={"accept-language": "en"}
    )
    assert page.status_code == 200
    assert "West Lake Parking" in page.text
    assert "Closing balance" in page.text
    file = await city.client.get("/statements/west-lake/2026-11-22/csv")
    assert file.status_code == 200
    assert b"Closing balance" in file.content
    assert "/statements/west-lake/2026-11-22/pdf" in page.text
    await signed_in(city.client, city.keys.operators["qiantang"])
    assert (await city.client.get("/statements/west-lake/2026-11-22/csv")).status_code == 404


def test_every_state_has_words_and_a_tone() -> None:
    for language in ("zh", "en"):
        known = words(language)
        assert all(known[f"state.{state}"] for state in TONES)
        assert all(known[f"by.{method.value}"] for method in PaymentMethodKind)
        assert all(known[f"declined.{each.value}"] for each in DeclineClass)
        assert all(text.strip() for text in known.values())
    shown = {key.removeprefix("state.") for key in words("en") if key.startswith("state.")}
    assert shown == set(TONES)


@pytest.mark.parametrize(
    ("cookie", "accept", "language"),
    [
        (None, "", "zh"),
        (None, "en-GB,en;q=0.9", "en"),
        (None, "fr,zh-CN;q=0.8", "zh"),
        ("en", "zh-CN", "en"),
        ("nonsense", "en", "en"),
    ],
)
def test_the_language_is_the_readers(cookie: str | None, accept: str, language: str) -> None:
    assert language_of(cookie=cookie, accept=accept) == language


@pytest.fixture
def chromium() -> str:
    found = shutil.which("chromium") or shutil.which("chromium-browser")
    if found is None:
        pytest.skip("no Chromium on this machine")
    return found


async def test_a_browser_draws_the_live_page(
    city: City, chromium: str, database_url: str, tmp_path: Path
) -> None:
    """`parking serve` for real, and headless Chromium running the page's script."""
    await city.drive("浙A8K632", hours_ago=4, minutes=98, lot=LONGXIANG.lot_id)
    await bill(database_url)
    household = Household(logs=tmp_path, say=lambda _: None)
    port = 18471
    settings = settings_for(database_url)
    api = await household.start(
        "API",
        [str(Path(sys.executable).parent / "parking"), "serve", "--port", str(port)],
        environment={
            "DATABASE_URL": database_url,
            "PARKING_CONFIG": "",
            "PARKING_ADMIN_KEY": ADMIN_KEY,
            "PARKING_BILLING_STRIPE_API_KEY": settings.billing.stripe_api_key.reveal(),
            "PARKING_BILLING_STRIPE_WEBHOOK_SECRET": "whsec_x",
        },
        health_url=f"http://127.0.0.1:{port}/readyz",
    )
    try:
        await api.wait_ready(seconds=60)
        url = f"http://127.0.0.1:{port}/?key={ADMIN_KEY}"
        page = await asyncio.to_thread(drawn, chromium, url, tmp_path)
    finally:
        await household.stop()
    assert "浙A·8K632" in page
    assert "¥6.00" in page
    assert ADMIN_KEY not in page


def drawn(chromium: str, url: str, folder: Path) -> str:
    """The page's elements after its script has run for some seconds."""
    options = (
        "--headless",
        "--no-sandbox",
        "--disable-gpu",
        "--disable-quic",
        "--no-first-run",
        "--disable-background-networking",
        "--disable-component-update",
        "--disable-sync",
        f"--user-data-dir={folder / 'profile'}",
        "--virtual-time-budget=8000",
        "--dump-dom",
    )
    result = subprocess.run(
        [chromium, *options, url], capture_output=True, text=True, timeout=90, check=True
    )
    return result.stdout


def test_texts_survive_their_place_in_the_page() -> None:
    """The words are handed to the script as JSON inside the page; no word may end that early."""
    assert "</" not in msgspec.json.encode([words("zh"), words("en")]).decode()


async def test_the_page_of_an_open_stay_shows_its_price_so_far(city: City) -> None:
    stay_id = await city.drive("浙A8K632", hours_ago=3, minutes=None)
    shown = (await city.client.get(f"/p/{stay_id}", headers={"accept-language": "en"})).text
    assert words("en")["pay.so_far"] in shown
