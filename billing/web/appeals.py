"""Routes for contesting a fee and for deciding about it."""

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

import msgspec
from litestar import Request, Router, get, post
from litestar.params import FromPath, JSONBody, PathParameter
from msgspec import Meta

from billing.core.appeals import Correction, Ground, NeverWas, RightExit, RightPlate
from billing.core.bindable import plate_of
from billing.db.appeals import AppealRow
from billing.web.access import (
    STORABLE,
    KeyHolder,
    operator_key,
    require_operator,
    services_of,
)
from parking.core.errors import DomainError
from parking.core.ids import SLUG_PATTERN, OperatorId, StayId

AnyRequest = Request[Any, Any, Any]
Text = Annotated[str, Meta(min_length=3, max_length=4000, pattern=STORABLE)]
OperatorPath = Annotated[str, PathParameter(pattern=SLUG_PATTERN)]


class CorrectionNeededError(DomainError):
    """A granted appeal says which fact was wrong; a refused one does not."""

    def __init__(self) -> None:
        super().__init__("`correction` goes with `grant`, and only with it")


class AppealBody(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a driver says against a fee."""

    ground: Literal["not_my_car", "barrier_broken", "wrong_time", "other"]
    statement: Text
    evidence_ref: Annotated[str, Meta(max_length=500, pattern=STORABLE)] | None = None
    """Where a photograph or paper can be looked at."""


class DecisionBody(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a person decides, and which fact is corrected by it."""

    decision: Literal["grant", "refuse"]
    reason: Text
    correction: Correction | None = None


class Appeal(msgspec.Struct, frozen=True, kw_only=True):
    """An appeal as its driver and its operator may see it."""

    appeal_id: UUID
    stay_id: StayId
    operator_id: OperatorId
    ground: str
    statement: str
    evidence_ref: str | None
    state: str
    """`open`, `granted` (the fact is being corrected), `corrected`, `refused`, `withdrawn`.
    Nothing is collected during the first two."""
    opened_at: datetime
    decided_at: datetime | None
    reason: str


def _shown(appeal: AppealRow) -> Appeal:
    return Appeal(
        appeal_id=appeal.appeal_id,
        stay_id=appeal.stay_id,
        operator_id=appeal.operator_id,
        ground=appeal.ground.value,
        statement=appeal.statement,
        evidence_ref=appeal.evidence_ref,
        state=appeal.state,
        opened_at=appeal.opened_at,
        decided_at=appeal.decided_at,
        reason=appeal.reason,
    )


@post("/v1/stays/{stay_id:uuid}/appeals", summary="Contest a fee", security=[])
async def post_appeal(
    request: AnyRequest, stay_id: FromPath[UUID], data: JSONBody[AppealBody]
) -> Appeal:
    """Freeze collection until it is decided. Whoever knows the stay's id may contest it."""
    appeal = await services_of(request).appeals.open(
        StayId(stay_id),
        ground=Ground(data.ground),
        statement=data.statement,
        evidence_ref=data.evidence_ref,
    )
    return _shown(appeal)


@get("/v1/stays/{stay_id:uuid}/appeals", summary="List the appeals about a stay", security=[])
async def get_stay_appeals(request: AnyRequest, stay_id: FromPath[UUID]) -> list[Appeal]:
    """List them with their decisions, the first first."""
    return list(map(_shown, await services_of(request).appeals.of_stay(StayId(stay_id))))


@get("/v1/operators/{operator_id:str}/appeals", summary="List appeals to be decided")
async def get_appeals(request: AnyRequest, operator_id: OperatorPath) -> list[Appeal]:
    """List what is contested of an operator's fees, the oldest first."""
    operator = OperatorId(operator_id)
    await require_operator(request, operator)
    return list(map(_shown, await services_of(request).appeals.live(operator)))


@post("/v1/appeals/{appeal_id:uuid}/decision", status_code=200, summary="Decide an appeal")
async def post_decision(
    request: AnyRequest, appeal_id: FromPath[UUID], data: JSONBody[DecisionBody]
) -> Appeal:
    """Grant with the corrected fact, from which fee and money follow; or refuse with a reason."""
    return _shown(await carry_out(request, appeal_id, data, holder=await operator_key(request)))


async def carry_out(
    request: AnyRequest, appeal_id: UUID, body: DecisionBody, *, holder: KeyHolder
) -> AppealRow:
    """Decide as the holder of a key, who runs the lot or is an admin.

    Raises AppealNotFoundError, OtherOperatorError, CorrectionNeededError, AppealDecidedError.
    """
    desk = services_of(request).appeals
    by = await require_operator(request, await desk.operator_of(appeal_id), holder=holder)
    granted = body.decision == "grant"
    if granted is (body.correction is None):
        raise CorrectionNeededError
    if body.correction is None:
        return await desk.refuse(appeal_id, by=by, reason=body.reason)
    correction = _checked(body.correction)
    return await desk.grant(appeal_id, correction=correction, by=by, reason=body.reason)


def _checked(correction: Correction) -> Correction:
    match correction:
        case RightPlate(plate=plate):
            return RightPlate(plate=plate_of(plate))
        case RightExit(left_at=left_at) if left_at.tzinfo is None:
            raise CorrectionNeededError
        case RightExit() | NeverWas():
            return correction


def appeals_router() -> Router:
    """Put the routes about appeals together."""
    return Router(
        path="/",
        tags=["appeals"],
        route_handlers=[post_appeal, get_stay_appeals, get_appeals, post_decision],
    )
