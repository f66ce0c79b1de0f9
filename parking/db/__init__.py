"""Parking in PostgreSQL: tables, hand-written SQL for the hot path, migrations."""
