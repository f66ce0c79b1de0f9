"""Where frames come from: a folder that fills up, a video file, or a network stream."""

from pathlib import Path

from lpr.errors import CameraError
from lpr.folder_camera import FolderCamera
from lpr.frame import Camera
from lpr.video_camera import StreamCamera, VideoFileCamera

VIDEO_SUFFIXES = frozenset({".mp4", ".avi", ".mkv", ".mov", ".ts", ".m4v", ".webm"})


def open_camera(source: str) -> Camera:
    """Choose the camera for a source; raises CameraError."""
    if "://" in source:
        scheme = source.split("://", 1)[0].lower()
        if scheme not in {"rtsp", "rtsps", "http", "https"}:
            raise CameraError(source, f"streams are rtsp or http, not {scheme}")
        return StreamCamera(source)
    path = Path(source)
    if path.is_file():
        return VideoFileCamera(path)
    if path.exists() and not path.is_dir():
        raise CameraError(source, "is neither a folder nor a file")
    if not path.exists() and path.suffix.lower() in VIDEO_SUFFIXES:
        raise CameraError(source, "there is no such file")
    return FolderCamera(path)
