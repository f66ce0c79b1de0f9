"""A picture file as a frame: upright, 8 bits, blue-green-red; or one clear reason why not."""

import io
import struct
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import TypeAlias, TypeVar

import cv2
import numpy as np
import numpy.typing as npt
from PIL import Image, ImageOps, UnidentifiedImageError

from lpr.errors import ImageError

Picture: TypeAlias = npt.NDArray[np.uint8]
"""Height by width by blue, green, red."""
Grey: TypeAlias = npt.NDArray[np.uint8]
"""Height by width."""
_Decoded = TypeVar("_Decoded")

_JPEG_BEGINS, _JPEG_ENDS = b"\xff\xd8", b"\xff\xd9"
GLANCE_WIDTH_PIXELS = 160
"""How wide a frame is made to see whether anything moves in it."""
FILE_BYTES_MAX = 64 * 1024 * 1024
PIXELS_MAX = 50_000_000
"""More than any gate camera delivers; guards the box's memory against a crafted file."""
SIDE_PIXELS_MIN = 16
IMAGE_SUFFIXES = frozenset({".jpg", ".jpeg", ".png", ".bmp", ".webp", ".tif", ".tiff"})
_FORMATS = ("JPEG", "PNG", "BMP", "WEBP", "TIFF")
_EIGHT_BIT_TOP = 255.0
_SIXTEEN_BIT_TOP = 65535.0
_DAMAGE = (ArithmeticError, EOFError, LookupError, OSError, SyntaxError, TypeError, ValueError)
"""What Pillow raises, by its decoders' whims, for files that are not what they say."""
_DEEP_GREYS = frozenset({"I", "I;16", "I;16B", "I;16L", "F"})


Image.init()  # registers all decoders; only those in _FORMATS are used


def read_image_file(path: Path) -> Picture:
    """Read a picture from a file; raises ImageError."""
    return decode_image(read_file(path))


def read_file(path: Path) -> bytes:
    """Read a picture file's bytes; raises ImageError."""
    try:
        size = path.stat().st_size
        if size > FILE_BYTES_MAX:
            msg = f"the file has {size} bytes, more than the {FILE_BYTES_MAX} allowed"
            raise ImageError(msg)
        return path.read_bytes()
    except OSError as error:
        msg = f"the file cannot be read: {error.strerror or error}"
        raise ImageError(msg) from error


def decode_image(data: bytes) -> Picture:
    """Decode a picture from its bytes; raises ImageError.

    Turns by EXIF, converts CMYK, palettes and 16-bit greys, and drops transparency. A truncated
    file is refused rather than read half: the missing half may be the plate.
    """
    return _guarded(data, _decode)


def decode_glance(data: bytes) -> Grey:
    """Decode a picture small and grey, a JPEG far quicker than whole; raises ImageError.

    It may not be turned by EXIF: glances are only compared with one another.
    """
    quick = _quick_glance(data) if is_whole_jpeg(data) else None
    return _guarded(data, _decode_glance) if quick is None else quick


def is_whole_jpeg(data: bytes) -> bool:
    """Say whether these bytes begin and end as a JPEG does."""
    return data[:2] == _JPEG_BEGINS and data[-2:] == _JPEG_ENDS


def glance_of(picture: Picture) -> Grey:
    """Make a decoded picture small and grey, from some of its rows: quicker than from all."""
    height, width = picture.shape[:2]
    tall = _glance_height(width, height)
    rows = np.ascontiguousarray(picture[:: max(height // (2 * tall), 1)])
    small = cv2.resize(rows, (min(width, GLANCE_WIDTH_PIXELS), tall), interpolation=cv2.INTER_AREA)
    return np.asarray(cv2.cvtColor(small, cv2.COLOR_BGR2GRAY), np.uint8)


def _guarded(data: bytes, decode: Callable[[bytes], _Decoded]) -> _Decoded:
    """Say in one line what is wrong with a file."""
    if not data:
        msg = "the file is empty"
        raise ImageError(msg)
    try:
        with warnings.catch_warnings():
            # Pillow warns of large pictures and odd metadata; the limits here are our own.
            warnings.simplefilter("ignore")
            return decode(data)
    except UnidentifiedImageError as error:
        msg = "the file is not a picture in a known format (JPEG, PNG, BMP, WebP, TIFF)"
        raise ImageError(msg) from error
    except Image.DecompressionBombError as error:
        msg = f"the picture has more than the {PIXELS_MAX} pixels allowed"
        raise ImageError(msg) from error
    except (*_DAMAGE, struct.error) as error:
        reason = "truncated" if "truncated" in str(error).lower() else "damaged"
        msg = f"the picture is {reason}: {error}"
        raise ImageError(msg) from error


def _decode(data: bytes) -> Picture:
    with Image.open(io.BytesIO(data), formats=_FORMATS) as opened:
        _check_size(*opened.size)
        opened.load()
        upright = ImageOps.exif_transpose(opened)
    red_green_blue = np.asarray(_eight_bit(upright).convert("RGB"), dtype=np.uint8)
    return np.asarray(cv2.cvtColor(red_green_blue, cv2.COLOR_RGB2BGR), dtype=np.uint8)


def _decode_glance(data: bytes) -> Grey:
    with Image.open(io.BytesIO(data), formats=_FORMATS) as opened:
        _check_size(*opened.size)
        opened.draft("L", (GLANCE_WIDTH_PIXELS, 1))  # JPEG only: other formats go the long way
        opened.load()
        return _small(np.asarray(_eight_bit(opened).convert("L"), dtype=np.uint8))


def _quick_glance(data: bytes) -> Grey | None:
    """Decode a whole JPEG at an eighth of its size; None where it is not as it should be."""
    try:
        small: object = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_REDUCED_GRAYSCALE_8)
    except cv2.error:
        return None
    grey = np.zeros((0, 0), np.uint8) if small is None else np.asarray(small, np.uint8)
    fits = 8 * min(grey.shape) >= SIDE_PIXELS_MIN and 64 * grey.size <= PIXELS_MAX
    return _small(grey) if fits else None


def _small(grey: Grey) -> Grey:
    height, width = grey.shape
    if width <= GLANCE_WIDTH_PIXELS:
        return grey
    size = (GLANCE_WIDTH_PIXELS, _glance_height(width, height))
    return np.asarray(cv2.resize(grey, size, interpolation=cv2.INTER_AREA), np.uint8)


def _glance_height(width: int, height: int) -> int:
    return max(round(height * min(GLANCE_WIDTH_PIXELS / width, 1)), 1)


def _check_size(width: int, height: int) -> None:
    if width * height > PIXELS_MAX:
        msg = f"the picture is {width}x{height}, more than the {PIXELS_MAX} pixels allowed"
        raise ImageError(msg)
    if min(width, height) < SIDE_PIXELS_MIN:
        msg = f"the picture is {width}x{height}, too small to show a plate"
        raise ImageError(msg)


def _eight_bit(image: Image.Image) -> Image.Image:
    """Scale deep greys down: Pillow's own conversion would clip them to white."""
    if image.mode not in _DEEP_GREYS:
        return image
    values = np.asarray(image, dtype=np.float64)
    top = _SIXTEEN_BIT_TOP if values.max(initial=0.0) > _EIGHT_BIT_TOP else _EIGHT_BIT_TOP
    return Image.fromarray(
        np.clip(values * (_EIGHT_BIT_TOP / top), 0, _EIGHT_BIT_TOP).astype(np.uint8)
    )
