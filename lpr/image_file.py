"""A picture file as a frame: upright, 8 bits, blue-green-red; or one clear reason why not."""

import io
import struct
import warnings
from pathlib import Path
from typing import TypeAlias

import cv2
import numpy as np
import numpy.typing as npt
from PIL import Image, ImageOps, UnidentifiedImageError

from lpr.errors import ImageError

Picture: TypeAlias = npt.NDArray[np.uint8]
"""Height by width by blue, green, red."""

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
    try:
        size = path.stat().st_size
        if size > FILE_BYTES_MAX:
            msg = f"the file has {size} bytes, more than the {FILE_BYTES_MAX} allowed"
            raise ImageError(msg)
        data = path.read_bytes()
    except OSError as error:
        msg = f"the file cannot be read: {error.strerror or error}"
        raise ImageError(msg) from error
    return decode_image(data)


def decode_image(data: bytes) -> Picture:
    """Decode a picture from its bytes; raises ImageError.

    Turns by EXIF, converts CMYK, palettes and 16-bit greys, and drops transparency. A truncated
    file is refused rather than read half: the missing half may be the plate.
    """
    if not data:
        msg = "the file is empty"
        raise ImageError(msg)
    try:
        with warnings.catch_warnings():
            # Pillow warns of large pictures and odd metadata; the limits here are our own.
            warnings.simplefilter("ignore")
            return _decode(data)
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
        width, height = opened.size
        if width * height > PIXELS_MAX:
            msg = f"the picture is {width}x{height}, more than the {PIXELS_MAX} pixels allowed"
            raise ImageError(msg)
        if min(width, height) < SIDE_PIXELS_MIN:
            msg = f"the picture is {width}x{height}, too small to show a plate"
            raise ImageError(msg)
        opened.load()
        upright = ImageOps.exif_transpose(opened)
    red_green_blue = np.asarray(_eight_bit(upright).convert("RGB"), dtype=np.uint8)
    return np.asarray(cv2.cvtColor(red_green_blue, cv2.COLOR_RGB2BGR), dtype=np.uint8)


def _eight_bit(image: Image.Image) -> Image.Image:
    """Scale deep greys down: Pillow's own conversion would clip them to white."""
    if image.mode not in _DEEP_GREYS:
        return image
    values = np.asarray(image, dtype=np.float64)
    top = _SIXTEEN_BIT_TOP if values.max(initial=0.0) > _EIGHT_BIT_TOP else _EIGHT_BIT_TOP
    return Image.fromarray(
        np.clip(values * (_EIGHT_BIT_TOP / top), 0, _EIGHT_BIT_TOP).astype(np.uint8)
    )
