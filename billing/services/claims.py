"""Claims to a plate that another account has: evidence in, a decision out, the plate moved."""

from collections.abc import Callable
from datetime import datetime
from uuid import UUID

import msgspec
import structlog

from billing.core.claims import (
    AskPerson,
    Grant,
    HolderAnswer,
    LookAgain,
    Refuse,
    StayFact,
    fact_matches,
    judge_claim,
    may_claim_from,
)
from billing.db import accounts, case_notes, claims
from billing.db.case_notes import CaseNote
from billing.db.claims import ClaimRow
from billing.db.connection import Connection, Pool, reading, transaction
from billing.notifications import NotificationKind
from billing.services.bind import AccountNotFoundError, attach_arrears
from billing.services.ids import new_id
from billing.services.notify import tell
from billing.settings import BillingSettings
from parking.core.errors import DomainError
from parking.core.ids import AccountId
from parking.core.plate import Plate, mask_plate

_log = structlog.get_logger(__name__)
_RULE = "rule:claims"
_LISTED_MAX = 200
Clock = Callable[[], datetime]


class NothingToClaimError(DomainError):
    """The plate is free, one's own, or claimed by someone already."""

    def __init__(self, plate: Plate) -> None:
        super().__init__(
            f"plate {mask_plate(plate)} cannot be claimed: bind it if it is free, "
            "or wait until another claim to it is decided"
        )


class ClaimTooSoonError(DomainError):
    """Claims of this account came to nothing lately."""

    def __init__(self, from_at: datetime) -> None:
        super().__init__(
            "your last claims were withdrawn or refused; "
            f"another is taken from {from_at.isoformat(timespec='seconds')} on"
        )
        self.from_at = from_at


class ClaimNotFoundError(DomainError):
    """There is no such claim, or it is no matter of this account."""

    def __init__(self, claim_id: UUID) -> None:
        super().__init__(f"there is no claim {claim_id}")


class ClaimDecidedError(DomainError):
    """The claim is decided already."""

    def __init__(self, claim: ClaimRow) -> None:
        super().__init__(f"claim {claim.claim_id} is {claim.state} already")


class FactTriesUsedError(DomainError):
    """No further fact is taken for this claim."""

    def __init__(self) -> None:
        super().__init__("no further fact is taken; give the vehicle licence, or wait for a person")


class ClaimDesk:
    """Where claims are made, answered and decided."""

    def __init__(self, pool: Pool, settings: BillingSettings, clock: Clock) -> None:
        self._pool = pool
        self._settings = settings
        self._clock = clock

    async def open(self, plate: Plate, *, claimant_id: AccountId) -> ClaimRow:
        """Open a claim to a plate that another account has.

        Raises NothingToClaimError, ClaimTooSoonError.
        """
        now = self._clock()
        claim_id = new_id(now)
        async with transaction(self._pool) as db:
            if not await accounts.keep_open(db, claimant_id):
                raise AccountNotFoundError(claimant_id)
            earlier = await claims.lock_earlier(db, claimant_id, plate)
            from_at = may_claim_from(earlier, rule=self._settings.claim_rule, now=now)
            if from_at is not None:
                raise ClaimTooSoonError(from_at)
            if not await claims.insert(db, claim_id, plate=plate, claimant_id=claimant_id, now=now):
                raise NothingToClaimError(plate)
            claim = await _lock(db, claim_id)
            await tell(
                db,
                NotificationKind.CLAIM_OPENED,
                account_id=claim.holder_id,
                about=claim_id,
                parameters={
                    "plate": mask_plate(plate),
                    "days": str(self._settings.claim_answer_days),
                },
                now=now,
            )
            return await _look(db, claim, settings=self._settings, now=now)

    async def give_licence(
        self, claim_id: UUID, *, claimant_id: AccountId, licence_ref: str
    ) -> ClaimRow:
        """Take the reference of a vehicle licence in."""
        now = self._clock()
        async with transaction(self._pool) as db:
            claim = await _lock_for(db, claim_id, claimant_id=claimant_id)
            await _note(db, claim, said_by="claimant", kind="licence", text=licence_ref, now=now)
            proven = msgspec.structs.replace(claim, licence_ref=licence_ref)
            return await _look(db, proven, settings=self._settings, now=now)

    async def give_fact(
        self, claim_id: UUID, *, claimant_id: AccountId, fact: StayFact
    ) -> ClaimRow:
        """Take a fact from a recent stay in. Raises FactTriesUsedError."""
        now, rule = self._clock(), self._settings.claim_rule
        async with transaction(self._pool) as db:
            claim = await _lock_for(db, claim_id, claimant_id=claimant_id)
            if claim.fact_tries >= rule.fact_tries_max:
                raise FactTriesUsedError
            stays = await claims.recent_stays(
                db, claim.plate, since=claim.opened_at - rule.fact_age, before=claim.opened_at
            )
            matched = fact_matches(fact, stays, rule=rule)
            text = f"{fact.lot_id} {fact.entered_at.isoformat()} {'right' if matched else 'wrong'}"
            await _note(db, claim, said_by="claimant", kind="stay_fact", text=text, now=now)
            tried = msgspec.structs.replace(
                claim, fact_tries=claim.fact_tries + 1, fact_matched=claim.fact_matched or matched
            )
            return await _look(db, tried, settings=self._settings, now=now)

    async def answer(
        self, claim_id: UUID, *, holder_id: AccountId, answer: HolderAnswer, text: str = ""
    ) -> ClaimRow:
        """Take the holder's answer in; agreeing moves the plate at once."""
        now = self._clock()
        async with transaction(self._pool) as db:
            claim = await _lock_for(db, claim_id, holder_id=holder_id)
            await _note(db, claim, said_by="holder", kind=answer.value, text=text, now=now)
            answered = msgspec.structs.replace(claim, holder_answer=answer)
            return await _look(db, answered, settings=self._settings, now=now)

    async def withdraw(self, claim_id: UUID, *, claimant_id: AccountId) -> None:
        """Take a claim back."""
        now = self._clock()
        async with transaction(self._pool) as db:
            claim = await _lock_for(db, claim_id, claimant_id=claimant_id)
            await claims.decide(
                db, claim.claim_id, state="withdrawn", by="claimant", reason="", now=now
            )

    async def decide(self, claim_id: UUID, *, grant: bool, by: str, reason: str) -> ClaimRow:
        """Decide as a person, whatever the rules would say. Raises ClaimDecidedError."""
        now = self._clock()
        async with transaction(self._pool) as db:
            claim = await _lock_for(db, claim_id)
            verdict = Grant(reason) if grant else Refuse(reason)
            return await _carry_out(db, claim, verdict, by=by, settings=self._settings, now=now)

    async def of_account(self, account_id: AccountId) -> list[ClaimRow]:
        """List the claims that an account has made, and those against it."""
        async with transaction(self._pool) as db:
            return await claims.of_account(db, account_id)

    async def show(self, claim_id: UUID) -> tuple[ClaimRow, list[CaseNote]]:
        """Read a claim with all that was said. Raises ClaimNotFoundError."""
        async with reading(self._pool) as db:
            claim = await claims.read(db, claim_id)
            if claim is None:
                raise ClaimNotFoundError(claim_id)
            return claim, await case_notes.of_case(db, claim_id)

    async def undecided(self) -> list[tuple[ClaimRow, list[CaseNote]]]:
        """List the open claims with all that was said, for a person to decide."""
        async with transaction(self._pool) as db:
            found = await claims.open_ones(db, limit=_LISTED_MAX)
            return [(claim, await case_notes.of_case(db, claim.claim_id)) for claim in found]


async def work_claims(pool: Pool, settings: BillingSettings, *, now: datetime) -> int:
    """Decide claims whose time has come; says how many were looked at."""
    async with transaction(pool) as db:
        due = await claims.lock_due(db, limit=settings.worker_batch, now=now)
        for claim in due:
            await _look(db, claim, settings=settings, now=now)
    return len(due)


async def _lock(db: Connection, claim_id: UUID) -> ClaimRow:
    claim = await claims.lock(db, claim_id)
    if claim is None:
        raise ClaimNotFoundError(claim_id)
    return claim


async def _lock_for(
    db: Connection,
    claim_id: UUID,
    *,
    claimant_id: AccountId | None = None,
    holder_id: AccountId | None = None,
) -> ClaimRow:
    """Lock an open claim of this claimant, or against this holder."""
    claim = await _lock(db, claim_id)
    if claimant_id not in (None, claim.claimant_id) or holder_id not in (None, claim.holder_id):
        raise ClaimNotFoundError(claim_id)
    if claim.state != "open":
        raise ClaimDecidedError(claim)
    return claim


async def _look(
    db: Connection, claim: ClaimRow, *, settings: BillingSettings, now: datetime
) -> ClaimRow:
    """Decide by rule what can be decided now, and store the rest."""
    verdict: Grant | Refuse | LookAgain | AskPerson
    verdict = judge_claim(claim.evidence, rule=settings.claim_rule, now=now)
    if not claim.still_held:
        verdict = Grant("the holder has let the plate go")
    match verdict:
        case LookAgain(at=at):
            waiting = msgspec.structs.replace(claim, due_at=at)
        case AskPerson():
            waiting = msgspec.structs.replace(claim, due_at=None)
        case _:
            await claims.update(db, claim)
            return await _carry_out(db, claim, verdict, by=_RULE, settings=settings, now=now)
    await claims.update(db, waiting)
    return waiting


async def _carry_out(
    db: Connection,
    claim: ClaimRow,
    verdict: Grant | Refuse,
    *,
    by: str,
    settings: BillingSettings,
    now: datetime,
) -> ClaimRow:
    state = "granted" if isinstance(verdict, Grant) else "refused"
    plate = mask_plate(claim.plate)
    if isinstance(verdict, Grant):
        await accounts.end_binding(db, claim.holder_id, claim.plate, now=now)
        if not await accounts.bind(
            db, claim.claimant_id, claim.plate, binding_id=new_id(now), now=now
        ):
            state = "refused"
            verdict = Refuse("someone else has bound the plate meanwhile")
    await claims.decide(db, claim.claim_id, state=state, by=by, reason=verdict.reason, now=now)
    await _note(db, claim, said_by=by, kind=state, text=verdict.reason, now=now)
    if state == "granted":
        await attach_arrears(db, settings, claim.claimant_id, claim.plate, now=now)
        await tell(
            db,
            NotificationKind.PLATE_MOVED,
            account_id=claim.holder_id,
            about=claim.claim_id,
            parameters={"plate": plate},
            now=now,
        )
    kind = NotificationKind.CLAIM_GRANTED if state == "granted" else NotificationKind.CLAIM_REFUSED
    await tell(
        db,
        kind,
        account_id=claim.claimant_id,
        about=claim.claim_id,
        parameters={"plate": plate, "reason": verdict.reason},
        now=now,
    )
    _log.info("claim_decided", claim_id=str(claim.claim_id), state=state, by=by)
    return msgspec.structs.replace(
        claim, state=state, decided_at=now, reason=verdict.reason, due_at=None
    )


async def _note(
    db: Connection, claim: ClaimRow, *, said_by: str, kind: str, text: str, now: datetime
) -> None:
    await case_notes.insert(
        db, new_id(now), case_id=claim.claim_id, said_by=said_by, kind=kind, text=text, now=now
    )
