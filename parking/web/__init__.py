"""Parking over HTTP: the device and operator API under /v1."""
