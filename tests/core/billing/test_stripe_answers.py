"""What Stripe's objects and codes mean to billing."""

import pytest

from billing.core.attempt import (
    ActionRequired,
    DeclineClass,
    Declined,
    NotExecuted,
    Pending,
    Succeeded,
    Unknown,
)
from billing.providers.stripe.answers import call_off_answer, outcome_of, refund_answer
from billing.providers.stripe.shapes import (
    ChargeShape,
    ErrorShape,
    IntentShape,
    RefundShape,
    decline_class_of,
)
from billing.settings import BillingSettings, EmptyWebhookSecretError
from parking.core.secret import Secret


def intent(status: str, **more: object) -> IntentShape:
    return IntentShape(id="pi_1", status=status, currency="cny", created=1, **more)  # type: ignore[arg-type]


class TestPaymentIntent:
    def test_succeeded_with_its_charge_is_success(self) -> None:
        outcome = outcome_of(
            intent("succeeded", amount_received=1500, latest_charge=ChargeShape(id="ch", created=9))
        )
        assert isinstance(outcome, Succeeded)
        assert (outcome.amount_minor, outcome.currency, outcome.charge_ref) == (1500, "CNY", "ch")
        assert outcome.captured_at.timestamp() == 9

    @pytest.mark.parametrize(
        ("status", "kind"),
        [
            ("succeeded", Unknown),
            ("processing", Pending),
            ("requires_action", ActionRequired),
            ("requires_payment_method", NotExecuted),
            ("canceled", Declined),
            ("something_new", Unknown),
        ],
    )
    def test_everything_else_has_its_meaning(self, status: str, kind: type) -> None:
        assert isinstance(outcome_of(intent(status)), kind)

    def test_a_decline_says_why(self) -> None:
        error = ErrorShape(code="card_declined", decline_code="insufficient_funds")
        outcome = outcome_of(intent("requires_payment_method", last_payment_error=error))
        assert outcome == Declined(
            decline_class=DeclineClass.INSUFFICIENT_FUNDS,
            code="insufficient_funds",
            payment_ref="pi_1",
        )

    def test_called_off_means_cancelled_or_paid_and_nothing_between(self) -> None:
        assert isinstance(call_off_answer(outcome_of(intent("requires_payment_method"))), Unknown)


@pytest.mark.parametrize(
    ("code", "decline_class"),
    [
        ("insufficient_funds", DeclineClass.INSUFFICIENT_FUNDS),
        ("lost_card", DeclineClass.CARD_UNUSABLE),
        ("try_again_later", DeclineClass.TRY_AGAIN),
        ("authentication_required", DeclineClass.AUTHENTICATION_REQUIRED),
        ("generic_decline", DeclineClass.DO_NOT_HONOUR),
        ("a_code_of_next_year", DeclineClass.DO_NOT_HONOUR),
    ],
)
def test_decline_codes_are_sorted(code: str, decline_class: DeclineClass) -> None:
    assert decline_class_of(code) is decline_class


@pytest.mark.parametrize(
    ("status", "name"),
    [("succeeded", "Refunded"), ("pending", "RefundPending"), ("failed", "RefundFailed")],
)
def test_refunds_have_three_ends(status: str, name: str) -> None:
    answer = refund_answer(RefundShape(id="re_1", status=status, created=1))
    assert type(answer).__name__ == name


class TestSecrets:
    def test_an_empty_webhook_secret_refuses_to_start(self) -> None:
        for text in ("", " , "):
            with pytest.raises(EmptyWebhookSecretError):
                _ = BillingSettings(stripe_webhook_secret=Secret(text)).webhook_secrets

    def test_several_are_in_force_while_rotating(self) -> None:
        settings = BillingSettings(stripe_webhook_secret=Secret("whsec_a, whsec_b"))
        assert settings.webhook_secrets == ("whsec_a", "whsec_b")

    def test_are_not_shown(self) -> None:
        settings = BillingSettings(stripe_api_key=Secret("sk_live_1"))
        assert "sk_live_1" not in repr(settings)
