"""A phone number proven by a code, tokens that end, and letting go of plates, cards, accounts."""

import asyncio
import stat
from pathlib import Path

import pytest

from billing.core.consent import CURRENT, ConsentOutdatedError
from billing.db.consents import ConsentTextChangedError
from billing.notifications import FileNotifier, NotificationKind, NotSentError
from billing.services import bind, leave, sign_in
from billing.services.bind import PlateNotBoundError
from billing.services.leave import AccountOwesError, NoPaymentMethodError
from billing.services.sign_in import CodeTooSoonError, DeadCodeError, SignedIn, WrongCodeError
from billing.standings import BillingStandings
from parking.core.plate import Plate
from tests.integration.billing.world import RETURN_URL, VISA, BillingWorld

pytestmark = pytest.mark.anyio

PHONE = "+8613912345678"
PLATE = Plate("浙A8B762")


async def try_code(world: BillingWorld, code: str) -> SignedIn:
    return await sign_in.sign_in_with_code(
        world.pool, world.settings, phone=PHONE, code=code, now=world.now
    )


async def send(world: BillingWorld) -> str:
    await sign_in.send_code(world.pool, world.phones, world.settings, phone=PHONE, now=world.now)
    return world.phones.code_of(PHONE)


def other_than(code: str) -> str:
    return f"{(int(code) + 1) % 1_000_000:06}"


async def test_a_code_opens_once_and_guessing_kills_it(world: BillingWorld) -> None:
    code = await send(world)
    with pytest.raises(CodeTooSoonError, match="60 seconds"):
        await send(world)
    first = await try_code(world, code)
    assert first.created
    with pytest.raises(DeadCodeError):
        await try_code(world, code)

    await world.later(minutes=2)
    code = await send(world)
    for _ in range(world.settings.code_tries_max):
        with pytest.raises(WrongCodeError):
            await try_code(world, other_than(code))
    with pytest.raises(DeadCodeError):
        await try_code(world, code)

    await world.later(minutes=2)
    code = await send(world)
    again = await try_code(world, code)
    assert (again.created, again.account_id) == (False, first.account_id)
    stored = await world.pool.fetch("SELECT code_hash, salt FROM billing.phone_code")
    assert all(code.encode() not in row["code_hash"] + row["salt"] for row in stored)


async def test_many_guesses_at_once_are_counted_all(world: BillingWorld) -> None:
    code = await send(world)
    guesses = [try_code(world, other_than(code)) for _ in range(12)]
    results = await asyncio.gather(*guesses, return_exceptions=True)
    kinds = [type(result) for result in results]
    assert kinds.count(WrongCodeError) == world.settings.code_tries_max
    assert kinds.count(DeadCodeError) == 12 - world.settings.code_tries_max


async def test_one_code_used_twice_at_once_signs_in_once(world: BillingWorld) -> None:
    code = await send(world)
    results = await asyncio.gather(
        *(try_code(world, code) for _ in range(5)), return_exceptions=True
    )
    assert sum(isinstance(result, SignedIn) for result in results) == 1
    assert await world.pool.fetchval("SELECT count(*) FROM billing.driver_account") == 1


async def test_tokens_end_when_revoked_and_by_themselves(world: BillingWorld) -> None:
    first = await world.sign_in(PHONE)
    await world.later(minutes=2)
    second = await world.sign_in(PHONE)
    tokens = await sign_in.list_tokens(world.pool, first.account_id, now=world.now)
    assert len(tokens) == 2
    await sign_in.revoke_token(world.pool, first.account_id, tokens[0].token_id, now=world.now)
    assert await sign_in.holder_of_token(world.pool, first.token, now=world.now) is None
    held = await sign_in.holder_of_token(world.pool, second.token, now=world.now)
    assert held is not None
    assert held.account_id == first.account_id
    await world.later(days=world.settings.token_days)
    assert await sign_in.holder_of_token(world.pool, second.token, now=world.now) is None
    with pytest.raises(sign_in.UnknownTokenError):
        await sign_in.revoke_token(world.pool, first.account_id, tokens[0].token_id, now=world.now)


async def test_messages_lie_in_a_file_for_its_owner_alone(
    world: BillingWorld, tmp_path: Path
) -> None:
    path = tmp_path / "new" / "messages.ndjson"
    await world.sign_in(PHONE)
    (message,) = world.phones.received
    assert message.kind is NotificationKind.SIGN_IN_CODE
    await FileNotifier(path).send(message)
    await FileNotifier(path).send(message)
    assert len(path.read_text(encoding="utf-8").splitlines()) == 2
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    with pytest.raises(NotSentError):
        await FileNotifier(tmp_path).send(message)


async def test_consent_is_kept_with_its_text(world: BillingWorld) -> None:
    driver = await world.driver(PLATE)
    kept = await world.pool.fetchrow(
        "SELECT c.account_id, t.text_zh FROM billing.consent AS c"
        " JOIN billing.consent_text AS t USING (version)"
    )
    assert (kept["account_id"], kept["text_zh"]) == (driver, CURRENT.text_zh)

    async def leave_card(version: str) -> None:
        await bind.start_setup(
            world.pool,
            world.gateway,
            world.settings,
            account_id=driver,
            return_url=RETURN_URL,
            consent_version=version,
            now=world.now,
        )

    with pytest.raises(ConsentOutdatedError):
        await leave_card("2019-1")
    await world.pool.execute("ALTER TABLE billing.consent_text DISABLE TRIGGER append_only")
    await world.pool.execute("UPDATE billing.consent_text SET text_en = 'other'")
    with pytest.raises(ConsentTextChangedError):
        await leave_card(CURRENT.version)


async def test_a_card_taken_back_is_charged_no_more_and_forgotten(world: BillingWorld) -> None:
    driver = await world.driver(PLATE)
    customer = await world.customer(driver)
    await leave.unbind_method(world.pool, driver, now=world.now)
    stay = world.priced(PLATE, 1_500)
    await world.publish(stay)
    await world.drain()
    assert world.charges() == []
    assert (await world.obligation(stay)).state == "due"
    standings = BillingStandings(world.pool, world.settings, clock=lambda: world.now)
    assert not (await standings.standings([PLATE]))[PLATE].bound
    cards = world.simulator.stripe.v1.customers.payment_methods.list(customer)
    assert len(cards.data) == 0
    with pytest.raises(NoPaymentMethodError):
        await leave.unbind_method(world.pool, driver, now=world.now)
    await world.leave_card(driver, VISA)
    await world.settle()
    assert [amount for _, amount in world.charges()] == [1_500]
    await world.assert_sound()


async def test_a_plate_let_go_keeps_its_stays_with_whoever_made_them(world: BillingWorld) -> None:
    seller, buyer = await world.driver(PLATE, card=None), await world.driver("浙A00001", card=None)
    made = world.priced(PLATE, 1_500)
    await world.publish(made)
    await world.later(hours=1)
    await leave.unbind_plate(world.pool, seller, PLATE, now=world.now)
    with pytest.raises(PlateNotBoundError):
        await leave.unbind_plate(world.pool, seller, PLATE, now=world.now)
    assert await bind.bind_plate(world.pool, world.settings, buyer, PLATE, now=world.now) == 0
    await world.later(hours=3)
    # A message about a stay from before the sale comes late; one about a newer stay as usual.
    late = world.priced(PLATE, 700, left_at=world.start, entered_at=world.start)
    newer = world.priced(PLATE, 900, left_at=world.now, entered_at=world.start)
    await world.publish(late, newer)
    await world.drain()
    owners = {
        row["stay_id"]: row["account_id"]
        for row in await world.pool.fetch("SELECT stay_id, account_id FROM billing.obligation")
    }
    assert owners == {made.stay_id: seller, late.stay_id: seller, newer.stay_id: buyer}


async def test_an_account_is_closed_only_when_all_is_paid(world: BillingWorld) -> None:
    account = await world.sign_in(PHONE)
    driver = account.account_id
    await bind.bind_plate(world.pool, world.settings, driver, PLATE, now=world.now)
    stay = world.priced(PLATE, 1_500)
    await world.publish(stay)
    await world.drain()
    with pytest.raises(AccountOwesError, match="1500"):
        await leave.close_account(world.pool, driver, now=world.now)
    world.visit(await world.checkout(stay.stay_id), VISA)
    await world.settle()
    await leave.close_account(world.pool, driver, now=world.now)
    assert await sign_in.holder_of_token(world.pool, account.token, now=world.now) is None
    await world.later(minutes=2)
    reborn = await world.sign_in(PHONE)
    assert reborn.created
    assert reborn.account_id != driver
    await bind.bind_plate(world.pool, world.settings, reborn.account_id, PLATE, now=world.now)
    await world.assert_sound()
