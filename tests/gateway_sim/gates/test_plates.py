"""Plates have the measures of the standard, and each character its own face."""

from itertools import combinations, pairwise

import numpy as np
import pytest

from gateway_sim.gates.glyphs import CHARACTERS, UnpaintableCharacterError, glyph
from gateway_sim.gates.plates import HEIGHT_MM, cells, draw_plate, plate_width_mm
from parking.core.events import PlateColour

PLATES = ("浙A8B762", "沪AD12345", "京A0006警", "粤Z1234港")


def test_every_character_of_plates_can_be_painted_and_looks_like_no_other() -> None:
    drawn = {character: glyph(character, 45, 90).astype(int) for character in CHARACTERS}
    for one, other in combinations(sorted(CHARACTERS), 2):
        assert np.abs(drawn[one] - drawn[other]).mean() > 3, f"{one} looks like {other}"


def test_a_character_that_no_plate_carries_is_refused() -> None:
    with pytest.raises(UnpaintableCharacterError, match="carries the character '☃'"):
        draw_plate("浙A8☃762", PlateColour.BLUE, chance=np.random.default_rng(0))


@pytest.mark.parametrize("text", PLATES)
def test_characters_stand_apart_and_inside_equal_margins(text: str) -> None:
    laid = cells(text)
    assert "".join(cell.character for cell in laid) == text
    for left, right in pairwise(laid):
        assert left.left + left.width < right.left
    assert laid[0].left == plate_width_mm(text) - laid[-1].left - laid[-1].width


@pytest.mark.parametrize("colour", [each for each in PlateColour if each.value != "unknown"])
def test_plates_have_the_shape_and_the_colour_of_their_kind(colour: PlateColour) -> None:
    text = "浙AD12345" if colour is PlateColour.GREEN else "浙A8B762"
    picture = draw_plate(text, colour, chance=np.random.default_rng(1))
    height, width = picture.shape[:2]
    assert width / height == pytest.approx(plate_width_mm(text) / HEIGHT_MM, rel=0.01)
    blue, green, red = np.median(picture.reshape(-1, 3), axis=0)
    expected = {
        PlateColour.BLUE: blue > 2 * red,
        PlateColour.YELLOW: red > 2 * blue,
        PlateColour.GREEN: green > red + 20,
        PlateColour.WHITE: min(blue, green, red) > 180,
        PlateColour.BLACK: max(blue, green, red) < 70,
    }
    assert expected[colour]
