"""A pytest plugin for the run of the SDK's own tests, loaded in a process of its own.

Starts one simulator on the port that those tests are told, gives each of them a world of its own
with the objects that they name, and reports what each test asked of it.
"""

import importlib
import json
import os
import ssl
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from unittest import mock

import pytest
import uvicorn

from gateway_sim.payments.app import App
from gateway_sim.payments.server import Options, make_world
from gateway_sim.rate_limit import RateLimit

# A neighbour, found on the path of the process and not in the package `tests`, which is the SDK's.
furnish = importlib.import_module("sdk_world").furnish
WAIT_S = 10.0
OURS = (
    "account_links",
    "accounts",
    "balance",
    "balance_transactions",
    "charges",
    "checkout_sessions",
    "customers",
    "disputes",
    "events",
    "payment_intents",
    "payment_methods",
    "payouts",
    "refunds",
    "setup_intents",
    "transfers",
    "webhook_endpoints",
)
"""The resources that the simulator has, as the generated examples call them."""


class Stage:
    """The simulator: one server, whose world is made anew for each test."""

    def __init__(self, port: int) -> None:
        config = uvicorn.Config(
            self, port=port, lifespan="off", log_level="error", timeout_graceful_shutdown=1
        )
        self.server = uvicorn.Server(config)
        self.asked: list[dict[str, Any]] = []
        self._app: App | None = None
        self._thread = threading.Thread(target=self.server.run, daemon=True)

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if self._app is None:
            world = make_world(Options(seed=7))
            furnish(world)
            self._app = App(world, rate_limit=RateLimit(None), hang_up=lambda _: None)
        asked = {"method": scope["method"], "path": scope["path"]}
        self.asked.append(asked)

        async def noted(message: Any) -> None:
            if message["type"] == "http.response.start":
                asked["status"] = message["status"]
            elif b"Unrecognized request URL" in message.get("body", b""):
                asked["unknown"] = True
            await send(message)

        await self._app(scope, receive, noted)

    def begin(self) -> None:
        self._thread.start()
        while not self.server.started:
            threading.Event().wait(0.005)

    def end(self) -> None:
        self.server.should_exit = True
        self._thread.join(WAIT_S)

    def next_test(self) -> None:
        self.asked, self._app = [], None


class Report:
    """What came of each test, and what it asked."""

    def __init__(self, stage: Stage, path: Path) -> None:
        self._stage = stage
        self._path = path
        self._tests: list[dict[str, Any]] = []

    @pytest.fixture(autouse=True)
    def _world_of_its_own(self) -> None:
        self._stage.next_test()

    @pytest.fixture
    def mocker(self) -> Any:
        """All that the SDK's tests use of pytest-mock is `mocker.Mock`."""
        return mock

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(self, item: pytest.Item) -> Iterator[None]:
        report: Any = yield
        if report.when == "call" or report.failed:
            said = str(report.longrepr).strip().splitlines()[-1:] if report.failed else []
            self._tests.append(
                {
                    "test": item.nodeid,
                    "passed": report.passed,
                    "said": "".join(said),
                    "asked": list(self._stage.asked),
                }
            )
        return report

    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        """Of the generated examples, those of our resources that reach a server at all."""
        items[:] = [item for item in items if _is_worth_running(item)]

    def pytest_sessionfinish(self) -> None:
        self._path.write_text(json.dumps(self._tests), encoding="utf-8")
        self._stage.end()


def _is_worth_running(item: pytest.Item) -> bool:
    if "test_generated_examples" not in item.nodeid:
        return "http_client_mock" in getattr(item, "fixturenames", ())
    ours = item.name.startswith(tuple(f"test_{name}_" for name in OURS))
    # The others are answered by a stub of the SDK's own.
    return ours and not any(word in item.name for word in ("_service", "_async"))


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    # Each of the SDK's tests makes a client of its own; loading the certificate authorities for
    # each takes longer than the tests, and nothing here is spoken over TLS.
    ssl.SSLContext.load_verify_locations = lambda *_, **__: None  # type: ignore[method-assign]
    stage = Stage(int(os.environ["STRIPE_MOCK_PORT"]))
    stage.begin()
    report = Report(stage, Path(os.environ["SDK_TESTS_REPORT"]))
    config.pluginmanager.register(report)
