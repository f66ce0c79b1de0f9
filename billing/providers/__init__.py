"""The payment providers: each a room of its own, behind the protocol of `billing/gateway.py`."""
