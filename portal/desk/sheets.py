"""How pages of the desk are put together: the head, facts, choices, times and sums."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from billing.db.case_notes import CaseNote
from parking.core.fee import Fee
from parking.core.ticket import is_ticket
from portal.desk.tried import UNTRIED, Tried
from portal.desk.words import desk_words
from portal.pages.html import Markup, alert, fill, join, language_link, page, plate_chip, yuan
from portal.pages.texts import Language, words

_GREEN_PLATE_LENGTH: Final = 8
_TICKET_SHOWN: Final = 6
_DAY: Final = timedelta(days=1)
_HOUR: Final = timedelta(hours=1)
NOTHING: Final = Markup("")
_WRONG: Final = Markup('aria-invalid="true" aria-describedby="wrong" autofocus')
"""A browser goes to the field that was wrong, and a screen reader says what was."""


def desk_page(
    body: Markup,
    *,
    title: str,
    language: Language,
    who: str | None,
    token: str = "",
    here: str = "/desk",
) -> str:
    """Put a page of the desk together; `who` works there, and may leave."""
    text = desk_words(language)
    head = fill(
        '<header class="top desk-top"><a class="sign" href="/desk" aria-label="$desk">P</a>'
        '<div><b>$desk</b><div class="tag">$who</div></div><nav class="right">'
        '<a href="/desk">$list</a><a href="/desk/money">$money</a><a href="/">$live</a>'
        "$other$leave</nav></header>",
        desk=text["desk"],
        who=who or "",
        list=text["list"],
        money=text["money"],
        live=text["live"],
        other=language_link(language, here),
        leave=_leave(text, token) if who else NOTHING,
    )
    whole = fill('$head<main class="wrap desk">$body</main>', head=head, body=body)
    return page(title=f"{title} · {text['desk']}", language=language, body=whole)


def _leave(text: dict[str, str], token: str) -> Markup:
    return fill(
        '<form method="post" action="/desk/sign-out"><input type="hidden" name="token" '
        'value="$token"><button class="quiet">$word</button></form>',
        token=token,
        word=text["sign_out"],
    )


def problem_page(language: Language, problem: str) -> str:
    """Say what is not right, and the way back."""
    text = desk_words(language)
    body = fill(
        '<section class="panel case"><h1>$title</h1>$said<p><a href="/desk">$back</a></p>'
        "</section>",
        title=words(language)["error.title"],
        said=alert(problem),
        back=text["back"],
    )
    return desk_page(body, title=words(language)["error.title"], language=language, who=None)


def note(text: str, tone: str = "") -> Markup:
    """Something to know."""
    return fill('<p class="note $tone">$text</p>', tone=tone, text=text)


def panel(title: str, *parts: Markup) -> Markup:
    """One part of a page under its own head."""
    return fill(
        '<section class="panel"><header><h2>$title</h2></header><div class="in">$parts</div>'
        "</section>",
        title=title,
        parts=join(parts),
    )


def case(head: Markup, evidence: Iterable[Markup], choices: Iterable[Markup]) -> Markup:
    """A matter: what it is, what there is to decide it by, and beside it the choices."""
    return fill(
        '$head<div class="case-columns"><div class="stack">$evidence</div>'
        '<div class="stack">$choices</div></div>',
        head=head,
        evidence=join(evidence),
        choices=join(choices),
    )


def head(title: str, subtitle: str, *, language: Language, tried: Tried = UNTRIED) -> Markup:
    """The head of a matter, with what went wrong just now."""
    return fill(
        '<p class="crumb"><a href="/desk">$back</a></p><h1>$title</h1>'
        '<p class="soft">$subtitle</p>$problem',
        back=desk_words(language)["back"],
        title=title,
        subtitle=subtitle,
        problem=alert(tried.problem),
    )


def facts(rows: Iterable[tuple[str, object]]) -> Markup:
    """Names with their values."""
    shown = [fill("<dt>$name</dt><dd>$value</dd>", name=name, value=value) for name, value in rows]
    return fill('<dl class="facts">$rows</dl>', rows=join(shown))


def table(heads: Iterable[str], rows: Iterable[Iterable[object]]) -> Markup:
    """A table that scrolls by itself where it is too wide."""
    top = join(fill('<th scope="col">$head</th>', head=each) for each in heads)
    body = join(
        fill("<tr>$cells</tr>", cells=join(fill("<td>$cell</td>", cell=cell) for cell in row))
        for row in rows
    )
    return fill(
        '<div class="scroll"><table class="grid"><thead><tr>$top</tr></thead>'
        "<tbody>$body</tbody></table></div>",
        top=top,
        body=body,
    )


def choice(
    action: str,
    *,
    token: str,
    decision: str,
    title: str,
    then: str,
    button: str,
    fields: Iterable[Markup] = (),
    quiet: bool = False,
) -> Markup:
    """One decision: what it says, what follows from it, what it needs, and its button."""
    return fill(
        '<form class="panel choice" method="post" action="$action"><h3>$title</h3>'
        '<p class="soft small">$then</p>$fields<input type="hidden" name="token" value="$token">'
        '<button name="decision" value="$decision" class="$kind">$button</button></form>',
        action=action,
        title=title,
        then=then,
        fields=join(fields),
        token=token,
        decision=decision,
        kind="second" if quiet else "",
        button=button,
    )


def field(
    name: str,
    label: str,
    *,
    kind: str = "text",
    placeholder: str = "",
    required: bool = False,
    tried: Tried = UNTRIED,
) -> Markup:
    """A line to fill in, with what was typed before and what was wrong with it."""
    return fill(
        '<label>$label<input name="$name" type="$kind" placeholder="$placeholder" '
        'value="$value" autocomplete="off" $required $wrong></label>$problem',
        label=label,
        name=name,
        kind=kind,
        placeholder=placeholder,
        value=tried.values.get(name, ""),
        required=Markup("required" if required else ""),
        wrong=_WRONG if tried.field == name else NOTHING,
        problem=beside(name, tried),
    )


def reason_field(label: str, *, required: bool = True, tried: Tried = UNTRIED) -> Markup:
    """Why; it is kept with the decision."""
    return fill(
        '<label>$label<textarea name="reason" rows="2" maxlength="500" $required $wrong>$value'
        "</textarea></label>$problem",
        label=label,
        required=Markup('required minlength="3"' if required else ""),
        wrong=_WRONG if tried.field == "reason" else NOTHING,
        value=tried.values.get("reason", ""),
        problem=beside("reason", tried),
    )


def radio(name: str, value: str, label: Markup, *, on: bool, required: bool = False) -> Markup:
    """One of several things to choose from."""
    return fill(
        '<label class="tick"><input type="radio" name="$name" value="$value" $on $required>'
        "$label</label>",
        name=name,
        value=value,
        on=Markup("checked" if on else ""),
        required=Markup("required" if required else ""),
        label=label,
    )


def beside(name: str, tried: Tried) -> Markup:
    """What was wrong with a field, told beside it."""
    if tried.field != name:
        return NOTHING
    return fill('<p id="wrong" class="wrong">$text</p>', text=tried.problem)


def fee_table(fee: Fee, language: Language) -> Markup:
    """A fee, line by line."""
    row = '<tr><td>$what</td><td class="num">$sum</td></tr>'
    rows = [
        fill(
            row,
            what=line.text_zh if language == "zh" else line.text_en,
            sum=yuan(line.amount_minor, fee.total.currency),
        )
        for line in fee.lines
    ]
    total = fill(
        '<tr class="total"><td>$what</td><td class="num">$sum</td></tr>',
        what=words(language)["total"],
        sum=yuan(fee.total.amount_minor, fee.total.currency),
    )
    return fill(
        '<table class="lines"><tbody>$rows$total</tbody></table>', rows=join(rows), total=total
    )


def chip(plate: str | None, colour: str | None = None) -> Markup:
    """A plate as a plate; nobody read one: a dash."""
    if plate is None:
        return Markup("–")
    if is_ticket(plate):
        # Shown in full on its own page; a list says enough with its beginning.
        return fill('<span class="plate none">$text…</span>', text=plate[:_TICKET_SHOWN])
    usual = "green" if len(plate) == _GREEN_PLATE_LENGTH else "blue"
    return plate_chip(plate, usual if colour in (None, "unknown") else str(colour))


def instant(value: datetime | None, zone: str) -> Markup:
    """An instant to the second, on the clock of its place."""
    if value is None:
        return Markup("–")
    local = value.astimezone(ZoneInfo(zone))
    return fill('<span class="num">$at</span>', at=f"{local:%Y-%m-%d %H:%M:%S}")


def age(since: datetime, *, now: datetime, language: Language) -> str:
    """How long something has waited."""
    waited = max(now - since, timedelta(0))
    days, rest = divmod(waited, _DAY)
    hours, rest = divmod(rest, _HOUR)
    minutes = rest // timedelta(minutes=1)
    text = desk_words(language)
    if days:
        return f"{days} {text['days']} {hours} {text['hours']}"
    if hours:
        return f"{hours} {text['hours']} {minutes} {text['minutes']}"
    return f"{minutes} {text['minutes']}"


def evidence(ref: str | None) -> Markup:
    """Where a picture or paper can be looked at; only an https address becomes a link."""
    if ref is None:
        return Markup("–")
    if ref.startswith("https://"):
        link = '<a href="$ref" rel="noopener noreferrer nofollow" target="_blank">$ref</a>'
        return fill(link, ref=ref)
    return fill("$ref", ref=ref)


def notes(said: Iterable[CaseNote], zone: str, *, language: Language) -> Markup:
    """What was said about a matter, the first first."""
    row = '<li><b>$by</b> <span class="soft small">$kind · $at</span><p>$text</p></li>'
    words_ = desk_words(language)
    rows = [
        fill(
            row,
            by=who(each.said_by, language),
            kind=next((words_[key] for key in _note_keys(each.kind) if key in words_), each.kind),
            at=instant(each.recorded_at, zone),
            text=each.text,
        )
        for each in said
    ]
    if not rows:
        return NOTHING
    listed = fill('<ul class="said">$rows</ul>', rows=join(rows))
    return panel(desk_words(language)["said"], listed)


def who(author: str, language: Language) -> str:
    """Who said or decided something: a role in words, with the name that follows it."""
    role, _, name = author.partition(":")
    text = desk_words(language).get(f"who.{role}")
    if text is None:
        return author
    return f"{text} ({name})" if name else text


def _note_keys(kind: str) -> Iterable[str]:
    """Under which words a note's occasion may be told: each desk has its own."""
    return (f"{desk}.{kind}" for desk in ("note", "claim", "appeal", "means"))


def outcome(
    state: str, *, by: str | None, at: datetime | None, zone: str, why: str, language: Language
) -> Markup:
    """How a matter ended: there is nothing more to choose."""
    text = desk_words(language)
    rows: list[tuple[str, object]] = [(text["state"], state)]
    if by:
        rows.append((text["decided_by"], who(by, language)))
    if at is not None:
        rows.append((text["decided_at"], instant(at, zone)))
    if why:
        rows.append((text["reason"], why))
    return panel(text["state"], note(text["decided"], "good"), facts(rows))
