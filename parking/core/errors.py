"""The root of every error that this project raises on purpose."""


class DomainError(Exception):
    """Something the rules forbid. Each rule has a subclass of its own, beside the code it guards.

    The message is written for the person who must act on it. HTTP statuses are chosen in the
    web layers only.
    """
