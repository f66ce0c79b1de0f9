"""Stripe, through its own SDK: the only room that imports it."""

from billing.providers.stripe.gateway import StripeGateway as StripeGateway
