"""The tables of the schema `billing`."""

from sqlalchemy import MetaData

METADATA = MetaData(schema="billing")
