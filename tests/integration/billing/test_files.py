"""Statements and receipts to take away: the same figures as on the page, in every format."""

import csv
import io
import zipfile
from xml.etree import ElementTree as ET

import httpx
import msgspec
import pytest

from billing.statement_files import StatementFormat, receipt_rows, statement_file, statement_rows
from tests.integration.billing.test_worker_and_standings import api
from tests.integration.billing.world import OPERATOR, BillingWorld

pytestmark = pytest.mark.anyio
__all__ = ["api"]

_CELLS = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"


def amounts_of_xlsx(content: bytes, *, unit: int = 100) -> list[int]:
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        sheet = ET.fromstring(archive.read("xl/worksheets/sheet1.xml"))  # noqa: S314 - our own
    values = [
        cell.findtext(f"{_CELLS}v") or ""
        for cell in sheet.iter(f"{_CELLS}c")
        if cell.get("r", "").startswith("C") and cell.get("t") != "s"
    ]
    return [round(float(value) * unit) for value in values]


async def test_a_statement_is_the_same_in_every_format(world: BillingWorld) -> None:
    await world.driver("浙A8B762")
    await world.publish(world.priced("浙A8B762", 1_533), world.priced("沪B12345", 407))
    await world.settle()
    statement = await world.statement()
    rows = statement_rows(statement)
    assert rows[0].amount_minor + sum(line.amount_minor for line in statement.lines) == next(
        row.amount_minor for row in rows if row.code == "closing"
    )
    text = statement_file(statement, StatementFormat.CSV).decode("utf-8-sig")
    lines = list(csv.DictReader(io.StringIO(text)))
    assert [line["code"] for line in lines] == [row.code for row in rows]
    assert [round(float(line["amount"]) * 100) for line in lines] == [
        row.amount_minor for row in rows
    ]
    book = statement_file(statement, StatementFormat.XLSX)
    assert amounts_of_xlsx(book) == [row.amount_minor for row in rows]
    # Yen have no minor unit: the same numbers mean whole yen.
    yen = msgspec.structs.replace(statement, currency="JPY")
    text = statement_file(yen, StatementFormat.CSV).decode("utf-8-sig")
    lines = list(csv.DictReader(io.StringIO(text)))
    assert [line["amount"] for line in lines] == [str(row.amount_minor) for row in rows]
    in_yen = amounts_of_xlsx(statement_file(yen, StatementFormat.XLSX), unit=1)
    assert in_yen == [row.amount_minor for row in rows]
    for kind in StatementFormat:
        assert statement_file(statement, kind) == statement_file(statement, kind), "same bytes"
    paper = statement_file(statement, StatementFormat.PDF)
    assert paper.startswith(b"%PDF-")
    assert b"STSong-Light" in paper


async def test_files_are_given_out_like_the_statement_itself(
    world: BillingWorld,
    api: httpx.AsyncClient,
) -> None:
    path = f"/v1/operators/{OPERATOR}/statements/{world.today}"
    for kind, begins in (("csv", b"\xef\xbb\xbf"), ("xlsx", b"PK"), ("pdf", b"%PDF")):
        reply = await api.get(f"{path}/{kind}", headers={"Authorization": f"Bearer {OPERATOR}"})
        assert reply.status_code == 200
        assert reply.content.startswith(begins)
        assert f'.{kind}"' in reply.headers["content-disposition"]
        other = await api.get(f"{path}/{kind}", headers={"Authorization": "Bearer bus-station"})
        assert other.status_code == 403


async def test_a_receipt_has_every_fee_line(
    world: BillingWorld,
    api: httpx.AsyncClient,
) -> None:
    await world.driver("浙A8B762")
    stay = world.priced("浙A8B762", 1_500)
    await world.publish(stay)
    await world.consume()
    path = f"/v1/stays/{stay.stay_id}/receipt"
    assert (await api.get(path)).status_code == 409
    await world.settle()
    reply = await api.get(path)
    assert reply.status_code == 200
    assert reply.content.startswith(b"%PDF-")
    rows = receipt_rows(await world.obligation(stay))
    assert [(row.text_en, row.amount_minor) for row in rows] == [
        ("Time", 1_500),
        ("Total", 1_500),
        ("Paid", 1_500),
    ]
