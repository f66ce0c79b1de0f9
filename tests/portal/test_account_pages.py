"""The driver's own pages, used as a browser uses them, up to a fee paid by the card left there."""

import re
from collections.abc import AsyncIterator, Iterator
from datetime import timedelta
from pathlib import Path

import msgspec
import pytest
from httpx import Response
from litestar import Litestar
from litestar.testing import AsyncTestClient

from billing.providers.stripe import StripeGateway
from billing.worker import BillingWorker
from gateway_sim.payments.server import Options
from parking.db.pool import open_pool
from parking.services.clock import system_clock
from portal.app import create_app
from portal.pages.account_routes import COOKIE, phone_of
from portal.settings import Settings
from tests.gateway_sim.payments.harness import Simulator, running
from tests.integration.billing.world import VISA
from tests.integration.billing.world import settings_for as billing_settings_for
from tests.portal.conftest import City, settings_for

pytestmark = pytest.mark.anyio
Client = AsyncTestClient[Litestar]
PHONE = "138 0000 1111"
PLATE = "浙A8K632"
ENGLISH = {"accept-language": "en"}


@pytest.fixture
def simulator() -> Iterator[Simulator]:
    with running(Options(seed=5)) as found:
        yield found


@pytest.fixture
def phones(tmp_path: Path) -> Path:
    """Where the messages to drivers' phones arrive."""
    return tmp_path / "phones.ndjson"


@pytest.fixture
def settings(database_url: str, simulator: Simulator, phones: Path) -> Settings:
    """Settings of an application whose payment gateway answers."""
    billing = billing_settings_for(simulator.address, notification_file=phones)
    return msgspec.structs.replace(settings_for(database_url), billing=billing)


@pytest.fixture
async def client(settings: Settings) -> AsyncIterator[Client]:
    async with AsyncTestClient(create_app(settings), raise_server_exceptions=False) as found:
        yield found


def sent(phones: Path) -> list[str]:
    """The messages that came, the oldest first."""
    return [msgspec.json.decode(line)["text_en"] for line in phones.read_bytes().splitlines()]


async def post(client: Client, path: str, **form: str) -> Response:
    return await client.post(path, data=form, headers=ENGLISH, follow_redirects=False)


async def sign_in(client: Client, phones: Path, phone: str = PHONE) -> None:
    asked = await post(client, "/me/code", phone=phone)
    assert 'autocomplete="one-time-code"' in asked.text
    code = re.search(r"\d{6}", sent(phones)[-1])
    assert code
    entered = await post(client, "/me/sign-in", phone=phone, code=code[0])
    assert (entered.status_code, entered.headers["location"]) == (303, "/me")
    cookie = entered.headers["set-cookie"].lower()
    assert "httponly" in cookie
    assert "samesite=lax" in cookie


async def me(client: Client) -> str:
    page = await client.get("/me", headers=ENGLISH)
    assert page.status_code == 200
    return page.text


async def work(settings: Settings) -> None:
    """Let billing do all that is due within the next minute."""
    pool = await open_pool(settings.database.url.reveal(), size_max=4)
    gateway = StripeGateway(settings.billing)
    worker = BillingWorker(pool, gateway, settings.billing)
    for _ in range(30):
        if not await worker.step(system_clock() + timedelta(minutes=1)):
            break
    await gateway.close()
    await pool.close()


async def test_bind_once_leave_first_and_see_the_fee_paid(
    city: City, settings: Settings, simulator: Simulator, phones: Path
) -> None:
    client = city.client
    await sign_in(client, phones)
    assert (await post(client, "/me/plates", plate="浙a·8k632")).status_code == 303
    assert "浙A·8K632" in await me(client)
    version = re.search(r'name="consent" value="([^"]+)"', await me(client))
    assert version
    opened = await post(client, "/me/card", consent=version[1])
    assert opened.status_code == 303
    assert opened.headers["location"].startswith(simulator.address)
    assert simulator.http.post(opened.headers["location"], data={"card": VISA}).is_redirect
    await work(settings)
    assert "VISA ···· 4242" in await me(client)
    stay_id = await city.drive(PLATE, hours_ago=4, minutes=98)
    await work(settings)
    page = await me(client)
    assert f'href="/p/{stay_id}"' in page
    assert ">paid<" in page
    assert len(simulator.truth()["charges"]) == 1
    assert (await post(client, "/me/card/take-back")).status_code == 303
    assert "4242" not in await me(client)
    assert (await post(client, "/me/plates/let-go", plate=PLATE)).status_code == 303
    page = await me(client)
    assert "浙A·8K632" not in page
    assert f'href="/p/{stay_id}"' in page  # what was made stays with its driver


async def test_signing_out_forgets_the_driver_everywhere(client: Client, phones: Path) -> None:
    await sign_in(client, phones)
    token = client.cookies[COOKIE]
    assert (await post(client, "/me/sign-out")).status_code == 303
    client.cookies.set(COOKIE, token)
    assert 'action="/me/code"' in await me(client)


@pytest.mark.parametrize(
    ("path", "form", "status", "told"),
    [
        ("/me/plates", {"plate": "hello world!"}, 422, "number plate is needed"),
        ("/me/plates", {}, 422, "number plate is needed"),
        ("/me/plates", {"plate": "hello world"}, 422, "no mainland plate"),
        ("/me/plates", {"plate": "AB123", "country": "mo"}, 422, "has no such plate"),
        ("/me/plates", {"plate": "AB1234", "country": "1"}, 422, "in two letters, such as"),
        ("/me/plates/let-go", {"plate": "浙A00001"}, 404, "not bound to this account"),
        ("/me/card", {}, 409, "agree to the text first"),
        ("/me/card/take-back", {}, 404, "no payment method"),
    ],
)
async def test_what_cannot_be_done_is_told_on_the_page(
    client: Client, phones: Path, path: str, form: dict[str, str], status: int, told: str
) -> None:
    await sign_in(client, phones)
    refused = await post(client, path, **form)
    assert refused.status_code == status
    assert told in refused.text
    assert refused.text.count('role="alert"') == 1
    if path == "/me/plates":  # what was typed is not lost
        assert f'value="{form.get("plate", "")}" required aria-invalid' in refused.text


async def test_a_plate_from_elsewhere_is_bound_with_its_country(
    client: Client, phones: Path
) -> None:
    await sign_in(client, phones)
    assert (await post(client, "/me/plates", plate="ab 1234", country="hk")).status_code == 303
    assert 'value="AB1234"' in await me(client)


async def test_a_plate_of_anothers_is_not_given_away(client: Client, phones: Path) -> None:
    await sign_in(client, phones)
    await post(client, "/me/plates", plate=PLATE)
    await sign_in(client, phones, "+44 7700 900123")
    refused = await post(client, "/me/plates", plate=PLATE)
    assert refused.status_code == 409
    assert "Another account has bound this plate" in refused.text
    assert "浙A·8K632" not in refused.text


async def test_a_plate_is_claimed_proven_and_let_go_on_the_pages(
    client: Client, phones: Path
) -> None:
    await sign_in(client, phones)
    holder = client.cookies[COOKIE]
    await post(client, "/me/plates", plate=PLATE)
    await sign_in(client, phones, "+44 7700 900123")
    claimant = client.cookies[COOKIE]
    assert 'action="/me/claims"' in (await post(client, "/me/plates", plate=PLATE)).text
    assert (await post(client, "/me/claims", plate=PLATE)).status_code == 303
    path = re.search(r'action="(/me/claims/[^"/]+)/licence"', await me(client))
    assert path
    refused = await post(client, f"{path[1]}/licence", licence="")
    assert (refused.status_code, "Give the address" in refused.text) == (422, True)
    given = await post(client, f"{path[1]}/licence", licence="https://photos.example/licence")
    assert given.status_code == 303
    assert "being looked into" in await me(client)
    assert (await post(client, f"{path[1]}/answer", answer="agrees")).status_code == 404
    client.cookies.set(COOKIE, holder)
    assert "Somebody claims this plate" in await me(client)
    assert (await post(client, f"{path[1]}/answer", answer="agrees")).status_code == 303
    assert "浙A·8K632</span><form" not in await me(client)
    client.cookies.set(COOKIE, claimant)
    page = await me(client)
    assert "浙A·8K632</span><form" in page
    assert ">granted<" in page
    late = await post(client, f"{path[1]}/withdraw")
    assert (late.status_code, "decided already" in late.text) == (409, True)


async def test_a_wrong_code_opens_nothing(client: Client, phones: Path) -> None:
    assert (await post(client, "/me/code", phone="12")).status_code == 422
    await post(client, "/me/code", phone=PHONE)
    again = await post(client, "/me/code", phone=PHONE)
    assert again.status_code == 429
    assert 'name="code"' in again.text  # the first code is still good
    for code in ("", "abcdef", "0000000"):
        refused = await post(client, "/me/sign-in", phone=PHONE, code=code)
        assert refused.status_code == 403
        assert "set-cookie" not in refused.headers
    assert len(sent(phones)) == 1


async def test_nobody_is_signed_in_by_a_made_up_token(client: Client) -> None:
    client.cookies.set(COOKIE, "made-up")
    assert 'action="/me/code"' in await me(client)
    sent_away = await post(client, "/me/plates", plate=PLATE)
    assert (sent_away.status_code, sent_away.headers["location"]) == (303, "/me")


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("138 0000 1111", "+8613800001111"),
        ("+44 (7700) 900-123", "+447700900123"),
        ("0571 8888", None),
        ("", None),
    ],
)
def test_a_phone_number_is_read_as_people_write_it(text: str, number: str | None) -> None:
    assert phone_of(text) == number
