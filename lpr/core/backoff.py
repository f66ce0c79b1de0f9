"""How long to wait before the next try."""


def delay_seconds(
    attempt: int, *, base_seconds: float, bound_seconds: float, chance: float
) -> float:
    """Answer the wait before try `attempt` (from 1): doubling, bounded, with jitter.

    `chance` is a random number from 0.0 to 1.0. Jitter takes up to half off, so that the gates
    of a city do not all knock at once when the server is back.
    """
    doubled = base_seconds * 2.0 ** min(max(attempt, 1) - 1, 30)
    return min(doubled, bound_seconds) * (1.0 - chance / 2)
