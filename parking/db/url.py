"""The one form in which this project writes a database's address, and SQLAlchemy's form of it."""

from parking.core.errors import DomainError

_SCHEMES = ("postgresql://", "postgres://")


class UnsupportedDatabaseError(DomainError):
    """Only PostgreSQL is spoken here."""

    def __init__(self, url: str) -> None:
        scheme = url.split("://", 1)[0] if "://" in url else "none"
        super().__init__(
            f"the database URL must begin with postgresql://, its scheme is {scheme!r}"
        )


def sqlalchemy_url(url: str) -> str:
    """Turn `postgresql://user@host:port/name` into SQLAlchemy's form for asyncpg."""
    for scheme in _SCHEMES:
        if url.startswith(scheme):
            return "postgresql+asyncpg://" + url.removeprefix(scheme)
    raise UnsupportedDatabaseError(url)
