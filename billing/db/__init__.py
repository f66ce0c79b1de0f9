"""Billing's tables and the hand-written SQL on them."""
