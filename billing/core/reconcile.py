"""Reconciliation: the ledger against the gateway's own report. Each discrepancy has a name."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from typing import TypeAlias

import msgspec

from billing.core.agreed_fees import AgreedFee, agreed_on


class Movement(msgspec.Struct, frozen=True, kw_only=True):
    """One movement of money at a gateway, as one side has it. Sums in minor units."""

    source_ref: str
    """The gateway's name for the charge or refund."""
    gross_minor: int
    """Positive towards us, negative for a refund."""
    fee_minor: int
    currency: str


class Matched(msgspec.Struct, frozen=True, kw_only=True):
    """Both sides agree."""

    movement: Movement


class Missing(msgspec.Struct, frozen=True, kw_only=True):
    """The ledger has it, the gateway's report does not."""

    ours: Movement


class Surplus(msgspec.Struct, frozen=True, kw_only=True):
    """The gateway's report has it (once more), the ledger does not."""

    theirs: Movement


class Differs(msgspec.Struct, frozen=True, kw_only=True):
    """Both have it, with different sums."""

    ours: Movement
    theirs: Movement


class WrongFee(msgspec.Struct, frozen=True, kw_only=True):
    """Both sides agree on what moved; but the gateway kept another fee than was agreed.

    The books are right: the fee is booked as it was taken. It is to be claimed back.
    """

    movement: Movement
    agreed_minor: int


Finding: TypeAlias = Matched | Missing | Surplus | Differs | WrongFee


def reconcile(*, ours: Iterable[Movement], theirs: Iterable[Movement]) -> tuple[Finding, ...]:
    """Compare the two sides. A source that one side has twice matches once."""
    reported: defaultdict[str, list[Movement]] = defaultdict(list)
    for movement in theirs:
        reported[movement.source_ref].append(movement)
    findings = [_against(movement, reported[movement.source_ref]) for movement in ours]
    findings += [Surplus(theirs=extra) for extras in reported.values() for extra in extras]
    return tuple(findings)


def hold_to_agreement(
    findings: Iterable[Finding],
    *,
    charged_on: Mapping[str, date],
    agreed: Sequence[AgreedFee],
) -> tuple[Finding, ...]:
    """Look at the fees of charges that both sides have, where a rate was agreed for their day.

    `charged_on` names the charges with their ledger days. Refunds and disputes are not in it: what
    they do to a fee follows from the fee that was taken.
    """
    return tuple(_held(finding, charged_on, agreed) for finding in findings)


def _held(finding: Finding, charged_on: Mapping[str, date], agreed: Sequence[AgreedFee]) -> Finding:
    if not isinstance(finding, Matched):
        return finding
    movement = finding.movement
    day = charged_on.get(movement.source_ref)
    rate = None if day is None else agreed_on(agreed, day)
    if rate is None or movement.fee_minor == rate.of(movement.gross_minor):
        return finding
    return WrongFee(movement=movement, agreed_minor=rate.of(movement.gross_minor))


def _against(ours: Movement, candidates: list[Movement]) -> Finding:
    if not candidates:
        return Missing(ours=ours)
    if ours in candidates:
        candidates.remove(ours)
        return Matched(movement=ours)
    return Differs(ours=ours, theirs=candidates.pop(0))


def agrees(findings: Iterable[Finding]) -> bool:
    """Whether there is no discrepancy at all."""
    return all(isinstance(finding, Matched) for finding in findings)
