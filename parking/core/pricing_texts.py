"""How the lines of a fee are worded, in Chinese and English."""

import msgspec

from parking.core.currency import decimal_sum
from parking.core.tariff import FreeKind, FreePer, FreePeriod
from parking.core.tariff_checks import MINUTES_OF_DAY, minute_of_day
from parking.core.tariff_rates import Per, RateStep, Window

PER_TEXTS = {
    Per.VISIT: ("每次停放", "a visit"),
    Per.WINDOW: ("每时段", "each time"),
    Per.DAY: ("每天", "a day"),
    Per.ROLLING_24H: ("每 24 小时", "each 24 h"),
}


class Wording(msgspec.Struct, frozen=True, kw_only=True):
    """How one class's lines begin and show sums."""

    currency: str
    percent: int = 100
    """The class's."""
    schedule_percent: int = 100
    name_zh: str = ""
    name_en: str = ""
    schedule_zh: str = ""
    schedule_en: str = ""

    def scaled(self, price_minor: int) -> int:
        """A price of the class and schedule: their per cent of it, rounded half up."""
        return (price_minor * self.percent * self.schedule_percent + 5_000) // 10_000

    def sum_zh(self, amount_minor: int) -> str:
        """Show a sum to a Chinese reader."""
        return money_zh(amount_minor, self.currency)

    def sum_en(self, amount_minor: int) -> str:
        """Show a sum to an English reader."""
        return money_en(amount_minor, self.currency)

    def labels(self, window: Window) -> tuple[str, str]:
        """Name a window: its times, whose schedule it is of, and the class."""
        minutes = minute_of_day(window.until_time) - minute_of_day(window.from_time)
        if minutes == MINUTES_OF_DAY:
            zh, en = "全天", "All day"
        else:
            zh = en = f"{window.from_time}–{window.until_time}"
        return (
            f"{self.schedule_zh}{zh}{self.name_zh}",
            f"{self.schedule_en}{en}{self.name_en}",
        )


def money_zh(amount_minor: int, currency: str) -> str:
    """Show a sum to a Chinese reader: `5.00 元`."""
    unit = "元" if currency == "CNY" else currency
    return f"{decimal_sum(amount_minor, currency)} {unit}"


def money_en(amount_minor: int, currency: str) -> str:
    """Show a sum to an English reader, as the pages do: `¥5.00`, `JPY 500`."""
    symbol = "¥" if currency == "CNY" else f"{currency} "
    return f"{symbol}{decimal_sum(amount_minor, currency)}"


def free_texts(free: FreePeriod | None) -> tuple[str, str]:
    """Say what is free at the start of a stay."""
    if free is None:
        return "", ""
    minutes = free.minutes
    day_zh, day_en = {
        FreePer.VISIT: ("", ""),
        FreePer.DAY: ("每天", " of each day"),
        FreePer.FIRST_OF_DAY: ("当日首次", " on the day's first visit"),
    }[free.per]
    if free.kind is FreeKind.THRESHOLD:
        return (
            f"{day_zh}停放不超过 {minutes} 分钟免费",
            f"A stay of up to {minutes} min is free{day_en}",
        )
    return f"{day_zh}前 {minutes} 分钟免费", f"The first {minutes} min are free{day_en}"


def step_texts(step: RateStep, *, first: bool) -> tuple[str, str]:
    """Say which part of the visit a step is about."""
    if step.lasts_minutes is None:
        return ("", "") if first else ("，之后", ", after that")
    if first:
        return f"，前 {step.lasts_minutes} 分钟", f", first {step.lasts_minutes} min"
    return f"，其后 {step.lasts_minutes} 分钟", f", next {step.lasts_minutes} min"
