"""Which migrations there are, read from their files: readiness need not load all of alembic."""

import re
import sys
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Final

from parking.core.errors import DomainError

_CLONE: Final = Path(__file__).resolve().parents[2] / "alembic"
_INSTALLED: Final = Path(sys.prefix) / "share" / "leave-first" / "alembic"
_REVISION: Final = re.compile(r'^revision = "(\w+)"', re.MULTILINE)
_DOWN_REVISION: Final = re.compile(r'^down_revision = "(\w+)"', re.MULTILINE)


class MigrationsNotFoundError(DomainError):
    """The folder with the migrations is neither in the clone nor beside the installed wheel."""

    def __init__(self, places: Sequence[Path]) -> None:
        super().__init__(f"no migrations found in {' or '.join(map(str, places))}")


def migrations_folder() -> Path:
    """Find the folder that holds env.py and versions/."""
    for folder in (_CLONE, _INSTALLED):
        if (folder / "env.py").is_file():
            return folder
    raise MigrationsNotFoundError((_CLONE, _INSTALLED))


@cache
def newest_revision() -> str:
    """The revision that `upgrade` brings a database to: the one that no other builds upon."""
    texts = [path.read_text("utf-8") for path in (migrations_folder() / "versions").glob("*.py")]
    there: set[str] = {name for text in texts for name in _REVISION.findall(text)}
    built_upon = {name for text in texts for name in _DOWN_REVISION.findall(text)}
    heads = there - built_upon
    if len(heads) != 1:
        raise MigrationsNotFoundError((migrations_folder() / "versions",))
    return heads.pop()
