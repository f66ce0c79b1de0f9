"""Write docs/configuration.md from the settings' own descriptions (`make docs`).

With --check nothing is written; the exit code says whether the page is current.
"""

import sys
from pathlib import Path

from lpr.config import AgentSettings
from parking.core.settings import render_table
from portal.settings import Settings

PAGE = Path(__file__).resolve().parent.parent / "docs" / "configuration.md"

INTRODUCTION = """\
# Configuration

Written by `make docs` from the settings' own descriptions; a test holds the two together.

Every program reads one TOML file and the environment; the environment wins. Everything has a
default unless the table says "must be set". A key that does not exist, a value of the wrong kind
or out of its bounds is refused at the start, with its name, its source and the nearest name that
exists. In a variable a list is written with commas; lists of tables are for TOML only. What is
called secret here is never shown in a log or an error.
"""

SERVER = """
## The server side: `parking`

The file is `--config FILE`, else `PARKING_CONFIG`, else `parking.toml` in the working directory if
there is one. A dot in a key is a table in TOML:

```toml
admin_key = "…"

[server]
port = 8080
```

"""

GATE_AGENT = """
## The gate agent: `lpr`

The file is `--config FILE`.

"""


def page() -> str:
    """Write the whole page."""
    return "".join(
        [
            INTRODUCTION,
            SERVER,
            render_table(Settings, prefix="PARKING"),
            GATE_AGENT,
            render_table(AgentSettings, prefix="LPR"),
        ]
    )


def main() -> int:
    """Write the page, or check that it is current; answer the exit code."""
    wanted = page()
    if "--check" in sys.argv[1:]:
        current = PAGE.exists() and PAGE.read_text(encoding="utf-8") == wanted
        if not current:
            print("docs/configuration.md is out of date: run `make docs`", file=sys.stderr)
        return 0 if current else 1
    PAGE.write_text(wanted, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
