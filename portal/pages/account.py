"""The driver's own pages: sign in by a code on the phone, bind plates and a card, see every fee.

All of it is plain forms: it works without JavaScript, on any phone.
"""

from collections.abc import Sequence
from typing import Final
from zoneinfo import ZoneInfo

import msgspec

from billing.core.consent import ConsentText
from billing.db.accounts import Profile
from billing.db.claims import ClaimRow
from billing.db.queries import ObligationView
from billing.services.bind import mask_phone
from parking.core.ids import AccountId
from parking.core.plate import Plate
from portal.pages.claims import claim_offer, claims_section
from portal.pages.html import (
    Markup,
    alert,
    fill,
    join,
    language_link,
    page,
    plate_chip,
    sheet,
    yuan,
)
from portal.pages.texts import TONES, Language, words

PATH: Final = "/me"
_GREEN_PLATE_LENGTH: Final = 8
_UNDERWAY: Final = frozenset({"ready", "in_flight", "unknown", "pending", "abandoning"})


class Shown(msgspec.Struct, frozen=True, kw_only=True):
    """What the page of an account shows."""

    profile: Profile
    obligations: Sequence[ObligationView]
    claims: Sequence[ClaimRow]
    """Those that it made, and those against it."""
    account_id: AccountId
    consent: ConsentText
    zone: str
    """In which times are told."""


class Wrong(msgspec.Struct, frozen=True, kw_only=True):
    """What could not be done, at which part of the page, and what was typed there."""

    problem: str | None = None
    at: str = ""
    typed: str = ""
    held_by_another: bool = False
    """It was a plate that another account has: it can be claimed."""

    def told_at(self, part: str) -> Markup:
        """The problem, at the one part where it belongs."""
        return alert(self.problem if self.at == part else None)


NOTHING_WRONG: Final = Wrong()


def phone_page(*, language: Language, problem: str | None = None, phone: str = "") -> str:
    """Ask for the phone number."""
    text = words(language)
    body = fill(
        '<h1>$title</h1><p class="soft">$why</p>$problem'
        '<form method="post" action="/me/code"><label for="phone">$label</label>'
        '<input id="phone" name="phone" type="tel" autocomplete="tel" inputmode="tel" '
        'maxlength="24" value="$phone" placeholder="138 1234 5678" required>'
        '<p class="gap"><button>$button</button></p></form><p class="foot">$other</p>',
        title=text["me.title"],
        other=language_link(language, PATH),
        why=text["me.why"],
        problem=alert(problem),
        label=text["me.phone"],
        phone=phone,
        button=text["me.send_code"],
    )
    return _page(body, language)


def code_page(*, language: Language, phone: str, problem: str | None = None) -> str:
    """Ask for the code that was sent."""
    text = words(language)
    body = fill(
        '<h1>$title</h1><p class="soft">$sent $phone</p>$problem'
        '<form method="post" action="/me/sign-in"><label for="code">$label</label>'
        '<input type="hidden" name="phone" value="$phone">'
        '<input id="code" name="code" inputmode="numeric" autocomplete="one-time-code" '
        'pattern="[0-9]{6}" maxlength="6" required autofocus>'
        '<p class="gap"><button>$button</button></p></form>'
        '<p class="foot"><a href="/me">$other</a></p>',
        title=text["me.title"],
        sent=text["me.code_sent"],
        phone=phone,
        problem=alert(problem),
        label=text["me.code"],
        button=text["me.sign_in"],
        other=text["me.other_phone"],
    )
    return _page(body, language)


def account_page(shown: Shown, *, language: Language, wrong: Wrong = NOTHING_WRONG) -> str:
    """The account: its plates, its card, and each stay with what became of its fee."""
    text = words(language)
    head = fill(
        '<h1>$title</h1><p class="soft num">$phone</p>$problem',
        title=text["me.title"],
        phone=mask_phone(shown.profile.phone),
        problem=wrong.told_at(""),
    )
    out = fill(
        '<form method="post" action="/me/sign-out" class="foot">'
        '<button class="quiet">$text</button>$other</form>',
        text=text["me.sign_out"],
        other=language_link(language, PATH),
    )
    parts = (
        head,
        _plates(shown, text, wrong),
        claim_offer(wrong.typed, language=language) if wrong.held_by_another else Markup(""),
        claims_section(shown.claims, shown.account_id, language=language),
        _card(shown, language, wrong),
        _stays(shown, text),
        out,
    )
    return _page(join(parts), language)


def _page(body: Markup, language: Language) -> str:
    return page(title=words(language)["me.title"], language=language, body=sheet(body, kind="me"))


def _colour(plate: Plate) -> str:
    """New-energy plates have one character more than all others, and are green."""
    return "green" if len(plate) == _GREEN_PLATE_LENGTH else "blue"


def _plates(shown: Shown, text: dict[str, str], wrong: Wrong) -> Markup:
    row = (
        '<li>$chip<form method="post" action="/me/plates/let-go">'
        '<input type="hidden" name="plate" value="$plate">'
        '<button class="quiet" aria-label="$go $plate">$go</button></form></li>'
    )
    rows = [
        fill(row, chip=plate_chip(plate, _colour(plate)), plate=plate, go=text["me.let_go"])
        for plate in shown.profile.plates
    ]
    listed = fill('<ul class="mine">$rows</ul>', rows=join(rows)) if rows else Markup("")
    return fill(
        '<h2>$title</h2>$listed<form method="post" action="/me/plates" class="inline">'
        '<label for="plate">$label</label><input id="plate" name="plate" maxlength="16" '
        'placeholder="浙A8B762" autocapitalize="characters" value="$typed" required $invalid>'
        '<button>$add</button><label for="country">$elsewhere</label>'
        '<input id="country" name="country" maxlength="2" autocapitalize="characters" '
        'autocomplete="off"></form>$problem',
        title=text["me.plates"],
        listed=listed,
        label=text["me.plate"],
        add=text["me.add_plate"],
        elsewhere=text["me.country"],
        typed=wrong.typed if wrong.at == "plate" else "",
        invalid=Markup('aria-invalid="true" autofocus' if wrong.at == "plate" else ""),
        problem=wrong.told_at("plate"),
    )


def _card(shown: Shown, language: Language, wrong: Wrong) -> Markup:
    text, profile = words(language), shown.profile
    parts = [fill("<h2>$title</h2>", title=text["me.card"])]
    if profile.card_last4 is not None:
        kept = (
            '<p class="kept"><b class="num">$brand ···· $last4</b></p>'
            '<p class="soft small">$charged</p><form method="post" action="/me/card/take-back">'
            '<button class="quiet">$take</button> <span class="soft small">$then</span></form>'
        )
        parts.append(
            fill(
                kept,
                brand=(profile.card_brand or "").upper(),
                last4=profile.card_last4,
                take=text["me.take_card"],
                charged=text["me.charged"],
                then=text["me.take_card.then"],
            )
        )
    if profile.suspended_at is not None:
        parts.append(alert(text["me.suspended"]))
    consent = shown.consent
    form = fill(
        '<form method="post" action="/me/card"><p class="consent">$consent</p>'
        '<p class="soft small">$edition <span class="num">$version</span></p>'
        '<p class="soft small">$stored</p>$problem'
        '<label class="tick"><input type="checkbox" name="consent" value="$version" required> '
        "$agree</label><button>$leave</button></form>",
        consent=consent.text_zh if language == "zh" else consent.text_en,
        version=consent.version,
        edition=text["me.version"],
        stored=text["me.stored"],
        problem=wrong.told_at("card"),
        agree=text["me.agree"],
        leave=text["me.leave_card"],
    )
    if profile.card_last4 is None:
        return join((*parts, form))
    other = fill(
        "<details><summary>$other</summary>$form</details>", other=text["me.other_card"], form=form
    )
    return join((*parts, other))


def _status(each: ObligationView) -> str:
    if each.hold is not None:
        return each.hold
    if each.appeal_state in {"open", "granted"}:
        return "contested"
    if each.disputed:
        return "disputed"
    if each.outstanding_minor > 0:
        return "paying" if each.payment_state in _UNDERWAY else "outstanding"
    return "paid" if each.captured_minor > each.returned_minor else "free"


def _stays(shown: Shown, text: dict[str, str]) -> Markup:
    title = fill("<h2>$title</h2>", title=text["me.stays"])
    if not shown.obligations:
        return join((title, fill('<p class="soft">$text</p>', text=text["me.no_stays"])))
    row = (
        '<li><a href="/p/$stay"><span>$plate<br><span class="soft small num">$when</span></span>'
        '<b class="num">$sum</b><span class="badge $tone">$word</span></a></li>'
    )
    rows = [
        fill(
            row,
            stay=each.stay_id,
            when=f"{each.left_at.astimezone(ZoneInfo(shown.zone)):%m-%d %H:%M}",
            plate=each.plate,
            sum=yuan(each.charged_minor, each.currency),
            tone=TONES[_status(each)],
            word=text[f"state.{_status(each)}"],
        )
        for each in shown.obligations
    ]
    return join((title, fill('<ul class="visits">$rows</ul>', rows=join(rows))))
