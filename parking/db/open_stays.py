"""The cars that are inside a lot: for who must find out which of them has left."""

from datetime import datetime
from typing import Final

from parking.core.ids import LotId
from parking.core.stay import Stay
from parking.db.pool import Connection
from parking.db.stays import COLUMNS, stay_row

_INSIDE_MAX: Final = 5_000
"""The most that are looked at: the newest of a lot that holds more."""
_BETWEEN: Final = f"""
select {COLUMNS} from parking.stay
where lot_id = $1 and state = 'open' and not dissolved
  and entered_at >= $2 and entered_at <= $3
order by entered_at desc limit {_INSIDE_MAX}
"""  # noqa: S608 - our own column list


async def between(
    connection: Connection, lot_id: LotId, *, since: datetime, until: datetime
) -> list[Stay]:
    """Stays that are open, begun in a time, newest first."""
    return [stay_row(row).stay for row in await connection.fetch(_BETWEEN, lot_id, since, until)]
