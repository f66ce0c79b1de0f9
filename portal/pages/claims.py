"""A driver's claims to plates, and those to a plate of theirs: part of the account's page."""

from collections.abc import Iterable
from typing import Final

from billing.db.claims import ClaimRow
from parking.core.errors import DomainError
from parking.core.ids import AccountId
from portal.pages.html import Markup, fill, join, plate_chip
from portal.pages.texts import Language, words

LICENCE_MIN, LICENCE_MAX = 3, 500
_TONES: Final = {"open": "wait", "granted": "good", "refused": "bad", "withdrawn": ""}
_GREEN_PLATE_LENGTH: Final = 8


class NoLicenceError(DomainError):
    """The address of the vehicle licence is missing, or too long."""

    def __init__(self) -> None:
        super().__init__("give the address of the vehicle licence, of 3 to 500 characters")


def claims_section(
    claims: Iterable[ClaimRow], account_id: AccountId, *, language: Language
) -> Markup:
    """All of them, with what there is to do about each; nothing where there are none."""
    text = words(language)
    rows = [_row(each, text, mine=each.claimant_id == account_id) for each in claims]
    if not rows:
        return Markup("")
    return fill(
        '<h2>$title</h2><ul class="appeals">$rows</ul>', title=text["claim.title"], rows=join(rows)
    )


def claim_offer(plate: str, *, language: Language) -> Markup:
    """The way to claim a plate that another account has."""
    text = words(language)
    return fill(
        '<form method="post" action="/me/claims"><input type="hidden" name="plate" value="$plate">'
        '<p class="soft small">$then</p><p class="gap"><button>$word</button></p></form>',
        plate=plate,
        then=text["claim.then"],
        word=text["claim.open"],
    )


def _row(claim: ClaimRow, text: dict[str, str], *, mine: bool) -> Markup:
    colour = "green" if len(claim.plate) == _GREEN_PLATE_LENGTH else "blue"
    doing = Markup("")
    if claim.state == "open":
        doing = _mine(claim, text) if mine else _against_me(claim, text)
    return fill(
        '<li><p>$chip <span class="badge $tone">$state</span></p><p class="soft small">$role</p>'
        "$why$doing</li>",
        chip=plate_chip(claim.plate, colour),
        tone=_TONES[claim.state],
        state=text[f"claimed.{claim.state}"],
        role=text["claim.mine" if mine else "claim.against"],
        why=fill('<p class="note calm">$text</p>', text=claim.reason) if claim.reason else "",
        doing=doing,
    )


def _mine(claim: ClaimRow, text: dict[str, str]) -> Markup:
    back = fill(
        '<form method="post" action="/me/claims/$id/withdraw"><button class="quiet">$word</button>'
        "</form>",
        id=claim.claim_id,
        word=text["claim.withdraw"],
    )
    if claim.licence_ref is not None:
        return join((fill('<p class="note">$text</p>', text=text["claim.waiting"]), back))
    licence = fill(
        '<form method="post" action="/me/claims/$id/licence" class="inline">'
        '<label for="licence-$id">$label</label><input id="licence-$id" name="licence" type="url" '
        'minlength="$least" maxlength="$most" placeholder="https://" required>'
        "<button>$word</button></form>",
        id=claim.claim_id,
        label=text["claim.licence"],
        least=LICENCE_MIN,
        most=LICENCE_MAX,
        word=text["claim.give"],
    )
    return join((licence, back))


def _against_me(claim: ClaimRow, text: dict[str, str]) -> Markup:
    if claim.holder_answer is not None:
        return fill('<p class="note">$text</p>', text=text["claim.waiting"])
    return fill(
        '<form method="post" action="/me/claims/$id/answer">'
        '<button name="answer" value="contests">$contests</button> '
        '<button class="quiet" name="answer" value="agrees">$agrees</button></form>',
        id=claim.claim_id,
        contests=text["claim.contests"],
        agrees=text["claim.agrees"],
    )
