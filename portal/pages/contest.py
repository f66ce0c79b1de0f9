"""The driver's page to contest a fee: what was said and decided before, and the form."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from billing.core.appeals import Ground
from billing.db.appeals import AppealRow
from portal.pages.driver import PAYABLE, when
from portal.pages.html import Markup, fill, join, language_link, page, plate_chip, sheet, yuan
from portal.pages.texts import TONES, Language, words

CONTESTABLE: Final = PAYABLE | {"paid", "paying", "disputed"}
"""States of a stay whose fee may be contested: charged, or about to be."""
_TONES: Final = {
    "open": TONES["contested"],
    "granted": TONES["contested"],
    "corrected": "good",
    "refused": "bad",
    "withdrawn": "",
}
STATEMENT_MIN, STATEMENT_MAX, EVIDENCE_MAX = 3, 4000, 500


def contest_page(
    stay: Mapping[str, Any],
    appeals: Sequence[AppealRow],
    *,
    language: Language,
    typed: Mapping[str, str],
    problem: str | None = None,
    wrong: str | None = None,
) -> str:
    """The page; `typed` is what a refused form held, and `wrong` its field at fault."""
    text, here = words(language), f"/p/{stay['stay_id']}"
    live = any(each.closed_at is None for each in appeals)
    able = not live and stay["status"] in CONTESTABLE and bool(stay["fee_minor"])
    form = (
        _form(here, text, typed=typed, problem=problem, wrong=wrong)
        if able
        else fill(
            '<p class="note">$text</p>', text=text["contest.live" if live else "contest.not_now"]
        )
    )
    body = join(
        (
            fill("<h1>$title</h1>", title=text["contest.title"]),
            plate_chip(stay["plate"], stay["colour"]),
            _about(stay, language),
            _earlier(appeals, stay["zone"], text),
            form,
            fill('<p class="foot"><a href="$here">$back</a>', here=here, back=text["thanks.back"]),
            language_link(language, f"{here}/appeal"),
            Markup("</p>"),
        )
    )
    return page(title=text["contest.title"], language=language, body=sheet(body, kind="me"))


def _about(stay: Mapping[str, Any], language: Language) -> Markup:
    text = words(language)
    sum_ = "–" if stay["fee_minor"] is None else yuan(stay["fee_minor"], stay["currency"])
    rows = (
        (text["pay.lot"], stay["lot"][f"name_{language}"]),
        (text["pay.entered"], when(stay["entered_at"], stay["zone"])),
        (text["pay.left"], when(stay["left_at"], stay["zone"])),
        (text["pay.title"], sum_),
    )
    shown = join(fill('<dt>$a</dt><dd class="num">$b</dd>', a=a, b=b) for a, b in rows)
    return fill('<dl class="facts">$rows</dl>', rows=shown)


def _earlier(appeals: Sequence[AppealRow], zone: str, text: dict[str, str]) -> Markup:
    """What was said before, and what became of it."""
    row = (
        '<li><p><b>$ground</b> <span class="badge $tone">$state</span> '
        '<span class="soft small num">$at</span></p><p class="said-text">$said</p>$why</li>'
    )
    return join(
        fill(
            '<ul class="appeals">$row</ul>',
            row=fill(
                row,
                ground=text[f"contest.{each.ground.value}"],
                tone=_TONES[each.state],
                state=text[f"contested.{each.state}"],
                at=when(each.opened_at, zone),
                said=each.statement,
                why=fill('<p class="note calm">$text</p>', text=each.reason)
                if each.reason
                else Markup(""),
            ),
        )
        for each in appeals
    )


def _form(
    here: str,
    text: dict[str, str],
    *,
    typed: Mapping[str, str],
    problem: str | None,
    wrong: str | None,
) -> Markup:
    chosen = typed.get("ground", "")
    grounds = join(
        fill(
            '<label class="tick"><input type="radio" name="ground" value="$value" required $on>'
            "$word</label>",
            value=each.value,
            on=Markup("checked" if each.value == chosen else ""),
            word=text[f"contest.{each.value}"],
        )
        for each in Ground
    )

    def beside(name: str) -> Markup:
        if problem is None or wrong != name:
            return Markup("")
        return fill('<p class="note bad" role="alert" id="wrong">$text</p>', text=problem)

    def fault(name: str) -> Markup:
        return Markup('aria-invalid="true" aria-describedby="wrong"' if wrong == name else "")

    return fill(
        '<p class="note">$then</p>$general<form method="post" action="$here/appeal">'
        "<fieldset $bad_ground><legend>$why</legend>$grounds</fieldset>$at_ground"
        '<label for="statement">$say</label><textarea id="statement" name="statement" rows="4" '
        'minlength="$least" maxlength="$most" required $bad_statement>$statement</textarea>'
        '$at_statement<label for="evidence">$evidence_word</label>'
        '<input id="evidence" name="evidence_ref" type="url" maxlength="$long" '
        'placeholder="https://" value="$evidence" $bad_evidence>$at_evidence'
        '<p class="gap"><button>$send</button></p></form>',
        then=text["contest.then"],
        general=beside(""),
        here=here,
        why=text["contest.why"],
        grounds=grounds,
        bad_ground=fault("ground"),
        at_ground=beside("ground"),
        say=text["contest.say"],
        least=STATEMENT_MIN,
        most=STATEMENT_MAX,
        statement=typed.get("statement", ""),
        bad_statement=fault("statement"),
        at_statement=beside("statement"),
        evidence_word=text["contest.evidence"],
        long=EVIDENCE_MAX,
        evidence=typed.get("evidence_ref", ""),
        bad_evidence=fault("evidence_ref"),
        at_evidence=beside("evidence_ref"),
        send=text["contest.send"],
    )
