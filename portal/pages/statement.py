"""An operator's statement of one day as a page to read and print."""

from datetime import date

from billing.core.statement import Statement
from billing.statement_files import StatementFormat
from portal.pages.html import Markup, fill, join, language_link, page, sheet, yuan
from portal.pages.texts import Language, words

_ROW = '<tr class="$kind"><td>$what</td><td class="num">$sum</td></tr>'


def statement_page(
    statement: Statement, *, language: Language, operator_name: str, day: date
) -> str:
    """The page: opening, lines, closing, and beside it what was raised and is outstanding."""
    text = words(language)
    zh = language == "zh"
    currency = statement.currency

    def row(what: str, minor: int, kind: str = "") -> Markup:
        return fill(_ROW, kind=kind, what=what, sum=yuan(minor, currency))

    lines = [
        row(line.text_zh if zh else line.text_en, line.amount_minor) for line in statement.lines
    ]
    body = fill(
        "<h1>$title</h1><p class='soft'>$name · <span class='num'>$day</span> $badge</p>"
        "<table class='lines gap'><tbody>$opening$lines$closing</tbody></table>"
        "<table class='lines gap'><tbody>$gross$collected$outstanding"
        "$paid_out$to_pay_out</tbody></table>"
        "<p class='foot'><a href='/desk/money?operator=$operator'>$back</a><span>$files</span>"
        "<span class='num'>$payments $word</span>$other</p>",
        title=text["statement.title"],
        name=operator_name,
        day=day.isoformat(),
        badge=_badge(text, reconciled=statement.reconciled),
        opening=row(text["statement.opening"], statement.opening_minor),
        lines=join(lines)
        if lines
        else fill("<tr><td class='soft' colspan='2'>$text</td></tr>", text=text["statement.empty"]),
        closing=row(text["statement.closing"], statement.closing_minor, "total"),
        gross=row(text["gross"], statement.gross_minor),
        collected=row(text["collected"], statement.collected_minor),
        outstanding=row(text["outstanding"], statement.outstanding_minor),
        paid_out=row(text["statement.paid_out"], statement.paid_out_minor),
        to_pay_out=row(text["statement.to_pay_out"], statement.to_pay_out_minor),
        back=text["statement.back"],
        operator=statement.operator_id,
        other=language_link(language, _address(statement)),
        files=_files(statement, text["statement.files"]),
        payments=statement.payments,
        word=text["statement.count"],
    )
    return page(title=text["statement.title"], language=language, body=sheet(body, kind="wide"))


def _address(statement: Statement) -> str:
    return f"/statements/{statement.operator_id}/{statement.business_date.isoformat()}"


def _files(statement: Statement, word: str) -> Markup:
    base = _address(statement)
    links = [
        fill(" <a href='$base/$kind'>$name</a>", base=base, kind=each.value, name=each.name)
        for each in StatementFormat
    ]
    return join((fill("$word:", word=word), *links))


def _badge(text: dict[str, str], *, reconciled: bool) -> Markup:
    return fill(
        '<span class="badge $tone">$word</span>',
        tone="good" if reconciled else "wait",
        word=text["statement.reconciled" if reconciled else "statement.unreconciled"],
    )
