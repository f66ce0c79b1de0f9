"""docs/faults.md tells of every fault of both simulators, and of tests that there are."""

import re
from enum import Enum
from pathlib import Path

import pytest

from gateway_sim.payments import faults as stripe
from gateway_sim.wechatpay import faults as wechatpay
from tests.simulation.month_world import STRIPE_FAULTS, WECHAT_FAULTS

ROOT = Path(__file__).resolve().parents[3]
PAGE = (ROOT / "docs" / "faults.md").read_text(encoding="utf-8")
ROW = re.compile(r"^\| `(\w+)` \| (.+) \| `([\w/]+\.py)::(\w+)` \|$", re.MULTILINE)
PROVIDERS = {
    "Stripe": ((stripe.Fault, stripe.Mishap), STRIPE_FAULTS),
    "WeChat Pay parking": ((wechatpay.Fault, wechatpay.Mishap), WECHAT_FAULTS),
}


def rows(provider: str) -> list[tuple[str, ...]]:
    section = PAGE.partition(f"\n## {provider}\n")[2].partition("\n## ")[0]
    found = ROW.findall(section)
    assert len(found) == section.count("\n| `"), "a row that is not one"
    return found


def names(kinds: tuple[type[Enum], ...]) -> list[str]:
    return [fault.value for kind in kinds for fault in kind]


@pytest.mark.parametrize("provider", PROVIDERS)
def test_the_page_has_a_row_for_each_fault_and_no_other(provider: str) -> None:
    kinds, _ = PROVIDERS[provider]
    assert [fault for fault, *_ in rows(provider)] == names(kinds)


@pytest.mark.parametrize("provider", PROVIDERS)
def test_each_fault_may_strike_in_the_simulated_month(provider: str) -> None:
    kinds, plan = PROVIDERS[provider]
    webhooks = {f"webhook_{name}": rate for name, rate in plan.get("webhooks", {}).items()}
    rates = plan["rates"] | plan["mishaps"] | webhooks
    assert [name for name in names(kinds) if not rates.get(name)] == []


@pytest.mark.parametrize("provider", PROVIDERS)
def test_each_row_names_a_test_that_there_is(provider: str) -> None:
    missing = [
        f"{file}::{test}"
        for _, _, file, test in rows(provider)
        if not re.search(rf"def {test}\(", (ROOT / "tests" / file).read_text(encoding="utf-8"))
    ]
    assert missing == []
