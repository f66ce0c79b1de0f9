"""An operator's statement and a driver's receipt as files: CSV, XLSX, PDF. Pure but for bytes.

The PDF uses Adobe's standard Chinese font by name, as every reader of PDF knows it: nothing needs
to be embedded or licensed.
"""

import csv
import io
from collections.abc import Sequence
from datetime import UTC, date, datetime
from enum import Enum
from zoneinfo import ZoneInfo

import msgspec

from billing.core.statement import Statement
from billing.db.queries import ObligationView
from parking.core.currency import decimal_sum, decimals
from parking.core.fee import Fee
from parking.core.money import Money
from parking.core.plate import mask_plate

_FONT = "STSong-Light"
_EPOCH = datetime(2000, 1, 1, tzinfo=UTC)


class StatementFormat(Enum):
    """What a statement can be taken away as."""

    CSV = "csv"
    XLSX = "xlsx"
    PDF = "pdf"


MEDIA_TYPES = {
    StatementFormat.CSV: "text/csv; charset=utf-8",
    StatementFormat.XLSX: "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    StatementFormat.PDF: "application/pdf",
}


class Row(msgspec.Struct, frozen=True):
    """One line of a file: what, in two languages, and how much."""

    code: str
    text_zh: str
    text_en: str
    amount_minor: int


def statement_rows(statement: Statement) -> tuple[Row, ...]:
    """Opening, lines, closing; then what stands beside them."""
    return (
        Row("opening", "期初余额", "Opening balance", statement.opening_minor),
        *(
            Row(line.code, line.text_zh, line.text_en, line.amount_minor)
            for line in statement.lines
        ),
        Row("closing", "期末余额", "Closing balance", statement.closing_minor),
        Row("gross", "当日应收", "Fees raised", statement.gross_minor),
        Row("written_off", "核销", "Written off", statement.written_off_minor),
        Row("outstanding", "车主未付", "Outstanding", statement.outstanding_minor),
        Row("paid_out", "当日已打款", "Paid out this day", statement.paid_out_minor),
        Row("to_pay_out", "已结算待打款", "Settled, to be paid out", statement.to_pay_out_minor),
    )


def statement_file(statement: Statement, kind: StatementFormat) -> bytes:
    """Make a statement's file."""
    match kind:
        case StatementFormat.CSV:
            return _csv(statement)
        case StatementFormat.XLSX:
            return _xlsx(statement)
        case StatementFormat.PDF:
            title = f"对账单 Statement · {statement.operator_id} · {statement.business_date}"
            reconciled = "已对账 reconciled" if statement.reconciled else "未对账 not reconciled"
            note = f"{statement.payments} 笔支付 payments · {reconciled}"
            return _pdf(
                title, statement_rows(statement), currency=statement.currency, notes=(note,)
            )


def _csv(statement: Statement) -> bytes:
    """Comma-separated, with the mark by which spreadsheets know UTF-8."""
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(("operator_id", "date", "code", "项目", "item", "amount", "currency"))
    for row in statement_rows(statement):
        writer.writerow(
            (
                statement.operator_id,
                statement.business_date.isoformat(),
                row.code,
                row.text_zh,
                row.text_en,
                decimal_sum(row.amount_minor, statement.currency),
                statement.currency,
            )
        )
    return text.getvalue().encode("utf-8-sig")


def _xlsx(statement: Statement) -> bytes:
    import xlsxwriter

    data = io.BytesIO()
    book = xlsxwriter.Workbook(data, {"in_memory": True})
    # The file depends on the statement alone, not on when it was made.
    book.set_properties({"created": _EPOCH.replace(tzinfo=None)})
    sheet = book.add_worksheet("statement")
    digits = decimals(statement.currency)
    shown = f"#,##0.{'0' * digits}" if digits else "#,##0"
    money, bold = book.add_format({"num_format": shown}), book.add_format({"bold": True})
    sheet.set_column(0, 1, 24)
    sheet.set_column(2, 2, 16)
    sheet.write_row(0, 0, ["项目", "Item", f"金额 ({statement.currency})"], bold)
    for number, row in enumerate(statement_rows(statement), start=1):
        sheet.write_row(number, 0, [row.text_zh, row.text_en])
        # A spreadsheet counts in binary fractions; minor units of a day's takings are exact in
        # them far beyond what is displayed.
        sheet.write_number(number, 2, row.amount_minor / 10**digits, money)
    book.close()
    return data.getvalue()


def receipt_rows(view: ObligationView) -> tuple[Row, ...]:
    """Every fee line, the total, what was paid and what was given back."""
    fee = msgspec.json.decode(view.fee, type=Fee)
    rows = [Row(line.code, line.text_zh, line.text_en, line.amount_minor) for line in fee.lines]
    rows.append(Row("total", "合计", "Total", view.charged_minor))
    rows.append(Row("paid", "已支付", "Paid", view.captured_minor))
    if view.returned_minor:
        rows.append(Row("returned", "已退还", "Given back", -view.returned_minor))
    return tuple(rows)


def receipt_pdf(view: ObligationView, *, zone: str) -> bytes:
    """Make a driver's receipt of one stay."""

    def at(instant: datetime) -> str:
        return instant.astimezone(ZoneInfo(zone)).strftime("%Y-%m-%d %H:%M")

    notes = (
        f"车牌 Plate: {mask_plate(view.plate)}",
        f"停车场 Car park: {view.lot_id} ({view.operator_id})",
        f"入场 Entered: {at(view.entered_at)}    出场 Left: {at(view.left_at)}",
        f"停车记录 Stay: {view.stay_id}",
    )
    return _pdf(
        "停车费收据 Parking receipt", receipt_rows(view), currency=view.currency, notes=notes
    )


def _pdf(title: str, rows: Sequence[Row], *, currency: str, notes: Sequence[str]) -> bytes:
    from reportlab.lib.pagesizes import A4
    from reportlab.lib.styles import ParagraphStyle
    from reportlab.lib.units import mm
    from reportlab.pdfbase import pdfmetrics
    from reportlab.pdfbase.cidfonts import UnicodeCIDFont
    from reportlab.platypus import Paragraph, SimpleDocTemplate, Spacer, Table

    pdfmetrics.registerFont(UnicodeCIDFont(_FONT))
    data = io.BytesIO()
    body = ParagraphStyle("body", fontName=_FONT, fontSize=10, leading=15)
    head = ParagraphStyle("head", fontName=_FONT, fontSize=15, leading=22)
    table = Table(
        [[row.text_zh, row.text_en, str(Money(row.amount_minor, currency))] for row in rows],
        colWidths=[50 * mm, 70 * mm, 45 * mm],
        style=[
            ("FONTNAME", (0, 0), (-1, -1), _FONT),
            ("ALIGN", (2, 0), (2, -1), "RIGHT"),
            ("LINEBELOW", (0, 0), (-1, -1), 0.25, "#cccccc"),
        ],
    )
    # `invariant`: the same statement makes the same bytes.
    SimpleDocTemplate(data, pagesize=A4, title=title, invariant=1).build(
        [
            Paragraph(title, head),
            *(Paragraph(note, body) for note in notes),
            Spacer(1, 6 * mm),
            table,
        ]
    )
    return data.getvalue()


def file_name(statement: Statement, kind: StatementFormat) -> str:
    """What a statement is called on a disk."""
    day: date = statement.business_date
    return f"statement-{statement.operator_id}-{day.isoformat()}.{kind.value}"
