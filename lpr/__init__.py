"""The gate agent: camera frames in, lane events out.

The first part of a car's journey. It runs on the gate box and imports `parking.core` only: no
database driver, no web framework, no payment SDK.
"""
