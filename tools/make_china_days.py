"""Write parking/core/china_days.py from the package `chinesecalendar`.

    pip install chinesecalendar && python tools/make_china_days.py

Run it each November, when the State Council has announced the coming year and the package knows it.
"""

from collections.abc import Mapping
from datetime import date, timedelta
from importlib.metadata import version
from pathlib import Path

TARGET = Path(__file__).parents[1] / "parking" / "core" / "china_days.py"
HEAD = '''"""China's public holidays and make-up working days, as the State Council announced them.

Made by tools/make_china_days.py from chinesecalendar {version} (MIT licence, github.com/LKI);
never edited by hand. Each line is a day, or a first and last day, and the holiday's name.
"""

from typing import Final
'''


def spans(days: Mapping[date, str]) -> str:
    """Put runs of days with one name on one line each."""
    lines: list[str] = []
    for day in sorted(days):
        first = day - timedelta(days=1) not in days or days[day - timedelta(days=1)] != days[day]
        last = day + timedelta(days=1) not in days or days[day + timedelta(days=1)] != days[day]
        if first:
            lines.append(day.isoformat() + (f" {days[day]}" if last else ""))
        elif last:
            lines[-1] += f"..{day.isoformat()} {days[day]}"
    return "\n".join(lines)


def main() -> None:
    """Write the module."""
    from chinese_calendar import constants  # type: ignore[import-not-found] # only this tool's need

    names = {holiday.value: holiday.name for holiday in constants.Holiday}
    tables = {
        "HOLIDAYS": {day: names[name] for day, name in constants.holidays.items()},
        "MAKEUP_DAYS": {day: names[name] for day, name in constants.workdays.items()},
    }
    text = HEAD.format(version=version("chinesecalendar"))
    for name, days in tables.items():
        text += f'\n{name}: Final = """\n{spans(days)}\n"""\n'
    TARGET.write_text(text, encoding="utf-8")
    print(f"{TARGET}: {', '.join(f'{len(days)} {name}' for name, days in tables.items())}")


if __name__ == "__main__":
    main()
