"""The chart of accounts: what money can be, and whose. docs/ledger.md explains each.

An account is a text: its role, and after a colon whom it concerns. Postings are signed, debit
positive: what we have or are owed is positive, what we owe or have earned is negative.
"""

from enum import Enum

import msgspec

from parking.core.errors import DomainError
from parking.core.ids import OperatorId


class AccountKind(Enum):
    """The four kinds of account that bookkeeping knows."""

    ASSET = "asset"
    LIABILITY = "liability"
    INCOME = "income"
    EXPENSE = "expense"


class AccountRole(Enum):
    """What an account is for."""

    DRIVER_RECEIVABLE = "driver_receivable"
    """What drivers owe for stays at an operator's lots."""
    OPERATOR_ACCRUED = "operator_accrued"
    """The same sum seen from the operator's side: owed to it only once drivers have paid."""
    OPERATOR_PAYABLE = "operator_payable"
    """What is owed to an operator now: collected, less commission and processor fees."""
    OPERATOR_SETTLED = "operator_settled"
    """What was settled with an operator and is to be paid out."""
    PROCESSOR_CLEARING = "processor_clearing"
    """What lies with a payment gateway."""
    PLATFORM_COMMISSION = "platform_commission"
    """What the platform has earned."""
    DRIVER_CREDIT = "driver_credit"
    """What drivers paid and no longer owed, until it is refunded."""
    DISPUTE_CLAIMS = "dispute_claims"
    """What banks have taken back and not decided about."""
    DISPUTE_COSTS = "dispute_costs"
    """What disputes cost the platform itself."""
    OWN_BANK = "own_bank"
    """What the platform has paid from its own bank account or till, outside any gateway."""


KINDS: dict[AccountRole, AccountKind] = {
    AccountRole.DRIVER_RECEIVABLE: AccountKind.ASSET,
    AccountRole.OPERATOR_ACCRUED: AccountKind.LIABILITY,
    AccountRole.OPERATOR_PAYABLE: AccountKind.LIABILITY,
    AccountRole.OPERATOR_SETTLED: AccountKind.LIABILITY,
    AccountRole.PROCESSOR_CLEARING: AccountKind.ASSET,
    AccountRole.PLATFORM_COMMISSION: AccountKind.INCOME,
    AccountRole.DRIVER_CREDIT: AccountKind.LIABILITY,
    AccountRole.DISPUTE_CLAIMS: AccountKind.ASSET,
    AccountRole.DISPUTE_COSTS: AccountKind.EXPENSE,
    AccountRole.OWN_BANK: AccountKind.ASSET,
}

OPERATOR_ROLES = frozenset(
    {
        AccountRole.DRIVER_RECEIVABLE,
        AccountRole.OPERATOR_ACCRUED,
        AccountRole.OPERATOR_PAYABLE,
        AccountRole.OPERATOR_SETTLED,
    }
)
"""Roles of which each operator has an account of its own."""


class UnknownLedgerAccountError(DomainError):
    """The text names no account of the chart."""

    def __init__(self, text: str) -> None:
        super().__init__(f"{text!r} is no ledger account; docs/ledger.md lists them")


class LedgerAccount(msgspec.Struct, frozen=True, order=True):
    """One account of the ledger."""

    name: str
    """`role` or `role:whom`."""

    @property
    def role(self) -> AccountRole:
        """What it is for."""
        try:
            return AccountRole(self.name.partition(":")[0])
        except ValueError:
            raise UnknownLedgerAccountError(self.name) from None

    @property
    def kind(self) -> AccountKind:
        """Which side of the books it is on."""
        return KINDS[self.role]

    @property
    def operator_id(self) -> OperatorId | None:
        """The operator whose account it is, if one's."""
        if self.role not in OPERATOR_ROLES:
            return None
        return OperatorId(self.name.partition(":")[2])


def driver_receivable(operator_id: OperatorId) -> LedgerAccount:
    """Name the account of what drivers owe for stays at an operator's lots."""
    return LedgerAccount(f"{AccountRole.DRIVER_RECEIVABLE.value}:{operator_id}")


def operator_accrued(operator_id: OperatorId) -> LedgerAccount:
    """Name the account of what an operator will be owed once drivers have paid."""
    return LedgerAccount(f"{AccountRole.OPERATOR_ACCRUED.value}:{operator_id}")


def operator_payable(operator_id: OperatorId) -> LedgerAccount:
    """Name the account of what an operator is owed now."""
    return LedgerAccount(f"{AccountRole.OPERATOR_PAYABLE.value}:{operator_id}")


def operator_settled(operator_id: OperatorId) -> LedgerAccount:
    """Name the account of what was settled with an operator and is to be paid out."""
    return LedgerAccount(f"{AccountRole.OPERATOR_SETTLED.value}:{operator_id}")


def processor_clearing(gateway: str) -> LedgerAccount:
    """Name the account of what lies with a gateway."""
    return LedgerAccount(f"{AccountRole.PROCESSOR_CLEARING.value}:{gateway}")


def dispute_claims(gateway: str) -> LedgerAccount:
    """Name the account of what banks took back through a gateway and have not decided about."""
    return LedgerAccount(f"{AccountRole.DISPUTE_CLAIMS.value}:{gateway}")


PLATFORM_COMMISSION = LedgerAccount(AccountRole.PLATFORM_COMMISSION.value)
DRIVER_CREDIT = LedgerAccount(AccountRole.DRIVER_CREDIT.value)
DISPUTE_COSTS = LedgerAccount(AccountRole.DISPUTE_COSTS.value)
OWN_BANK = LedgerAccount(AccountRole.OWN_BANK.value)
