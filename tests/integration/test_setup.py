"""What `make` needs before there is anything to import: old Pythons, pip's settings, the locks."""

import ast
import os
import re
import runpy
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement

ROOT = Path(__file__).resolve().parents[2]
TOOLS = ROOT / "tools"
LOCKS = sorted((ROOT / "requirements").glob("*.lock"))


@pytest.fixture
def package_index(monkeypatch: pytest.MonkeyPatch) -> dict[str, object]:
    monkeypatch.syspath_prepend(str(TOOLS))
    return runpy.run_path(str(TOOLS / "package_index.py"))


def requirements(lock: Path) -> dict[str, Requirement]:
    lines = [line.rstrip("\\ ") for line in lock.read_text().splitlines() if line[:1].isalnum()]
    return {requirement.name: requirement for requirement in map(Requirement, lines)}


def test_any_python_can_read_the_refusal() -> None:
    ast.parse((TOOLS / "setup_venv.py").read_text(), feature_version=(3, 4))


def test_an_old_python_is_refused_in_one_line() -> None:
    code = "import runpy, sys; sys.version_info = (3, 10, 9); runpy.run_path(sys.argv[1])"
    done = subprocess.run(
        [sys.executable, "-c", code, TOOLS / "setup_venv.py"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert len(done.stderr.splitlines()) == 1
    assert "Python 3.11 or later is needed" in done.stderr
    assert "is 3.10" in done.stderr


def test_an_environment_that_is_up_to_date_is_left_alone() -> None:
    current = "import environment as e; print(e._stamped() == e._fingerprint(e._lock('all')))"
    python = Path(sys.base_prefix, "bin", "python3")
    told = subprocess.run(
        [python, "-c", current], cwd=TOOLS, capture_output=True, text=True, check=True
    ).stdout
    if told.strip() != "True":
        pytest.skip("this environment is not what `make setup` would make now")
    done = subprocess.run(
        [python, TOOLS / "setup_venv.py"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_bare_make_lists_every_target() -> None:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("MAKE")}
    listed = subprocess.run(
        ["make"], cwd=ROOT, env=environment, capture_output=True, text=True, check=True
    ).stdout
    targets = re.findall(r"^\.PHONY: (\S+)", (ROOT / "Makefile").read_text(), re.MULTILINE)
    assert [line.split()[0] for line in listed.splitlines()] == targets


def test_pip_s_settings_are_said_in_uv_s_words(package_index: dict[str, object]) -> None:
    uv_arguments, uv_environment = package_index["uv_arguments"], package_index["uv_environment"]
    shown = package_index["shown"]
    assert callable(uv_arguments)
    assert callable(uv_environment)
    assert callable(shown)
    options = {
        "index-url": "http://me:pw@mirror.test/simple",
        "extra-index-url": "file:///a file:///b",
        "find-links": "/wheels",
        "trusted-host": "mirror.test",
        "no-index": "false",
        "cert": "/ca.pem",
    }
    arguments = " ".join(uv_arguments(options))
    assert "--default-index http://me:pw@mirror.test/simple" in arguments
    assert "--index file:///a --index file:///b --find-links /wheels" in arguments
    assert "--allow-insecure-host mirror.test" in arguments
    assert "--no-index" not in arguments
    assert uv_environment({"cert": "/ca.pem"})["SSL_CERT_FILE"]
    assert "pw" not in shown(options)


def test_pip_s_variables_win_over_its_files(
    package_index: dict[str, object], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pip_options = package_index["pip_options"]
    assert callable(pip_options)
    config = tmp_path / "pip.conf"
    config.write_text(
        "[global]\nfind-links = /global\ntimeout = 7\n[install]\nindex-url = http://i\n"
    )
    monkeypatch.setenv("PIP_CONFIG_FILE", str(config))
    monkeypatch.setenv("PIP_FIND_LINKS", "/from-the-environment")
    options = pip_options(Path(sys.base_prefix, "bin", "python3"))
    assert options["find-links"] == "/from-the-environment"
    assert options["timeout"] == "7"
    assert options["index-url"] == "http://i"


@pytest.mark.parametrize("lock", LOCKS, ids=lambda lock: lock.name)
def test_a_lock_pins_and_hashes_everything_and_names_no_registry(lock: Path) -> None:
    text = lock.read_text()
    assert "://" not in text
    blocks = re.split(r"\n(?=\S)", text.strip())
    assert blocks
    for block in blocks:
        assert re.match(r"[\w.-]+==\S+", block), block[:80]
        assert "--hash=sha256:" in block, block[:80]


@pytest.mark.parametrize("name", ["server", "edge", "installer"])
def test_each_side_is_locked_to_the_versions_that_are_tested(name: str) -> None:
    everything = requirements(ROOT / "requirements" / "all.lock")
    for package, requirement in requirements(ROOT / "requirements" / f"{name}.lock").items():
        assert requirement.specifier == everything[package].specifier


@pytest.mark.parametrize(
    ("lock", "extras"),
    [("all", ["server", "edge", "sim", "dev"]), ("server", ["server"]), ("edge", ["edge"])],
)
def test_the_locks_agree_with_pyproject(lock: str, extras: list[str]) -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    direct = list(project["dependencies"])
    for extra in extras:
        direct += project["optional-dependencies"][extra]
    locked = requirements(ROOT / "requirements" / f"{lock}.lock")
    for requirement in map(Requirement, direct):
        version = str(locked[requirement.name].specifier).removeprefix("==")
        assert requirement.specifier.contains(version), f"{requirement}, locked {version}"
