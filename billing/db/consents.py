"""What drivers agreed to, with the text itself, appended for ever."""

from datetime import datetime
from uuid import UUID

from billing.core.consent import ConsentText
from billing.db.connection import Connection
from parking.core.errors import DomainError
from parking.core.ids import AccountId

_TEXT = """
INSERT INTO billing.consent_text (version, text_zh, text_en, recorded_at)
VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING
"""

_KEPT = "SELECT text_zh, text_en FROM billing.consent_text WHERE version = $1"

_INSERT = """
INSERT INTO billing.consent (setup_id, account_id, version, given_at) VALUES ($1, $2, $3, $4)
"""


class ConsentTextChangedError(DomainError):
    """A text that drivers have agreed to was edited: it needs a version of its own."""

    def __init__(self, version: str) -> None:
        super().__init__(f"consent text {version} is not what drivers agreed to under this version")


async def record(
    db: Connection, text: ConsentText, *, setup_id: UUID, account_id: AccountId, now: datetime
) -> None:
    """Keep a consent, and with the first of a version its text. ConsentTextChangedError."""
    await db.execute(_TEXT, text.version, text.text_zh, text.text_en, now)
    kept = await db.fetchrow(_KEPT, text.version)
    if kept is None or (kept["text_zh"], kept["text_en"]) != (text.text_zh, text.text_en):
        raise ConsentTextChangedError(text.version)
    await db.execute(_INSERT, setup_id, account_id, text.version, now)
