"""Stripe's objects with every key that Stripe answers; what is not simulated is always null."""
