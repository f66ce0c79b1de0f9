"""What a running application holds: opened when it starts, closed when it ends."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import date
from typing import Any, Final
from uuid import UUID

from litestar import Litestar

from billing.core.statement import Statement
from parking.db.pool import Pool
from parking.services.api_keys import ApiKeys
from portal.pages.live import LivePage
from portal.settings import Settings

_KEY: Final = "portal"


@dataclass(frozen=True, kw_only=True)
class PortalState:
    """What the pages and the health endpoints use."""

    settings: Settings
    pool: Pool
    keys: ApiKeys
    live: LivePage
    checkout_url: Callable[[UUID, str], Awaitable[str]]
    """Opens the gateway's page for a stay: (stay, return address) to the page's address."""
    statement: Callable[[str, date], Awaitable[Statement]]
    """An operator's statement of a day."""


def keep_portal_state(app: Litestar, state: PortalState) -> None:
    """Keep it where requests find it."""
    app.state[_KEY] = state


def portal_state(app: Litestar) -> PortalState:
    """The state of a running application."""
    found: Any = app.state[_KEY]
    if not isinstance(found, PortalState):
        msg = "the application has not been started"
        raise TypeError(msg)
    return found
