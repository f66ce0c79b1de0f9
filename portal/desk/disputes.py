"""A bank's dispute: how it stands and what it is about. Evidence is gathered and sent by itself."""

from typing import Final
from uuid import UUID

from litestar import Response, get
from litestar.params import FromPath

from billing.db.dispute_reads import DisputeView
from portal.desk.asking import AnyRequest, Asker, shown
from portal.desk.board import at_desk
from portal.desk.sheets import case, chip, facts, head, instant, note, panel, table
from portal.desk.words import desk_words
from portal.pages.html import Markup, fill, yuan


async def _page(asker: Asker, dispute_id: UUID) -> str:
    # Another operator's stays of a gathered payment are left out.
    parts = await asker.billing.dispute(dispute_id, operator_id=asker.operator_id)
    text, first = desk_words(asker.language), parts[0]
    title = f"{text['kind.disputes']} · {text.get(f'dispute.{first.state}', first.state)}"
    evidence = [
        panel(text["evidence"], _about(first, asker, text)),
        panel(text["dispute.stays"], _stays(parts, text)),
    ]
    choices = [panel(text["dispute.then"], *_then(text))]
    top = head(title, first.dispute_ref, language=asker.language)
    return at_desk(case(top, evidence, choices), title=title, asker=asker)


def _about(first: DisputeView, asker: Asker, text: dict[str, str]) -> Markup:
    zone = asker.zone
    return facts(
        (
            (text["state"], text.get(f"dispute.{first.state}", first.state)),
            (text["reason"], text.get(f"dispute.{first.reason}", first.reason) or "–"),
            (text["dispute.heard"], instant(first.heard_at, zone)),
            (text["dispute.answer_by"], instant(first.answer_by, zone)),
            (text["dispute.answered"], instant(first.answered_at, zone)),
            (text["decided_at"], instant(first.closed_at, zone)),
        )
    )


def _stays(parts: list[DisputeView], text: dict[str, str]) -> Markup:
    rows = [
        (
            chip(each.plate),
            yuan(each.paid_minor, each.currency),
            yuan(each.lost_minor, each.currency),
            "–" if each.borne_by is None else text[f"dispute.{each.borne_by}"],
            fill('<a href="/p/$id">$word</a>', id=each.stay_id, word=text["driver_page"]),
        )
        for each in parts
    ]
    heads = (text["plate"], text["amount"], text["dispute.lost_sum"], text["dispute.borne"], "")
    return table(heads, rows)


def _then(text: dict[str, str]) -> list[Markup]:
    """What follows from each way it can end; nobody here chooses."""
    sentences = ("auto", "frozen", "if_won", "if_lost")
    return [note(text[f"dispute.{each}"], "calm") for each in sentences]


@get("/desk/disputes/{dispute_id:uuid}", include_in_schema=False)
async def show_dispute(request: AnyRequest, dispute_id: FromPath[UUID]) -> Response[str]:
    """How it stands."""
    return await shown(request, lambda asker: _page(asker, dispute_id))


HANDLERS: Final = (show_dispute,)
