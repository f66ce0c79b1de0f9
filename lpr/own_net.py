"""What the recogniser of our own takes and answers: its input's size and its characters.

Shared by the product, which runs it, and by `lpr.training`, which makes it.
"""

from lpr.core.plate_format import DIGITS, LETTERS, PROVINCES, RARE, SUFFIXES

INPUT_WIDTH_PIXELS = 128
INPUT_HEIGHT_PIXELS = 32
CHARACTERS = (
    PROVINCES + SUFFIXES + RARE + "".join(letter for letter in LETTERS if letter != "I") + DIGITS
)
"""The meaning of the outputs, after the first, which is the blank between characters."""
