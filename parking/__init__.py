"""Lots, lanes, devices, lane events, stays, tariffs and fees, and the API around them.

The middle of a car's journey: a lane event comes in from a gate, a stay opens or closes, a
closed stay gets its fee, and the outbox tells billing. This package never imports billing.
"""
