"""A dispute: a payer told the bank that a charge was wrong."""

from typing import ClassVar, Literal

import msgspec

from gateway_sim.payments.shapes.base import Shape
from gateway_sim.wire import JsonObject

EVIDENCE = (
    "access_activity_log",
    "billing_address",
    "cancellation_policy",
    "cancellation_policy_disclosure",
    "cancellation_rebuttal",
    "customer_communication",
    "customer_email_address",
    "customer_name",
    "customer_purchase_ip",
    "customer_signature",
    "duplicate_charge_documentation",
    "duplicate_charge_explanation",
    "duplicate_charge_id",
    "product_description",
    "receipt",
    "refund_policy",
    "refund_policy_disclosure",
    "refund_refusal_explanation",
    "service_date",
    "service_documentation",
    "shipping_address",
    "shipping_carrier",
    "shipping_date",
    "shipping_documentation",
    "shipping_tracking_number",
    "uncategorized_file",
    "uncategorized_text",
)


class EvidenceDetails(msgspec.Struct, kw_only=True):
    """How far the evidence is."""

    due_by: int | None
    enhanced_eligibility: JsonObject = msgspec.field(default_factory=dict)
    has_evidence: bool = False
    past_due: bool = False
    """Answered by the clock when asked."""
    submission_count: int = 0


def _no_evidence() -> JsonObject:
    return {**dict.fromkeys(EVIDENCE), "enhanced_evidence": {}}


class Dispute(Shape, kw_only=True):
    """Money taken back by the bank until it has decided."""

    KIND: ClassVar[str] = "dispute"

    object: Literal["dispute"] = "dispute"
    livemode: bool = False
    amount: int
    balance_transactions: list[str] = []
    """Answered as objects."""
    charge: str
    currency: str
    enhanced_eligibility_types: list[str] = []
    evidence: JsonObject = msgspec.field(default_factory=_no_evidence)
    evidence_details: EvidenceDetails
    is_charge_refundable: bool = False
    metadata: dict[str, str] = {}
    payment_intent: str | None = None
    payment_method_details: JsonObject
    reason: str
    status: Literal[
        "lost",
        "needs_response",
        "under_review",
        "warning_closed",
        "warning_needs_response",
        "warning_under_review",
        "won",
    ] = "needs_response"
