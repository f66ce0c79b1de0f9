"""The tables at the end, which a person can check by hand."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from rich.console import Console
from rich.table import Table
from rich.text import Text

from portal.audit import Violation
from portal.demo.city import OPERATORS, ZONE
from portal.demo.outcome import Became
from portal.demo.story import Fate
from portal.pages.html import yuan

_WHY = {
    Fate.UNBOUND: "not paid: plate not bound",
    Fate.FREE: "free",
    Fate.MISSED_EXIT: "not charged: exit never seen",
}


def _clock(value: datetime | None) -> str:
    return "–" if value is None else value.astimezone(ZoneInfo(ZONE)).strftime("%H:%M:%S")


def _how(became: Became) -> str:
    told = became.told
    method, _, attempts = became.paid_by.partition(" ")
    if method and told.fate is Fate.MISSED_EXIT:
        # The exit of its next visit was read before that visit's entry, and ended this stay until
        # the entry came: the re-fold took the fee back, and billing gave the money back.
        return "charged, given back: exit never seen"
    if method == "checkout":
        return "paid by hand"
    if method == "deduction":
        return "deducted by WeChat Pay parking"
    if method == "card":
        tries = "" if attempts == "1" else f" after {int(attempts) - 1} decline"
        asked = ", match confirmed" if told.fate is Fate.CONFIRMED else ""
        return f"paid by the bound card{tries}{asked}"
    return _WHY.get(told.fate, "not paid")


def _lines(became: Became) -> str:
    if became.stay is None or became.stay["fee_minor"] is None:
        return "–"
    lines = [f"{yuan(line.amount_minor):>8}  {line.text_en}" for line in became.lines]
    if len(lines) > 1:
        lines.append(f"{yuan(became.stay['fee_minor']):>8}  together")
    return "\n".join(lines)


def car_table(became: Sequence[Became]) -> Table:
    """One row a passage."""
    table = Table(title="Every car", title_justify="left", show_lines=True, pad_edge=False)
    table.add_column("car", no_wrap=True)
    table.add_column("lot: in – out", no_wrap=True)
    table.add_column("fee, line by line", overflow="fold", min_width=24)
    table.add_column("must be", justify="right", no_wrap=True)
    table.add_column("paid, or why not", overflow="fold", min_width=16)
    table.add_column("", overflow="fold")
    for each in became:
        told, stay = each.told, each.stay
        shown = told.plate if told.entry_shows is None else f"{told.plate}\nin: {told.entry_shows}"
        entered, left = (None, None) if stay is None else (stay["entered_at"], stay["left_at"])
        table.add_row(
            shown,
            f"{told.lot.lot_id}\n{_clock(entered)} – {_clock(left)}",
            _lines(each),
            "–" if told.fee_minor is None else yuan(told.fee_minor),
            _how(each),
            Text("ok", style="green") if not each.missing else Text("; ".join(each.missing), "red"),
        )
    return table


def operator_table(statements: dict[str, dict[str, Any]]) -> Table:
    """One row an operator: its statement of the day."""
    table = Table(title="Every operator's statement", title_justify="left", pad_edge=False)
    table.add_column("operator", no_wrap=True)
    for name in ("gross", "outstanding", "collected", "commission", "gateway fees", "net"):
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column("reconciled")
    for operator in OPERATORS:
        said = statements[operator.operator_id]
        table.add_row(
            operator.name_en,
            yuan(said["gross_minor"]),
            yuan(said["outstanding_minor"]),
            yuan(said["collected_minor"]),
            yuan(-said["commission_minor"]),
            yuan(-said["processor_fees_minor"]),
            yuan(said["net_minor"]),
            Text("yes", style="green") if said["reconciled"] else Text("no", style="red"),
        )
    return table


def tell(
    console: Console,
    *,
    became: Sequence[Became],
    statements: dict[str, dict[str, Any]],
    violations: Sequence[Violation],
    strange: int,
) -> bool:
    """Print everything; answer whether all of it is right."""
    console.print(car_table(became))
    console.print(operator_table(statements))
    wrong = [each for each in became if each.missing]
    unreconciled = [name for name, said in statements.items() if not said["reconciled"]]
    verdict = (
        ("every car as the story tells it", not wrong and not strange),
        ("every invariant of docs/architecture.md", not violations),
        ("every statement reconciled with the providers' reports", not unreconciled),
    )
    for what, holds in verdict:
        mark = Text("holds  ", style="green") if holds else Text("BROKEN ", style="bold red")
        console.print(mark.append(what, style="default"))
    for violation in violations:
        console.print(f"  {violation}", style="red", highlight=False)
    if strange:
        console.print(f"  {strange} stays that no car of the story explains", style="red")
    return all(holds for _, holds in verdict)
