"""Times and money as WeChat Pay writes them: in Beijing, whatever the machine thinks."""

import datetime as dt

BEIJING = dt.timezone(dt.timedelta(hours=8), "Asia/Shanghai")


def rfc3339(at: float) -> str:
    """For example `2017-08-26T10:43:39+08:00`."""
    return dt.datetime.fromtimestamp(int(at), BEIJING).isoformat(timespec="seconds")


def in_bill(at: float) -> str:
    """For example `2017-08-26 10:43:39`."""
    return f"{dt.datetime.fromtimestamp(int(at), BEIJING):%Y-%m-%d %H:%M:%S}"


def day_of(at: float) -> dt.date:
    """The day in Beijing."""
    return dt.datetime.fromtimestamp(at, BEIJING).date()


def seconds_of(text: str) -> float | None:
    """An RFC 3339 time in seconds since 1970; None when there is no such moment."""
    try:
        return dt.datetime.fromisoformat(text).timestamp()
    except ValueError:
        return None


def yuan(fen: int) -> str:
    """Fen as bills write them: yuan with two decimals."""
    sign = "-" if fen < 0 else ""
    return f"{sign}{abs(fen) // 100}.{abs(fen) % 100:02d}"
