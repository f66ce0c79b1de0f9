import io
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from lpr.errors import ImageError
from lpr.image_file import FILE_BYTES_MAX, decode_image, read_image_file

RED, BLUE = (200, 20, 20), (20, 20, 200)


def halves(mode: str = "RGB") -> Image.Image:
    """A picture 80 wide and 40 high: red on the left, blue on the right."""
    picture = Image.new("RGB", (80, 40), RED)
    picture.paste(BLUE, (40, 0, 80, 40))
    return picture.convert(mode)


def encoded(picture: Image.Image, kind: str, **options: object) -> bytes:
    out = io.BytesIO()
    picture.save(out, kind, **options)
    return out.getvalue()


def turned_by_exif() -> bytes:
    exif = Image.Exif()
    exif[0x0112] = 6  # the camera was held a quarter turn: rotate by 90 degrees to see it upright
    return encoded(halves(), "JPEG", quality=95, exif=exif)


@pytest.mark.parametrize(
    "data",
    [
        encoded(halves(), "JPEG", quality=95),
        encoded(halves("CMYK"), "JPEG", quality=95),
        encoded(halves(), "PNG"),
        encoded(halves("P"), "PNG"),
        encoded(halves("RGBA"), "PNG"),
        encoded(halves(), "BMP"),
        encoded(halves(), "WEBP", quality=95),
        encoded(halves(), "TIFF"),
    ],
    ids=["jpeg", "cmyk", "png", "palette", "transparent", "bmp", "webp", "tiff"],
)
def test_opens_every_kind_in_true_colours(data: bytes) -> None:
    picture = decode_image(data)
    assert picture.shape == (40, 80, 3)
    left, right = picture[20, 10], picture[20, 70]
    assert left[2] > left[0] + 80
    assert right[0] > right[2] + 80


def test_turns_a_picture_upright() -> None:
    picture = decode_image(turned_by_exif())
    assert picture.shape == (80, 40, 3)
    top, bottom = picture[10, 20], picture[70, 20]
    assert top[2] > top[0] + 80
    assert bottom[0] > bottom[2] + 80


def test_keeps_the_shades_of_sixteen_bits() -> None:
    ramp = np.tile(np.linspace(0, 65535, 64).astype(np.uint16), (64, 1))
    picture = decode_image(encoded(Image.fromarray(ramp), "PNG"))
    assert picture.dtype == np.uint8
    assert (int(picture.min()), int(picture.max())) == (0, 255)
    assert 120 < int(picture[32, 32, 0]) < 135


WHOLE = encoded(halves(), "JPEG")


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "the file is empty"),
        (b"\x00" * 4096, "not a picture in a known format"),
        ("浙A8B762".encode() * 100, "not a picture in a known format"),
        (b"%PDF-1.7 and so on", "not a picture in a known format"),
        (WHOLE[: len(WHOLE) // 2], "the picture is truncated"),
        (WHOLE[:2], "not a picture|damaged|truncated"),
        (encoded(halves(), "PNG")[:60], "truncated|damaged"),
        (encoded(Image.new("RGB", (8, 8)), "PNG"), "8x8, too small to show a plate"),
        (encoded(Image.new("1", (10_000, 6_000)), "PNG"), "10000x6000, more than the 50000000"),
        (encoded(Image.new("1", (30_000, 30_000)), "PNG"), "more than the 50000000 pixels"),
    ],
    ids=[
        "empty",
        "zeros",
        "text",
        "pdf",
        "half-jpeg",
        "stump",
        "half-png",
        "tiny",
        "huge",
        "bomb",
    ],
)
def test_says_what_is_wrong_with_a_file(data: bytes, reason: str) -> None:
    with pytest.raises(ImageError, match=reason):
        decode_image(data)


def test_says_what_is_wrong_with_a_path(tmp_path: Path) -> None:
    with pytest.raises(ImageError, match="No such file"):
        read_image_file(tmp_path / "nothing.jpg")
    with pytest.raises(ImageError, match="Is a directory"):
        read_image_file(tmp_path)
    sparse = tmp_path / "sparse.jpg"
    with sparse.open("wb") as file:
        file.truncate(FILE_BYTES_MAX + 1)
    with pytest.raises(ImageError, match="more than the"):
        read_image_file(sparse)


@given(st.integers(0, len(WHOLE) - 1), st.integers(0, 255))
def test_never_fails_in_any_other_way_on_a_damaged_file(place: int, byte: int) -> None:
    damaged = bytearray(WHOLE)
    damaged[place] = byte
    for data in (bytes(damaged), WHOLE[:place]):
        with suppress(ImageError):
            assert decode_image(data).ndim == 3
