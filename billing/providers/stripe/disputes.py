"""Disputes: what banks take back, how it stands, and the evidence that we give."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import stripe

from billing.core.attempt import Unknown
from billing.core.disputes import DisputeState, Movement, MovementKind
from billing.core.evidence import Evidence
from billing.dispute_gateway import DisputeReport
from billing.gateway import GatewayUnavailableError
from billing.gateway_request import GatewayRequest, Json
from billing.providers.stripe.client import PAGE, Resource, keyed, unknown
from billing.providers.stripe.shapes import DisputeMoveShape, DisputeShape, read
from parking.core.ids import PaymentId

UPDATE_DISPUTE = "disputes.update"
CLOSE_DISPUTE = "disputes.close"
_EXPAND: list[Json] = ["payment_intent"]
_STATES = {
    "warning_needs_response": DisputeState.INQUIRY,
    "warning_under_review": DisputeState.INQUIRY,
    "warning_closed": DisputeState.CLOSED,
    "prevented": DisputeState.CLOSED,
    "needs_response": DisputeState.OPEN,
    "under_review": DisputeState.UNDER_REVIEW,
    "won": DisputeState.WON,
    "lost": DisputeState.LOST,
}


class Disputes(Resource):
    """Disputes of charges, as a DisputeGateway."""

    def evidence_request(self, dispute_ref: str, evidence: Evidence) -> GatewayRequest:
        """Word evidence as text; Stripe takes files beside it, which we have none of."""
        fields: dict[str, Json] = {
            "product_description": evidence.description,
            "service_date": evidence.service_dates,
            "access_activity_log": evidence.access_log,
            "refund_policy_disclosure": evidence.policy,
            "uncategorized_text": evidence.other,
        }
        if evidence.refunds is not None:
            fields["refund_refusal_explanation"] = evidence.refunds
        if evidence.not_duplicate is not None:
            fields["duplicate_charge_explanation"] = evidence.not_duplicate
        return GatewayRequest(
            operation=UPDATE_DISPUTE,
            parameters={
                "dispute": dispute_ref,
                "evidence": fields,
                "submit": True,
                "expand": _EXPAND,
            },
        )

    def concession_request(self, dispute_ref: str) -> GatewayRequest:
        """Word that we give in."""
        return GatewayRequest(
            operation=CLOSE_DISPUTE, parameters={"dispute": dispute_ref, "expand": _EXPAND}
        )

    async def look_up_dispute(self, dispute_ref: str) -> DisputeReport | None:
        """Ask how a dispute stands; None: there is none. Raises GatewayUnavailableError."""
        parameters: Any = {"expand": _EXPAND}
        try:
            answer = await self._client.v1.disputes.retrieve_async(dispute_ref, parameters)
        except stripe.InvalidRequestError:
            return None
        except stripe.StripeError as error:
            raise GatewayUnavailableError(type(error).__name__) from error
        return report_of(read(answer, DisputeShape))

    async def answer_dispute(
        self, request: GatewayRequest, *, idempotency_key: str
    ) -> DisputeReport | Unknown:
        """Send evidence or a concession, or send it again; Unknown: look it up to know."""
        disputes = self._client.v1.disputes
        parameters: Any = dict(request.parameters)
        dispute_ref = str(parameters.pop("dispute"))
        call = disputes.close_async if request.operation == CLOSE_DISPUTE else disputes.update_async
        try:
            answer = await call(dispute_ref, parameters, keyed(idempotency_key))
        except stripe.InvalidRequestError as error:
            # Too late, or answered before: how it stands is the answer.
            return Unknown(reason=error.code or error.user_message or "invalid")
        except stripe.StripeError as error:
            return unknown(error)
        return report_of(read(answer, DisputeShape))

    async def disputes_since(self, since: datetime) -> AsyncIterator[str]:
        """Name the disputes opened since an instant. Raises GatewayUnavailableError."""
        parameters: Any = {"created": {"gte": int(since.timestamp())}, "limit": PAGE}
        try:
            page = await self._client.v1.disputes.list_async(parameters)
            async for answer in page.auto_paging_iter():
                yield answer.id
        except stripe.StripeError as error:
            raise GatewayUnavailableError(type(error).__name__) from error


def report_of(dispute: DisputeShape) -> DisputeReport:
    """Read a dispute; its payment intent must be expanded."""
    return DisputeReport(
        dispute_ref=dispute.id,
        # A status that Stripe adds one day is something that goes on without us.
        state=_STATES.get(dispute.status, DisputeState.UNDER_REVIEW),
        reason=dispute.reason,
        amount_minor=dispute.amount,
        currency=dispute.currency.upper(),
        payment_id=_payment_id(dispute),
        charge_ref=dispute.charge,
        opened_at=datetime.fromtimestamp(dispute.created, UTC),
        answer_by=_instant(dispute.evidence_details.due_by),
        answered=dispute.evidence_details.submission_count > 0,
        movements=tuple(map(_movement, dispute.balance_transactions)),
    )


def _payment_id(dispute: DisputeShape) -> PaymentId | None:
    intent = dispute.payment_intent
    text = None if intent is None else intent.metadata.get("payment_id")
    try:
        return None if text is None else PaymentId(UUID(text))
    except ValueError:
        return None


def _movement(move: DisputeMoveShape) -> Movement:
    """A negative amount left us."""
    return Movement(
        ref=move.id,
        kind=MovementKind.WITHDRAWN if move.amount < 0 else MovementKind.REINSTATED,
        amount_minor=abs(move.amount),
        fee_minor=move.fee,
        moved_at=datetime.fromtimestamp(move.created, UTC),
    )


def _instant(seconds: int | None) -> datetime | None:
    return None if seconds is None else datetime.fromtimestamp(seconds, UTC)
