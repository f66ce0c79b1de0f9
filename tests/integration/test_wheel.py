"""The wheel carries all that a clone has: it is built here and looked into, without any network."""

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
ROOMS = ("parking", "billing", "lpr", "portal", "gateway_sim")
LIBRARY_FILES = frozenset({"README.md"})
"""Pages for who reads the code; an installed program has no use for them."""


def tracked(*folders: str) -> set[str]:
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--", *folders], cwd=ROOT, capture_output=True, check=False
    )
    if listed.returncode != 0:
        pytest.skip("this is no git clone: nothing says which files belong to the project")
    return {name for name in listed.stdout.decode().split("\0") if name and (ROOT / name).exists()}


@pytest.fixture(scope="module")
def packed(tmp_path_factory: pytest.TempPathFactory) -> set[str]:
    """The names in a wheel built from the tracked files alone."""
    source, out = tmp_path_factory.mktemp("source"), tmp_path_factory.mktemp("wheel")
    for name in tracked(*ROOMS, "alembic", "pyproject.toml", "README.md", "LICENSE"):
        target = source / name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes((ROOT / name).read_bytes())
    code = "import sys; from setuptools.build_meta import build_wheel as b; b(sys.argv[1])"
    built = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", code, str(out)],
        cwd=source,
        capture_output=True,
        text=True,
        check=False,
    )
    assert built.returncode == 0, built.stderr
    (wheel,) = out.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        return set(archive.namelist())


def test_every_file_of_every_room_is_in_the_wheel(packed: set[str]) -> None:
    wanted = {name for name in tracked(*ROOMS) if Path(name).name not in LIBRARY_FILES}
    assert wanted - packed == set()


def test_the_migrations_are_where_an_installed_program_looks(packed: set[str]) -> None:
    inside = "share/leave-first/alembic"  # under sys.prefix: parking/db/revisions.py
    data = {name.partition(".data/data/")[2] for name in packed}
    wanted = {name.replace("alembic", inside, 1) for name in tracked("alembic")}
    assert wanted
    assert wanted - data == set()


def test_nothing_else_is_in_it(packed: set[str]) -> None:
    tops = {name.partition("/")[0] for name in packed}
    assert {top for top in tops if not top.startswith("leave_first-")} == set(ROOMS)
