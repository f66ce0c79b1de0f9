"""Make or repair the virtual environment; a no-op when it is up to date.

    python3 tools/setup_venv.py [all | server | edge]

Any Python may run this file, even one far too old: so it says which one is needed instead of
failing with a syntax error. What it does is in environment.py beside it.
"""

import sys

NEEDED = (3, 11)

if sys.version_info < NEEDED:
    sys.exit(
        "setup: Python %s.%s or later is needed and %s is %s.%s: "
        "install it, or name one with `make PYTHON=/path/to/python3.11`"
        % (NEEDED + (sys.executable,) + tuple(sys.version_info[:2]))
    )

import environment  # noqa: E402  only once the Python is known to read it

sys.exit(environment.main(sys.argv[1:]))
