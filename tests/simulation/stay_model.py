"""Stays in the plainest words: slow, short, and sharing no code with the product.

Everything is a number of seconds or a word. Each question is answered by looking through all facts
again; nothing is remembered, nothing is stepped. docs/stays.md is what it follows.
"""

from dataclasses import dataclass, field

DEBOUNCE, DRIFT, HAND, REENTRY = 30, 60, 15 * 60, 16 * 60
THROUGH, LONGEST, REPEATS = 180, 4 * 3600, 3600
ENTERED, LEFT, CORRECTED, WITHDRAWN, ENDED = "entered", "left", "corrected", "withdrawn", "ended"


@dataclass(frozen=True)
class Said:
    """One fact. `number` orders ids, `recorded` says when we heard it."""

    number: int
    kind: str
    at: int
    recorded: int
    plate: str | None = None
    """Read, or corrected to."""
    lane: str = ""
    about: int = -1
    how: str = ""

    @property
    def rank(self) -> tuple[int, int]:
        return self.recorded, self.number


@dataclass
class Visit:
    """A stay as the model sees it."""

    name: int
    state: str
    came: int | None
    went: int | None
    seen: int
    lanes: tuple[str, str] = ("", "")
    after: int | None = None
    """The visit that it re-enters."""
    by_hand: bool = False
    events: set[int] = field(default_factory=set)

    @property
    def through(self) -> bool:
        entry, exit_ = self.lanes
        if self.came is None or self.went is None or not exit_ or entry == exit_:
            return False
        return self.went - self.came <= THROUGH

    @property
    def owes(self) -> int | None:
        """5 yuan for each hour begun; quarter of an hour is free; part minutes do not count."""
        if self.state != "closed" or self.came is None or self.went is None:
            return None
        minutes = (self.went - self.came) // 60 - 15
        return 500 * -(-minutes // 60) if minutes > 0 else 0


def visits(facts: list[Said], plate: str, *, now: int) -> list[Visit]:
    """All stays of one plate by an instant."""
    timeline = [fact for fact in facts if fact.kind in {ENTERED, LEFT} and _is(facts, fact, plate)]
    mine = {fact.number for fact in timeline}
    ends = [word for word in _ends(facts) if word.about in mine]
    timeline += [word for word in ends if word.how == "left"]
    timeline.sort(key=lambda fact: (fact.at, (ENTERED, LEFT, ENDED).index(fact.kind), fact.number))
    found: list[Visit] = []
    for place, fact in enumerate(timeline):
        _take(found, fact, timeline[place + 1 :])
    for visit in found[-1:]:
        gone = any(word.how == "gone" and word.about in visit.events for word in ends)
        late = visit.came is not None and now - visit.came > LONGEST
        if visit.state == "open" and (gone or late):
            visit.state = "missed_exit"
    return found


def _take(found: list[Visit], fact: Said, later: list[Said]) -> None:
    last = found[-1] if found else None
    if fact.kind == ENTERED:
        _enter(found, last, fact, later)
    elif fact.kind == LEFT:
        _leave(found, last, fact)
    elif last is not None and fact.about in last.events and last.state == "open":
        assert last.came is not None
        if fact.at - last.came <= LONGEST:
            last.state, last.went, last.seen, last.by_hand = "closed", fact.at, fact.at, True


def _enter(found: list[Visit], last: Visit | None, fact: Said, later: list[Said]) -> None:
    new = Visit(fact.number, "open", fact.at, None, fact.at, (fact.lane, ""))
    new.events.add(fact.number)
    if last is None:
        found.append(new)
        return
    gap = fact.at - last.seen
    began_with_its_exit = last.state == "closed" and last.name not in _entries(last)
    if (last.state in {"open", "missed_exit"} or began_with_its_exit) and gap <= DEBOUNCE:
        last.seen = fact.at
        last.events.add(fact.number)
    elif last.state == "open":
        last.state = "missed_exit"
        found.append(new)
    elif last.state == "missed_entry" and gap <= DRIFT and not _exit_is_next(fact, later):
        last.state, last.came, last.went, last.seen = "closed", fact.at, fact.at, fact.at
        last.lanes = (fact.lane, last.lanes[1])
        last.events.add(fact.number)
    else:
        if last.state == "closed" and last.went is not None and fact.at - last.went < REENTRY:
            new.after = last.name
        found.append(new)


def _leave(found: list[Visit], last: Visit | None, fact: Said) -> None:
    new = Visit(fact.number, "missed_entry", None, fact.at, fact.at, ("", fact.lane))
    new.events.add(fact.number)
    if last is None:
        found.append(new)
    elif last.state in {"open", "missed_exit"}:
        assert last.came is not None
        if fact.at - last.came > LONGEST:
            last.state = "missed_exit"
            found.append(new)
        else:
            last.state, last.went, last.seen = "closed", fact.at, fact.at
            last.lanes = (last.lanes[0], fact.lane)
            last.events.add(fact.number)
    elif fact.at - last.seen <= DEBOUNCE or (
        last.by_hand and last.went is not None and fact.at - last.went <= HAND
    ):
        last.seen = fact.at
        last.events.add(fact.number)
    else:
        found.append(new)


def _entries(visit: Visit) -> set[int]:
    """Named by its entry, unless the clocks drifted: then no time passed and it has two lanes."""
    drifted = visit.came == visit.went and not visit.by_hand and visit.name % 2 == 1
    return set() if drifted else {visit.name}


def _exit_is_next(entry: Said, later: list[Said]) -> bool:
    seen = entry.at
    for fact in later:
        if fact.kind == LEFT:
            return True
        if fact.kind == ENTERED:
            if fact.at - seen > DEBOUNCE:
                return False
            seen = fact.at
    return False


def _withdrawn(facts: list[Said]) -> set[int]:
    return {fact.about for fact in facts if fact.kind == WITHDRAWN}


def _last_word(facts: list[Said], kind: str, number: int) -> Said | None:
    words = [
        fact
        for fact in facts
        if fact.kind == kind and fact.about == number and fact.number not in _withdrawn(facts)
    ]
    return max(words, key=lambda word: word.rank, default=None)


def _ends(facts: list[Said]) -> list[Said]:
    """The word that stands about each event, of those that say it left or is gone."""
    about = {fact.about for fact in facts if fact.kind == ENDED}
    words = [_last_word(facts, ENDED, number) for number in about]
    return [word for word in words if word is not None and word.how != "never_was"]


def _is(facts: list[Said], event: Said, plate: str) -> bool:
    """Whether an event counts for a plate, by its own word or that of a trigger it repeats."""
    if event.number in _withdrawn(facts):
        return False
    leader = _leader(facts, event)
    if _never_was(facts, leader.number):
        return False
    word = _last_word(facts, CORRECTED, leader.number)
    return (event.plate if word is None else word.plate) == plate


def _never_was(facts: list[Said], number: int) -> bool:
    word = _last_word(facts, ENDED, number)
    return word is not None and word.how == "never_was"


def _speaks(facts: list[Said], number: int) -> bool:
    return _never_was(facts, number) or _last_word(facts, CORRECTED, number) is not None


def _leader(facts: list[Said], event: Said) -> Said:
    """The trigger whose word counts: its own, else the nearest before, else the nearest after."""
    if _speaks(facts, event.number) or event.plate is None:
        return event
    alike = sorted(
        (
            fact
            for fact in facts
            if (fact.kind, fact.plate, fact.lane) == (event.kind, event.plate, event.lane)
        ),
        key=lambda fact: (fact.at, fact.number),
    )
    here = alike.index(event)
    for direction in (-1, 1):
        place = here
        while 0 <= place + direction < len(alike):
            if abs(alike[place + direction].at - alike[place].at) > DEBOUNCE:
                break
            place += direction
            other = alike[place]
            if abs(other.at - event.at) > REPEATS:
                break
            if other.number not in _withdrawn(facts) and _speaks(facts, other.number):
                return other
    return event
