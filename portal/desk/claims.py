"""A claim to a plate that another account has: for admins, since plates belong to no operator."""

from typing import Annotated, Final
from uuid import UUID

import msgspec
from litestar import Response, get, post
from litestar.params import FromPath

from billing.db.claims import ClaimRow
from billing.web.access import require_admin
from billing.web.claims import DecisionBody
from portal.desk.asking import FORM, AnyRequest, Asker, decided, shown
from portal.desk.board import at_desk
from portal.desk.sheets import (
    case,
    chip,
    choice,
    evidence,
    facts,
    head,
    instant,
    notes,
    outcome,
    panel,
    reason_field,
)
from portal.desk.tried import UNTRIED, DeskForm, Tried
from portal.desk.words import desk_words
from portal.pages.html import Markup


class ClaimForm(DeskForm):
    """What was chosen."""

    reason: str = ""


async def _page(asker: Asker, claim_id: UUID, tried: Tried = UNTRIED) -> str:
    await require_admin(asker.request, holder=asker.principal)
    claim, said = await asker.billing.claims.show(claim_id)
    text = desk_words(asker.language)
    title = text["kind.claims"]
    parts = [
        panel(text["evidence"], _evidence(claim, asker, text)),
        notes(said, asker.zone, language=asker.language),
    ]
    if claim.state == "open":
        choices = [_offer(claim, asker, text, name, tried) for name in ("grant", "refuse")]
    else:
        choices = [
            outcome(
                text[f"claim.{claim.state}"],
                by=None,
                at=claim.decided_at,
                zone=asker.zone,
                why=claim.reason,
                language=asker.language,
            )
        ]
    top = head(title, claim.plate, tried=tried, language=asker.language)
    return at_desk(case(top, parts, choices), title=title, asker=asker)


def _evidence(claim: ClaimRow, asker: Asker, text: dict[str, str]) -> Markup:
    answer = claim.holder_answer
    known = text["claim.yes" if claim.fact_matched else "claim.no"]
    rows: list[tuple[str, object]] = [
        (text["plate"], chip(claim.plate)),
        (text["opened"], instant(claim.opened_at, asker.zone)),
        (text["claim.licence"], evidence(claim.licence_ref)),
        (text["claim.fact"], f"{known} ({claim.fact_tries} {text['claim.tries']})"),
        (text["claim.answer"], "–" if answer is None else text[f"claim.{answer.value}"]),
    ]
    if claim.due_at is not None:
        rows.append((text["claim.rule_at"], instant(claim.due_at, asker.zone)))
    return facts(rows)


def _offer(claim: ClaimRow, asker: Asker, text: dict[str, str], name: str, tried: Tried) -> Markup:
    return choice(
        f"/desk/claims/{claim.claim_id}",
        token=asker.token,
        decision=name,
        title=text[f"claim.{name}"],
        then=text[f"claim.{name}.then"],
        button=text[name],
        fields=(reason_field(text["reason"], tried=tried.of(name)),),
        quiet=name == "refuse",
    )


async def _decide(asker: Asker, claim_id: UUID, form: ClaimForm) -> None:
    by = await require_admin(asker.request, holder=asker.principal)
    body = msgspec.convert({"decision": form.decision, "reason": form.reason.strip()}, DecisionBody)
    await asker.billing.claims.decide(
        claim_id, grant=body.decision == "grant", by=by, reason=body.reason
    )


@get("/desk/claims/{claim_id:uuid}", include_in_schema=False)
async def show_claim(request: AnyRequest, claim_id: FromPath[UUID]) -> Response[str]:
    """The evidence, and the choices."""
    return await shown(request, lambda asker: _page(asker, claim_id))


@post("/desk/claims/{claim_id:uuid}", include_in_schema=False, status_code=303)
async def decide_claim(
    request: AnyRequest, claim_id: FromPath[UUID], data: Annotated[ClaimForm, FORM]
) -> Response[str]:
    """Decide it as the API does."""
    return await decided(
        request,
        data,
        lambda asker: _decide(asker, claim_id, data),
        kind="claims",
        again=lambda asker, tried: _page(asker, claim_id, tried),
    )


HANDLERS: Final = (show_claim, decide_claim)
