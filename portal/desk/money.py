"""An operator's statements of the last days, as page and files, and how settlements were paid."""

from datetime import UTC, datetime, timedelta
from typing import Annotated, Final

from litestar import Response, get
from litestar.params import QueryParameter

from billing.db.settlements import SettlementView
from billing.services.days import ledger_day
from billing.services.payout_desk import FailedAtBank
from billing.statement_files import StatementFormat
from billing.web.access import require_operator
from parking.core.ids import OperatorId
from parking.db.pool import reading
from portal.desk.asking import AnyRequest, Asker, shown
from portal.desk.board import at_desk
from portal.desk.sheets import NOTHING, instant, note, panel, table
from portal.desk.words import desk_words
from portal.pages.html import Markup, fill, join, yuan

_DAYS: Final = 14
_SETTLEMENTS: Final = 12
_DAY: Final = timedelta(days=1)
_OPERATORS: Final = """
select operator_id, name_zh, name_en from parking.operator
where $1::text is null or operator_id = $1 order by operator_id
"""


async def _page(asker: Asker, chosen: str | None) -> str:
    text = desk_words(asker.language)
    async with reading(asker.state.pool) as connection:
        rows = await connection.fetch(_OPERATORS, asker.operator_id)
    names = {row["operator_id"]: row[f"name_{asker.language}"] for row in rows}
    title = text["money"]
    if not names:
        body = fill("<h1>$title</h1>$text", title=title, text=note(text["nothing"]))
        return at_desk(body, title=title, asker=asker)
    operator_id = OperatorId(chosen or next(iter(names)))
    await require_operator(asker.request, operator_id, holder=asker.principal)
    settlements = await asker.billing.settlements(operator_id)
    failed = await asker.billing.payouts.failed_at_bank(operator_id)
    body = fill(
        '<h1>$title</h1><p class="soft">$name</p>$operators$failed'
        '<div class="case-columns"><div class="stack">$days</div><div class="stack">$settled'
        "</div></div>",
        title=title,
        name=names.get(operator_id, operator_id),
        operators=_operators(names, operator_id) if len(names) > 1 else NOTHING,
        failed=join(_failed(each, asker, text) for each in failed),
        days=_days(operator_id, asker, text),
        settled=_settled(settlements[:_SETTLEMENTS], text),
    )
    return at_desk(body, title=title, asker=asker)


def _operators(names: dict[str, str], chosen: str) -> Markup:
    links = join(
        fill(
            '<a href="/desk/money?operator=$id" $current>$name</a> ',
            id=operator_id,
            current=Markup('aria-current="true"' if operator_id == chosen else ""),
            name=name,
        )
        for operator_id, name in names.items()
    )
    return fill('<nav class="tabs">$links</nav>', links=links)


def _failed(payout: FailedAtBank, asker: Asker, text: dict[str, str]) -> Markup:
    sum_ = (
        "" if payout.amount_minor is None else yuan(payout.amount_minor, payout.currency or "CNY")
    )
    return fill(
        '<p class="note bad" role="alert"><b class="num">$sum</b> $words $why'
        ' <span class="small">$account · $ref · $at</span></p>',
        sum=sum_,
        words=text["money.bank_failed"],
        why=payout.failure,
        account=payout.account_ref,
        ref=payout.payout_ref,
        at=instant(payout.heard_at, asker.zone),
    )


def _days(operator_id: OperatorId, asker: Asker, text: dict[str, str]) -> Markup:
    today = ledger_day(asker.state.settings.billing, now=datetime.now(UTC))
    rows = []
    for ago in range(_DAYS):
        day = (today - ago * _DAY).isoformat()
        base = f"/statements/{operator_id}/{day}"
        files = join(
            fill('<a href="$base/$kind">$name</a> ', base=base, kind=each.value, name=each.name)
            for each in StatementFormat
        )
        open_ = fill('<a class="num" href="$base">$day</a>', base=base, day=day)
        rows.append((open_, files))
    return panel(text["money.days"], table((text["money.day"], text["money.files"]), rows))


def _settled(settlements: list[SettlementView], text: dict[str, str]) -> Markup:
    if not settlements:
        return panel(text["money.settlements"], note(text["money.none"], "calm"))
    heads = (text["money.period"], text["amount"], text["money.payouts"])
    rows = [
        (
            f"{each.begin_date} → {each.cut_off_date}",
            yuan(each.settled_minor, each.currency),
            ", ".join(text.get(f"payout.{one.state}", one.state) for one in each.payouts) or "–",
        )
        for each in settlements
    ]
    return panel(text["money.settlements"], table(heads, rows))


@get("/desk/money", include_in_schema=False)
async def show_money(
    request: AnyRequest,
    operator: Annotated[str | None, QueryParameter(max_length=64)] = None,
) -> Response[str]:
    """Statements and settlements."""
    return await shown(request, lambda asker: _page(asker, operator))


HANDLERS: Final = (show_money,)
