"""From where a plate's stays must be folded again: what came before can no longer change.

A stay is settled once another stay began after it, later than the lot's debounce and the tolerance
for drifting clocks, and all that changes happens after that beginning. For then

- the stay itself can only be what it is: what repeats it, ends it or is paired with it would
  concern the newest stay of its plate, and it is not the newest any more;
- no look ahead passes the beginning that follows it. The only one is the fold's question whether
  an exit follows an entry that may be paired by drift: it ends at any exit, and at an entry that
  repeats nothing. The entry that follows here is too late to be paired, and to be a repeat.

So `fold` may start with the settled stay in place of all the facts that made it. This bounds both
what is read and what is folded by the stays since then, however many the plate has had before.
"""

from collections.abc import Sequence
from datetime import datetime
from itertools import pairwise

from parking.core.durations import seconds
from parking.core.place import StayRules
from parking.core.stay import Stay
from parking.core.stay_steps import paired_by_drift


def last_settled(
    newest_first: Sequence[Stay], *, before: datetime, rules: StayRules
) -> Stay | None:
    """Find the newest settled stay among the newest stays of a plate in a lot.

    `before` is the earliest instant at which anything about the plate changes: a lane event, or a
    word about one, that comes, goes or becomes another plate's. None: fold from the first fact.
    """
    apart = seconds(max(rules.debounce_seconds, rules.clock_drift_tolerance_seconds))
    for later, earlier in pairwise(newest_first):
        began_at = _began_at(later)
        if began_at is None or began_at >= before:
            continue
        if began_at - earlier.last_seen_at > apart:
            return earlier
    return None


def _began_at(stay: Stay) -> datetime | None:
    """The instant of its first trigger, where the stay still tells it."""
    if paired_by_drift(stay):
        return None  # it began with its exit, whose instant gave way to the entry's
    return stay.left_at if stay.entered_at is None else stay.entered_at
