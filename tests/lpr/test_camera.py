import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import islice
from pathlib import Path

import cv2
import numpy as np
import pytest

from lpr import video_camera
from lpr.camera import open_camera
from lpr.errors import CameraError
from lpr.folder_camera import FolderCamera
from lpr.frame import Frame, captured_at_of
from lpr.shot import DecodedShot
from lpr.video_camera import StreamCamera, VideoFileCamera
from tests.lpr.plates import StripeReader, striped_picture, write_frame

READER = StripeReader()


def texts(frames: Iterator[Frame | None], count: int) -> list[str]:
    """Take so many frames, patiently, and read the first plate of each."""
    deadline = time.monotonic() + 20
    found: list[str] = []
    for frame in frames:
        if frame is not None and frame.shot is not None:
            found.append(READER.read(frame.shot.picture())[0].text)
        if len(found) == count or time.monotonic() > deadline:
            break
    return found


def test_reads_the_capture_time_from_a_name() -> None:
    assert captured_at_of("20260102T030405.678Z-17.jpg") == datetime(
        2026, 1, 2, 3, 4, 5, 678_000, tzinfo=UTC
    )
    assert captured_at_of("20261402T030405.678Z-17.jpg") is None
    assert captured_at_of("IMG_0042.jpg") is None


def test_delivers_a_folder_in_the_order_of_capture_and_ends_at_its_marker(tmp_path: Path) -> None:
    write_frame(tmp_path, "20260102T030406.000Z-2", "浙A00002")
    write_frame(tmp_path, "20260102T030405.500Z-9", "浙A00001")
    write_frame(tmp_path, "20260102T030406.000Z-3", "浙A00003")
    (tmp_path / ".20260102T030407.000Z-4.png").write_bytes(b"being written")
    (tmp_path / "notes.txt").write_text("no frame")
    (tmp_path / "20260102T030408.000Z-5.png").mkdir()
    (tmp_path / ".end").touch()
    frames = list(FolderCamera(tmp_path).frames(after="", stop=threading.Event()))
    assert texts(iter(frames), 3) == ["浙A00001", "浙A00002", "浙A00003"]
    cursors = [frame.cursor for frame in frames if frame is not None]
    assert cursors == sorted(cursors)


def test_goes_on_after_the_frame_it_is_told(tmp_path: Path) -> None:
    for number in range(4):
        write_frame(tmp_path, f"20260102T030405.{number}00Z-{number}", f"浙A0000{number}")
    (tmp_path / ".end").touch()
    first = FolderCamera(tmp_path).frames(after="", stop=threading.Event())
    second = [frame for frame in islice(first, 2) if frame is not None][1]
    later = FolderCamera(tmp_path).frames(after=second.cursor, stop=threading.Event())
    assert texts(later, 9) == ["浙A00002", "浙A00003"]


def test_takes_a_frame_that_arrives_late_without_going_back(tmp_path: Path) -> None:
    write_frame(tmp_path, "20260102T030409.000Z-9", "浙A00009")
    frames = FolderCamera(tmp_path).frames(after="", stop=threading.Event())
    with closing(frames):  # type: ignore[type-var]
        newest = next(frames)
        write_frame(tmp_path, "20260102T030405.000Z-5", "浙A00005")
        late = next(frame for frame in frames if frame is not None)
    assert newest is not None
    assert late.cursor == newest.cursor
    assert late.captured_at == datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


def test_waits_for_a_frame_that_is_still_being_written(tmp_path: Path) -> None:
    whole = bytes(cv2.imencode(".jpg", striped_picture("浙A00001"))[1])
    path = tmp_path / "20260102T030405.000Z-1.jpg"
    path.write_bytes(whole[:500])
    threading.Timer(0.3, path.write_bytes, (whole,)).start()
    frames = FolderCamera(tmp_path).frames(after="", stop=threading.Event())
    assert texts(frames, 1) == ["浙A00001"]


def test_orders_photographs_by_their_modification_time(tmp_path: Path) -> None:
    for age, name in ((10, "b"), (20, "c"), (5, "a")):
        path = write_frame(tmp_path, name, f"浙A000{age:02}")
        at = datetime(2026, 1, 2, tzinfo=UTC) - timedelta(seconds=age)
        import os

        os.utime(path, (at.timestamp(), at.timestamp()))
    (tmp_path / ".end").touch()
    frames = FolderCamera(tmp_path).frames(after="", stop=threading.Event())
    assert texts(frames, 9) == ["浙A00020", "浙A00010", "浙A00005"]


def test_plays_a_video_and_goes_on_in_the_middle_of_it(tmp_path: Path) -> None:
    path = tmp_path / "20260102T030405.000Z-west.avi"
    height, width = striped_picture("浙A00000").shape[:2]
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"MJPG"), 10.0, (width, height))
    for number in range(6):
        writer.write(striped_picture(f"浙A0000{number}"))
    writer.release()
    frames = [
        frame
        for frame in VideoFileCamera(path).frames(after="", stop=threading.Event())
        if frame is not None
    ]
    assert texts(iter(frames), 9) == [f"浙A0000{number}" for number in range(6)]
    began_at = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
    assert frames[0].captured_at == began_at
    assert frames[5].captured_at - began_at == pytest.approx(
        timedelta(seconds=0.5), abs=timedelta(milliseconds=5)
    )
    later = VideoFileCamera(path).frames(after=frames[3].cursor, stop=threading.Event())
    assert texts(later, 9) == ["浙A00004", "浙A00005"]


class _Motion(BaseHTTPRequestHandler):
    """Streams motion JPEG, a few frames a connection, then hangs up."""

    connections = 0

    def do_GET(self) -> None:
        type(self).connections += 1
        self.send_response(200)
        self.send_header("Content-Type", "multipart/x-mixed-replace; boundary=frame")
        self.end_headers()
        try:
            for _ in range(30):
                data = bytes(cv2.imencode(".jpg", striped_picture(f"浙A0000{self.connections}"))[1])
                self.wfile.write(
                    b"--frame\r\nContent-Type: image/jpeg\r\nContent-Length: %d\r\n\r\n%s\r\n"
                    % (len(data), data)
                )
                time.sleep(0.02)
        except OSError:
            return

    def log_message(self, *_: object) -> None:
        pass


@contextmanager
def streaming() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Motion)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}/camera.mjpg"
    finally:
        server.shutdown()
        server.server_close()


def test_reconnects_to_a_stream_that_breaks_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(video_camera, "RECONNECT_BASE_SECONDS", 0.05)
    stop = threading.Event()
    with streaming() as address:
        frames = StreamCamera(address).frames(after="", stop=stop)
        seen: set[str] = set()
        deadline = time.monotonic() + 30
        while len(seen) < 2 and time.monotonic() < deadline:
            seen.update(texts(frames, 1))
        stop.set()
        assert list(frames) == []
    assert len(seen) == 2


def test_keeps_only_the_newest_frame_of_a_stream() -> None:
    newest = video_camera._Newest()
    picture = np.zeros((2, 2, 3), np.uint8)
    for second in range(3):
        at = datetime(2026, 1, 2, 3, 4, second, tzinfo=UTC)
        newest.put(Frame(cursor="", captured_at=at, shot=DecodedShot(picture)))
    taken = newest.take(timeout_seconds=0)
    assert taken is not None
    assert taken.captured_at.second == 2
    assert newest.take(timeout_seconds=0) is None


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        ("ftp://camera/stream", "streams are rtsp or http, not ftp"),
        ("/dev/null", "neither a folder nor a file"),
        ("/nowhere/film.mp4", "there is no such file"),
    ],
)
def test_refuses_a_source_that_it_cannot_follow(source: str, reason: str) -> None:
    with pytest.raises(CameraError, match=reason):
        open_camera(source)


def test_says_that_a_file_is_no_video(tmp_path: Path) -> None:
    path = tmp_path / "film.mp4"
    path.write_bytes(b"no film at all")
    with pytest.raises(CameraError, match="not a video that can be decoded"):
        list(open_camera(str(path)).frames(after="", stop=threading.Event()))
