"""The outside world, seeded and fault-injecting: a payment gateway and gates with cameras.

Only the demo, the benches and the tests start it; nothing in the product imports it.
"""
