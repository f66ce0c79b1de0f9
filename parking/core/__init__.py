"""The pure heart of parking: standard library and msgspec only, no I/O, no clock, no randomness.

`now` and random bits are arguments. Every other room may import from here.
"""
