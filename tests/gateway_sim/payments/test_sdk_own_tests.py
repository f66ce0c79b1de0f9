"""The SDK's own tests, run against the simulator: Stripe's library judges our answers.

They come with the library's source distribution, of the version that is locked, which is fetched
into build/ once. What they ask that Stripe has and the simulator has not is counted, not failed;
build/stripe-sdk/counts.json tells the counts.
"""

import json
import os
import re
import socket
import subprocess
import sys
import tarfile
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[3]
CACHE = ROOT / "build" / "stripe-sdk"
SUITES = ("tests/api_resources", "tests/services", "tests/test_generated_examples.py")
PASSED_AT_LEAST = 115
NO_TOKEN = "names a token that Stripe itself does not have"
NO_CARDS = "wants a card to pay out to"
NO_PRICES = "wants kept prices or shipping"
NO_OBJECT = "names an object that no other test names so"
NOT_OURS = {
    "TestAccountExternalAccounts::test_is_creatable": NO_TOKEN,
    "TestCharge::test_is_searchable": "total_count comes only when it is expanded",
    "TestListObject::test_retrieve_maintains_list_properties": (
        "wants charge.refunds, which is null since 2022-11-15"
    ),
    "test_accounts_external_accounts_delete_2": NO_CARDS,
    "test_accounts_external_accounts_get_5": NO_CARDS,
    "test_accounts_external_accounts_post": NO_TOKEN,
    "test_accounts_external_accounts_post_2": NO_TOKEN,
    "test_accounts_external_accounts_post_4": NO_CARDS,
    "test_checkout_sessions_expire_post": NO_OBJECT,
    "test_checkout_sessions_post": NO_PRICES,
    "test_checkout_sessions_post_2": NO_PRICES,
    "test_customers_payment_methods_get": NO_OBJECT,
    "test_payment_intents_post_4": "wants a kind of payment other than cards",
    "test_payment_methods_post": "its card expired in the year in which it was written",
    "test_setup_intents_post": "wants a parameter of a preview version",
}
"""Tests of what is simulated that fail all the same, each with the reason."""


def locked() -> str:
    """The locked requirement of the SDK, with its hashes."""
    lock = (ROOT / "requirements" / "all.lock").read_text(encoding="utf-8")
    found = re.search(r"^stripe==(?:.*\\\n)*.*", lock, re.MULTILINE)
    assert found
    return found[0]


@pytest.fixture(scope="module")
def sdk() -> Path:
    """The unpacked source distribution, tests and all."""
    requirement = locked()
    name = requirement.split()[0].replace("==", "-")
    folder = CACHE / name
    if not (folder / "tests").is_dir():
        fetch(requirement, name)
    return folder


def fetch(requirement: str, name: str) -> None:
    CACHE.mkdir(parents=True, exist_ok=True)
    wanted = CACHE / "requirement.txt"
    wanted.write_text(requirement + "\n", encoding="utf-8")
    options = ("--quiet", "--no-deps", "--no-binary", ":all:", "--require-hashes")
    fetched = subprocess.run(
        [sys.executable, "-m", "pip", "download", *options, "-d", CACHE, "-r", wanted],
        capture_output=True,
        text=True,
        check=False,
    )
    archive = CACHE / f"{name}.tar.gz"
    if fetched.returncode or not archive.is_file():
        pytest.skip(f"pip cannot fetch the source distribution of {name} here")
    with tarfile.open(archive) as packed:
        packed.extractall(CACHE, filter="data")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture(scope="module")
def results(sdk: Path, tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, Any]]:
    """What came of each of the SDK's tests, and what it asked of the simulator."""
    report = tmp_path_factory.mktemp("sdk") / "report.json"
    here = Path(__file__).parent
    environment = {
        **os.environ,
        "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",
        "PYTHONPATH": os.pathsep.join((str(here), str(ROOT))),
        "STRIPE_MOCK_HOST": "127.0.0.1",
        "STRIPE_MOCK_PORT": str(free_port()),
        "SDK_TESTS_REPORT": str(report),
    }
    # No rewritten assertions and no source in tracebacks: one of the files has 46,000 lines.
    options = ("-q", "-p", "sdk_plugin", "--assert=plain", "--tb=native", "-o", "addopts=")
    ran = subprocess.run(
        [sys.executable, "-m", "pytest", *options, *SUITES],
        cwd=sdk,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert report.is_file(), ran.stdout[-2000:] + ran.stderr[-2000:]
    found: list[dict[str, Any]] = json.loads(report.read_text(encoding="utf-8"))
    return found


def verdict(result: dict[str, Any]) -> str:
    if not result["asked"]:
        return "asked nothing"
    if any(one.get("unknown") for one in result["asked"]):
        return "not simulated"
    return "passed" if result["passed"] else "failed"


@pytest.mark.slow
def test_the_sdks_own_tests_pass_for_all_that_is_simulated(
    results: list[dict[str, Any]],
) -> None:
    counted = Counter(verdict(one) for one in results)
    (CACHE / "counts.json").write_text(json.dumps(counted), encoding="utf-8")
    failed = {one["test"]: one["said"] for one in results if verdict(one) == "failed"}
    unexplained = {
        test: said for test, said in failed.items() if not test.endswith(tuple(NOT_OURS))
    }
    assert not unexplained
    assert len(failed) == len(NOT_OURS)
    assert counted["passed"] >= PASSED_AT_LEAST, counted
