"""The pure heart of billing: standard library, msgspec and parking.core only."""
