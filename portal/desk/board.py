"""The desk's list: how much waits of each kind, and the oldest matters first."""

from datetime import datetime
from typing import Final

from portal.desk.asking import Asker
from portal.desk.sheets import NOTHING, age, chip, desk_page, note
from portal.desk.waiting import Board, Kind, Pile, Waiting, places_of
from portal.desk.words import desk_words
from portal.pages.html import Markup, fill, join, yuan

SINGULAR: Final = {
    Kind.REVIEWS: "review",
    Kind.APPEALS: "appeal",
    Kind.CLAIMS: "claim",
    Kind.DISCREPANCIES: "discrepancy",
    Kind.REFUNDS: "refund",
    Kind.DISPUTES: "dispute",
    Kind.CLONES: "clone",
    Kind.TICKETS: "ticket",
}
"""What a kind's words begin with."""


def board_page(found: Board, asker: Asker, *, only: Kind | None, done: bool, now: datetime) -> str:
    """The list, of all kinds or of one."""
    text = desk_words(asker.language)
    items = [each for each in found.items if only in (None, each.kind)]
    number = sum(pile.number for pile in found.piles if only in (None, pile.kind))
    body = fill(
        '<h1>$title</h1><p class="soft">$why</p>$done<nav class="piles" aria-label="$title">'
        "$piles</nav>$lookup$list$more",
        title=text["title"],
        why=text["why"],
        done=note(text["done"], "good") if done else NOTHING,
        piles=join(_pile(each, asker, only=only, now=now) for each in found.piles),
        lookup=_lookup(text) if only in (None, Kind.TICKETS) else NOTHING,
        list=_list(found, items, asker, now),
        more=fill('<p class="soft">$text</p>', text=text["more"])
        if number > len(items)
        else NOTHING,
    )
    return at_desk(body, title=text["title"], asker=asker)


def at_desk(body: Markup, *, title: str, asker: Asker) -> str:
    """A page of the desk for whoever is signed in."""
    who = asker.operator_id or desk_words(asker.language)["admin"]
    return desk_page(
        body,
        title=title,
        language=asker.language,
        who=who,
        token=asker.token,
        here=asker.here,
    )


def _pile(pile: Pile, asker: Asker, *, only: Kind | None, now: datetime) -> Markup:
    text = desk_words(asker.language)
    total = "" if not pile.total_minor else f" · {yuan(pile.total_minor, pile.currency or 'CNY')}"
    chosen = pile.kind is only
    return fill(
        '<a class="figure" href="$href" $current><b class="num">$number</b><span>$word</span>'
        '<span class="soft small num">$oldest $age$total</span></a>',
        href="/desk" if chosen else f"/desk?kind={pile.kind.value}",
        current=Markup('aria-current="true"' if chosen else ""),
        number=pile.number,
        word=text[f"kind.{pile.kind.value}"],
        oldest=text["oldest"],
        age=age(pile.oldest, now=now, language=asker.language),
        total=total,
    )


def _lookup(text: dict[str, str]) -> Markup:
    """Find a ticket that its bearer shows."""
    return fill(
        '<form class="lookup" method="get" action="/desk/tickets"><input name="ticket" '
        'maxlength="64" placeholder="$hint" aria-label="$hint" required>'
        '<button class="quiet">$find</button></form>',
        hint=text["ticket.find"],
        find=text["find"],
    )


def _list(found: Board, items: list[Waiting], asker: Asker, now: datetime) -> Markup:
    if not items:
        return fill(
            '<section class="panel"><p class="empty">$text</p></section>',
            text=desk_words(asker.language)["nothing"],
        )
    rows = join(_row(each, found, asker, now) for each in items)
    return fill('<section class="panel"><ul class="todo">$rows</ul></section>', rows=rows)


def _place(found: Board, place: str, asker: Asker) -> str:
    """Name lots as people do; what is no lot stays as it is."""
    lots = [(each, found.lots.get(each)) for each in places_of(place)]
    return ", ".join(each if lot is None else asker.lot_name(lot) for each, lot in lots)


def _row(item: Waiting, found: Board, asker: Asker, now: datetime) -> Markup:
    text = desk_words(asker.language)
    more = text.get(f"{SINGULAR[item.kind]}.{item.more}", item.more)
    words = " · ".join(each for each in (more, _place(found, item.place, asker)) if each)
    sum_ = "" if item.amount_minor is None else yuan(item.amount_minor, item.currency or "CNY")
    return fill(
        '<li><a href="/desk/$kind/$id">$plate<span class="what"><b>$word</b>'
        '<span class="soft small">$more</span></span><span class="money num"><b>$sum</b>'
        '<span class="soft small">$age</span></span></a></li>',
        kind=item.kind.value,
        id=item.plate if item.kind is Kind.TICKETS else item.id,
        plate=chip(item.plate) if item.plate else fill('<span class="plate none">–</span>'),
        word=text[f"kind.{item.kind.value}"],
        more=words,
        sum=sum_,
        age=age(item.since, now=now, language=asker.language),
    )
