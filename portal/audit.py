"""The invariants of docs/architecture.md, checked against what really lies in the database.

One checker for all: the demo, the tests, the simulations and `parking audit`. It shares no code
with the hot paths but the pure cores: stays are folded again from the bare facts, fees priced
again from the bare tariffs, and both must come out as they are stored. What billing can check by
itself lies in billing/audit/; here is what concerns parking, and both rooms together.
"""

from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from datetime import datetime
from functools import reduce
from typing import Final

import httpx
import msgspec

from billing.audit import Truth, read_truth
from billing.audit import violations as billing_violations
from parking.core.errors import DomainError
from parking.core.fee_facts import FeeFact
from parking.core.folding import fold
from parking.core.ids import LotId, StayId, TariffId
from parking.core.place import StayRules
from parking.core.plate import Plate, mask_plate
from parking.core.pricing_plan import compile_tariff
from parking.core.stay import Stay, StayState
from parking.core.stay_fee import KnownStay, PlateAccount, in_order, stay_fee
from parking.core.tariff_document import read_tariff_json
from parking.core.tariff_versions import PricedFrom, TariffVersions
from parking.db import stays as stay_rows
from parking.db.closing import close_pool
from parking.db.plate_facts import facts_of_plate
from parking.db.pool import Connection, Pool, open_pool, transaction

_TRUTH_TIMEOUT_SECONDS: Final = 10.0

_PLATES: Final = """
SELECT lot_id, plate FROM parking.lane_event WHERE plate IS NOT NULL AND type LIKE 'vehicle%'
UNION SELECT lot_id, plate FROM parking.amendment WHERE plate IS NOT NULL
UNION SELECT lot_id, plate FROM parking.stay
ORDER BY 1, 2
"""
_RULES: Final = "SELECT lot_id, rules::text AS rules FROM parking.lot"
_TARIFFS: Final = """
SELECT tariff_id, effective_from, document::text AS document FROM parking.tariff_version
ORDER BY tariff_id, effective_from, version
"""
_FEE_FACTS: Final = """
SELECT document::text AS document FROM parking.fee_fact
WHERE lot_id = $1 AND (plate = $2 OR stay_id = ANY($3::uuid[]))
"""
_UNBILLED: Final = """
SELECT stay.stay_id, stay.plate, stay.fee_minor, obligation.charged_minor, obligation.state
FROM parking.stay LEFT JOIN billing.obligation USING (stay_id)
WHERE stay.state = 'closed' AND NOT stay.dissolved
  AND coalesce(obligation.charged_minor, 0) <> stay.fee_minor
  AND NOT EXISTS (SELECT FROM parking.outbox WHERE payload ->> 'stay_id' = stay.stay_id::text)
"""
_UNFOUNDED: Final = """
SELECT obligation.stay_id, obligation.plate, obligation.charged_minor, stay.state, stay.dissolved
FROM billing.obligation LEFT JOIN parking.stay USING (stay_id)
WHERE obligation.charged_minor > 0
  AND (stay.stay_id IS NULL OR stay.dissolved OR stay.state <> 'closed')
  AND NOT EXISTS (SELECT FROM parking.outbox WHERE payload ->> 'stay_id' = obligation.stay_id::text)
"""
_HASTY: Final = """
SELECT obligation.stay_id, obligation.plate
FROM parking.review
JOIN parking.stay ON stay.exit_event_id = review.exit_event_id
JOIN billing.obligation USING (stay_id)
WHERE review.kind = 'near_miss' AND review.state = 'pending' AND obligation.charged_minor > 0
"""

_HOLDS: Final = """
SELECT stay.stay_id, stay.hold, obligation.hold AS billed
FROM parking.stay JOIN billing.obligation USING (stay_id)
WHERE stay.state = 'closed' AND NOT stay.dissolved
  AND stay.hold IS DISTINCT FROM obligation.hold
  AND NOT EXISTS (SELECT FROM parking.outbox WHERE payload ->> 'stay_id' = stay.stay_id::text)
"""
_OTHER_CARS: Final = """
SELECT stay_id, captured_minor - returned_minor AS kept FROM billing.obligation
WHERE hold = 'other_car' AND (account_id IS NOT NULL OR captured_minor > returned_minor)
"""


class Violation(msgspec.Struct, frozen=True, kw_only=True, order=True):
    """One invariant that does not hold, for one thing."""

    invariant: str
    """Which: `stays-are-the-fold`, `one-obligation-per-billable-stay`, …"""
    subject: str
    """The id of what is wrong; plates are masked."""
    text: str

    def __str__(self) -> str:
        """One line for a person."""
        return f"{self.invariant}: {self.subject}: {self.text}"

    def as_json(self) -> dict[str, str]:
        """The same for a program."""
        return {"invariant": self.invariant, "subject": self.subject, "text": self.text}


class TruthUnreachableError(DomainError):
    """The payment simulator's truth log cannot be read."""

    def __init__(self, url: str, reason: str) -> None:
        super().__init__(f"the truth log at {url} cannot be read: {reason}")


async def audit_database(
    database_url: str, *, now: datetime, truth_urls: Sequence[str] = ()
) -> list[Violation]:
    """Open the database, check everything, answer what is violated."""
    pool = await open_pool(database_url, size_max=2)
    try:
        return await audit(pool, now=now, truth_urls=truth_urls)
    finally:
        await close_pool(pool)


async def audit(pool: Pool, *, now: datetime, truth_urls: Sequence[str] = ()) -> list[Violation]:
    """Check every invariant; answers what is violated, sorted, and [] when all is well.

    With `truth_urls`, the addresses of providers' simulators, what they really charged is held
    against the ledger as well: of each provider by its own simulator.

    Raises TruthUnreachableError and DatabaseUnavailableError.
    """
    truths = [await _fetch_truth(url) for url in truth_urls]
    truth = reduce(Truth.beside, truths) if truths else None
    async with transaction(pool) as connection:
        await connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        found = [each async for each in _check_stays(connection, now=now)]
        found += [each async for each in _check_billing(connection)]
        found += [
            Violation(invariant=each.invariant, subject=each.subject, text=each.text)
            async for each in billing_violations(connection, truth=truth)
        ]
    return sorted(found)


async def _fetch_truth(url: str) -> Truth:
    address = f"{url.rstrip('/')}/_sim/truth"
    try:
        async with httpx.AsyncClient(timeout=_TRUTH_TIMEOUT_SECONDS, trust_env=False) as client:
            reply = await client.get(address)
            reply.raise_for_status()
        return read_truth(reply.content)
    except (httpx.HTTPError, msgspec.DecodeError) as error:
        raise TruthUnreachableError(address, str(error)) from None


async def _check_stays(connection: Connection, *, now: datetime) -> AsyncIterator[Violation]:
    """Stays are the fold of their facts, and fees what the sealed tariff says."""
    rules = {
        LotId(row["lot_id"]): msgspec.json.decode(row["rules"], type=StayRules)
        for row in await connection.fetch(_RULES)
    }
    tariffs = await _tariffs(connection)
    for row in await connection.fetch(_PLATES):
        lot_id, plate = LotId(row["lot_id"]), Plate(row["plate"])
        facts = await facts_of_plate(connection, lot_id, plate)
        stored = await stay_rows.of_plates(connection, lot_id, [plate])
        alive = {stay_id: each for stay_id, each in stored.items() if not each.dissolved}
        kept = fold(facts, plate=plate, rules=rules[lot_id])
        swept = fold(facts, plate=plate, rules=rules[lot_id], now=now)
        for violation in _compare(kept, swept, [each.stay for each in alive.values()]):
            yield violation
        account = await _account(connection, lot_id, plate, alive)
        for each in alive.values():
            for violation in _check_price(each, tariffs, account):
                yield violation


def _compare(
    kept: Sequence[Stay], swept: Sequence[Stay], stored: Sequence[Stay]
) -> Iterator[Violation]:
    """A stay past its maximum may be stored as open or as a missed exit: the sweep takes time."""
    right = {stay.stay_id: stay for stay in kept}
    also_right = {stay.stay_id: stay for stay in swept}
    found = {stay.stay_id: stay for stay in stored}
    for stay_id in right.keys() | found.keys():
        stay = found.get(stay_id)
        if stay is not None and stay in (right.get(stay_id), also_right.get(stay_id)):
            continue
        yield Violation(
            invariant="stays-are-the-fold",
            subject=str(stay_id),
            text=f"stored {_shown(stay)}, the facts give {_shown(right.get(stay_id))}",
        )


def _shown(stay: Stay | None) -> str:
    if stay is None:
        return "nothing"
    return f"{stay.state.value} {mask_plate(stay.plate)} {stay.entered_at} to {stay.left_at}"


async def _tariffs(connection: Connection) -> dict[TariffId, TariffVersions]:
    versions: dict[TariffId, list[PricedFrom]] = {}
    for row in await connection.fetch(_TARIFFS):
        ready = compile_tariff(read_tariff_json(row["document"]))
        versions.setdefault(row["tariff_id"], []).append(PricedFrom(row["effective_from"], ready))
    return {tariff_id: TariffVersions(found) for tariff_id, found in versions.items()}


async def _account(
    connection: Connection, lot_id: LotId, plate: Plate, rows: Mapping[StayId, stay_rows.StayRow]
) -> PlateAccount:
    """All that bears on the fees of a plate's stays."""
    known = [_known(row) for row in rows.values()]
    facts = [
        msgspec.json.decode(row["document"], type=FeeFact)
        for row in await connection.fetch(_FEE_FACTS, lot_id, plate, list(rows))
    ]
    return PlateAccount(facts=facts, stays=in_order(each for each in known if each is not None))


def _known(row: stay_rows.StayRow) -> KnownStay | None:
    stay = row.stay
    if stay.state is not StayState.CLOSED or stay.entered_at is None or stay.left_at is None:
        return None
    return KnownStay(
        stay_id=stay.stay_id,
        plate=stay.plate,
        colour=stay.colour,
        tariff_id=row.tariff_id,
        entered_at=stay.entered_at,
        left_at=stay.left_at,
        drive_through=stay.drive_through,
    )


def _check_price(
    row: stay_rows.StayRow, tariffs: Mapping[TariffId, TariffVersions], account: PlateAccount
) -> Iterator[Violation]:
    stay = _known(row)
    if stay is None:
        return
    stored = row.fee
    again = stay_fee(stay, versions_of=tariffs.__getitem__, account=account)
    if stored is None or stored != again or row.fee_minor != stored.total.amount_minor:
        yield Violation(
            invariant="fees-follow-their-tariff",
            subject=str(stay.stay_id),
            text=f"stored {None if stored is None else stored.total} ({row.fee_minor} fen), "
            f"the tariff gives {again.total}",
        )


async def _check_billing(connection: Connection) -> AsyncIterator[Violation]:
    """What is closed is owed exactly once, what is owed was a closed stay."""
    for row in await connection.fetch(_UNBILLED):
        yield Violation(
            invariant="one-obligation-per-billable-stay",
            subject=str(row["stay_id"]),
            text=f"costs {row['fee_minor']} fen, billed are {row['charged_minor'] or 0} "
            f"({row['state'] or 'no obligation'})",
        )
    for row in await connection.fetch(_UNFOUNDED):
        state = "dissolved" if row["dissolved"] else row["state"] or "unknown"
        yield Violation(
            invariant="no-obligation-without-a-stay",
            subject=str(row["stay_id"]),
            text=f"{row['charged_minor']} fen are billed for a stay that is {state}",
        )
    for row in await connection.fetch(_HASTY):
        yield Violation(
            invariant="tentative-is-not-charged",
            subject=str(row["stay_id"]),
            text="is billed although its match is still to be confirmed",
        )
    for row in await connection.fetch(_HOLDS):
        yield Violation(
            invariant="holds-reach-billing",
            subject=str(row["stay_id"]),
            text=f"is held as {row['hold']}, billing holds it as {row['billed']}",
        )
    for row in await connection.fetch(_OTHER_CARS):
        yield Violation(
            invariant="another-cars-stay-is-charged-to-nobody",
            subject=str(row["stay_id"]),
            text=f"was found to be another car's, but {row['kept']} fen are kept or asked for",
        )
