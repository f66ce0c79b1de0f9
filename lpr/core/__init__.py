"""The pure heart of the gate agent: standard library and msgspec only, no I/O, no clock."""
