"""A picture that a camera took, which may not have been decoded yet: most are not worth it."""

from functools import cached_property
from typing import Protocol

from lpr.image_file import Grey, Picture, decode_glance, decode_image, glance_of, is_whole_jpeg


class Shot(Protocol):
    """What a camera took. Raises ImageError where it turns out to be damaged."""

    def glance(self) -> Grey:
        """Answer it small and grey, cheaply: enough to see whether anything has moved."""
        ...

    def picture(self) -> Picture:
        """Answer it whole."""
        ...


class DecodedShot:
    """A frame of a video, which comes decoded."""

    def __init__(self, picture: Picture) -> None:
        self._picture = picture

    def glance(self) -> Grey:
        """Answer it small and grey."""
        return self._glance

    @cached_property
    def _glance(self) -> Grey:
        return glance_of(self._picture)

    def picture(self) -> Picture:
        """Answer it whole."""
        return self._picture


class EncodedShot:
    """A picture file's bytes; a JPEG is decoded at an eighth of its size for a glance."""

    def __init__(self, data: bytes) -> None:
        self._data = data

    def check(self) -> None:
        """Raise ImageError if the file is only half there; a JPEG that has its end is whole."""
        if not is_whole_jpeg(self._data):
            self.glance()

    def glance(self) -> Grey:
        """Answer it small and grey."""
        return self._glance

    @cached_property
    def _glance(self) -> Grey:
        return decode_glance(self._data)

    def picture(self) -> Picture:
        """Answer it whole: decoded each time it is asked for."""
        return decode_image(self._data)
