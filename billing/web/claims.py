"""Routes for claims to a plate that another account has."""

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

import msgspec
from litestar import Request, Router, delete, get, post
from litestar.params import FromPath, JSONBody
from msgspec import Meta

from billing.core.bindable import plate_of
from billing.core.claims import HolderAnswer, StayFact
from billing.db.case_notes import CaseNote
from billing.db.claims import ClaimRow
from billing.web.access import STORABLE, driver_of, require_admin, services_of
from parking.core.ids import SLUG_PATTERN, LotId
from parking.core.plate import Plate

AnyRequest = Request[Any, Any, Any]
Reason = Annotated[str, Meta(min_length=3, max_length=2000, pattern=STORABLE)]
Instant = Annotated[datetime, Meta(tz=True)]


class LicenceBody(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where the vehicle licence can be looked at."""

    licence_ref: Annotated[str, Meta(min_length=3, max_length=500, pattern=STORABLE)]


class FactBody(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A stay of the last thirty days: in which lot, and when the car came in."""

    lot_id: Annotated[str, Meta(pattern=SLUG_PATTERN)]
    entered_at: Instant


class AnswerBody(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What the one who has the plate says."""

    answer: Literal["agrees", "contests"]
    text: Annotated[str, Meta(max_length=2000, pattern=STORABLE)] = ""


class DecisionBody(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A person's decision."""

    decision: Literal["grant", "refuse"]
    reason: Reason


class ClaimedPlate(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A plate to claim: whatever its form is, another account has it."""

    plate: Annotated[str, Meta(max_length=64)]


class Claim(msgspec.Struct, frozen=True, kw_only=True):
    """A claim as both sides may see it. Who the other side is, neither is told."""

    claim_id: UUID
    plate: Plate
    role: Literal["claimant", "holder"]
    state: str
    opened_at: datetime
    licence_given: bool
    fact_tries: int
    holder_answer: str | None
    decided_at: datetime | None
    reason: str


class OpenClaim(msgspec.Struct, frozen=True, kw_only=True):
    """A claim that a person may decide, with all that was said."""

    claim_id: UUID
    plate: Plate
    opened_at: datetime
    licence_ref: str | None
    fact_matched: bool
    holder_answer: str | None
    notes: tuple[CaseNote, ...]


def _shown(claim: ClaimRow, role: Literal["claimant", "holder"]) -> Claim:
    return Claim(
        claim_id=claim.claim_id,
        plate=claim.plate,
        role=role,
        state=claim.state,
        opened_at=claim.opened_at,
        licence_given=claim.licence_ref is not None,
        fact_tries=claim.fact_tries,
        holder_answer=None if claim.holder_answer is None else claim.holder_answer.value,
        decided_at=claim.decided_at,
        reason=claim.reason,
    )


@post("/v1/driver-accounts/me/plate-claims", summary="Claim a plate that another account has")
async def post_claim(request: AnyRequest, data: JSONBody[ClaimedPlate]) -> Claim:
    """Open a claim; the holder is told and keeps the plate until it is decided."""
    account_id = await driver_of(request)
    claim = await services_of(request).claims.open(plate_of(data.plate), claimant_id=account_id)
    return _shown(claim, "claimant")


@get("/v1/driver-accounts/me/plate-claims", summary="List my claims and those against me")
async def get_claims(request: AnyRequest) -> list[Claim]:
    """List the newest first."""
    account_id = await driver_of(request)
    return [
        _shown(claim, "claimant" if claim.claimant_id == account_id else "holder")
        for claim in await services_of(request).claims.of_account(account_id)
    ]


@post("/v1/plate-claims/{claim_id:uuid}/licence", summary="Give the vehicle licence")
async def post_licence(
    request: AnyRequest, claim_id: FromPath[UUID], data: JSONBody[LicenceBody]
) -> Claim:
    """Add a reference to the vehicle licence."""
    account_id = await driver_of(request)
    claim = await services_of(request).claims.give_licence(
        claim_id, claimant_id=account_id, licence_ref=data.licence_ref
    )
    return _shown(claim, "claimant")


@post("/v1/plate-claims/{claim_id:uuid}/stay-fact", summary="Tell a fact that the driver knows")
async def post_fact(
    request: AnyRequest, claim_id: FromPath[UUID], data: JSONBody[FactBody]
) -> Claim:
    """Say where and when the car came in lately. Whether it was right is not answered."""
    account_id = await driver_of(request)
    fact = StayFact(lot_id=LotId(data.lot_id), entered_at=data.entered_at)
    claim = await services_of(request).claims.give_fact(claim_id, claimant_id=account_id, fact=fact)
    return _shown(claim, "claimant")


@post("/v1/plate-claims/{claim_id:uuid}/answer", summary="Answer a claim to my plate")
async def post_answer(
    request: AnyRequest, claim_id: FromPath[UUID], data: JSONBody[AnswerBody]
) -> Claim:
    """Agree, which moves the plate at once, or contest, which lets a person decide."""
    account_id = await driver_of(request)
    claim = await services_of(request).claims.answer(
        claim_id, holder_id=account_id, answer=HolderAnswer(data.answer), text=data.text
    )
    return _shown(claim, "holder")


@delete("/v1/plate-claims/{claim_id:uuid}", summary="Take a claim back")
async def delete_claim(request: AnyRequest, claim_id: FromPath[UUID]) -> None:
    """Withdraw one's own claim."""
    account_id = await driver_of(request)
    await services_of(request).claims.withdraw(claim_id, claimant_id=account_id)


@get("/v1/plate-claims", summary="List the claims to be decided")
async def get_open_claims(request: AnyRequest) -> list[OpenClaim]:
    """List the open claims with their evidence, the oldest first; for admins."""
    await require_admin(request)
    return [
        OpenClaim(
            claim_id=claim.claim_id,
            plate=claim.plate,
            opened_at=claim.opened_at,
            licence_ref=claim.licence_ref,
            fact_matched=claim.fact_matched,
            holder_answer=None if claim.holder_answer is None else claim.holder_answer.value,
            notes=tuple(notes),
        )
        for claim, notes in await services_of(request).claims.undecided()
    ]


@post("/v1/plate-claims/{claim_id:uuid}/decision", status_code=200, summary="Decide a claim")
async def post_decision(
    request: AnyRequest, claim_id: FromPath[UUID], data: JSONBody[DecisionBody]
) -> Claim:
    """Grant or refuse with a reason; for admins, since plates belong to no lot operator."""
    by = await require_admin(request)
    claim = await services_of(request).claims.decide(
        claim_id, grant=data.decision == "grant", by=by, reason=data.reason
    )
    return _shown(claim, "claimant")


def claims_router() -> Router:
    """Put the routes about claims together."""
    return Router(
        path="/",
        tags=["plates"],
        route_handlers=[
            post_claim,
            get_claims,
            post_licence,
            post_fact,
            post_answer,
            delete_claim,
            get_open_claims,
            post_decision,
        ],
    )
