"""Billing's part of the HTTP API."""
