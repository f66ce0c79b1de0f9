"""Pictures of events: the best ones, for as long and as many as was set, for whom they are for."""

import threading
import urllib.error
import urllib.request
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from uuid import UUID

import cv2
import numpy as np
import pytest

from lpr.agent import Agent
from lpr.config import load_settings
from lpr.errors import ImageError
from lpr.health import Health, HealthServer
from lpr.image_file import Picture, decode_image
from lpr.pictures import PictureSettings, PictureStore, Show, Sight, Sights
from lpr.shot import DecodedShot, EncodedShot
from lpr.unrecognised import unrecognised
from parking.core.ids import uuid7
from parking.core.settings import Secret
from tests.lpr.plates import StripeReader, corners, reading
from tests.lpr.server import Desk, served
from tests.lpr.test_agent import CARS, film, write_config

NOW = datetime(2026, 3, 10, 12, tzinfo=UTC)


def scene(width: int = 1920, height: int = 1080) -> Picture:
    picture = np.full((height, width, 3), 90, np.uint8)
    cv2.rectangle(picture, (100, 100), (219, 139), (200, 30, 30), -1)
    return picture


def sight(*, confidence: float = 0.9) -> Sight:
    shown = reading("浙A8B762", confidence=confidence, at=corners())
    return Sight(shot=DecodedShot(scene()), reading=shown)


def event(at: datetime, number: int = 1) -> UUID:
    return uuid7(int(at.timestamp() * 1000), number)


def store(folder: Path, *, days: int = 7, bytes_max: int = 1 << 30) -> PictureStore:
    return PictureStore(PictureSettings(folder=folder, days=days, bytes_max=bytes_max))


def test_keeps_the_scene_and_the_plate_of_an_event(tmp_path: Path) -> None:
    kept = store(tmp_path)
    kept.keep(event(NOW), sight())
    whole = decode_image(kept.picture(event(NOW), Show.SCENE) or b"")
    plate = decode_image(kept.picture(event(NOW), Show.PLATE) or b"")
    assert whole.shape == (720, 1280, 3)
    assert plate.shape == (96, 336, 3)
    assert plate[48, 168, 0] > 150 > plate[48, 168, 2]
    assert kept.picture(event(NOW, 2), Show.SCENE) is None


@pytest.mark.parametrize(("left", "top"), [(100, 100), (0, 0), (1800, 1040), (900, 500)])
def test_blurs_all_but_the_plate_and_what_is_around_it(tmp_path: Path, left: int, top: int) -> None:
    """Faces are at least twice a plate's height: of a pattern that fine nothing remains."""
    rng = np.random.default_rng(4)
    fine = rng.integers(0, 2, (1080, 1920, 1), np.uint8).repeat(3, axis=2) * 255
    for blur in (False, True):
        kept = PictureStore(PictureSettings(folder=tmp_path, blur=blur))
        shown = reading("浙A8B762", at=corners(left, top))
        kept.keep(event(NOW), Sight(shot=DecodedShot(fine), reading=shown))
        plate = decode_image(kept.picture(event(NOW), Show.PLATE) or b"")
        assert plate.std() > 60
        whole = unrecognised(fine, shown.corners) if blur else fine
        changed = np.abs(whole.astype(int) - fine).max(axis=2) > 0
        rows, columns = slice(max(top - 60, 0), top + 160), slice(max(left - 120, 0), left + 240)
        assert not changed[rows, columns].any()
        changed[rows, columns] = blur
        assert changed.all() == blur
        outside = np.ones(fine.shape[:2], bool)
        outside[rows, columns] = False
        assert (whole[outside].std() < 10) == blur
        scene_kept = decode_image(kept.picture(event(NOW), Show.SCENE) or b"")
        assert (scene_kept.std() < 60) == blur


def test_deletes_what_is_older_than_was_set_also_after_a_restart(tmp_path: Path) -> None:
    kept = store(tmp_path, days=7)
    for days_ago in (0, 6, 9):
        kept.keep(event(NOW - timedelta(days=days_ago)), sight())
    assert store(tmp_path, days=7).sweep(now=NOW) == 2
    assert kept.picture(event(NOW - timedelta(days=6)), Show.SCENE)
    assert kept.picture(event(NOW - timedelta(days=9)), Show.SCENE) is None
    assert sorted(path.name for path in tmp_path.iterdir()) == ["2026-03-04", "2026-03-10"]


def test_deletes_the_oldest_when_there_are_too_many(tmp_path: Path) -> None:
    kept = store(tmp_path)
    for minute in range(30):
        kept.keep(event(NOW + timedelta(minutes=minute)), sight())
    size = sum(path.stat().st_size for path in tmp_path.rglob("*.jpg"))
    kept = store(tmp_path, bytes_max=size // 2)
    assert kept.sweep(now=NOW) >= 28
    assert sum(path.stat().st_size for path in tmp_path.rglob("*.jpg")) <= size // 2
    assert kept.picture(event(NOW), Show.PLATE) is None
    assert kept.picture(event(NOW + timedelta(minutes=29)), Show.PLATE)
    assert kept.sweep(now=NOW) == 0


def test_keeps_none_where_none_are_wanted(tmp_path: Path) -> None:
    store(tmp_path, days=0).keep(event(NOW), sight())
    assert not list(tmp_path.iterdir())


def test_an_event_does_not_wait_for_pictures_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("a file where the folder should be")
    store(tmp_path / "taken").keep(event(NOW), sight())
    broken = Sight(shot=EncodedShot(b"no picture"), reading=reading("浙A8B762"))
    with pytest.raises(ImageError):
        broken.shot.picture()
    store(tmp_path / "kept").keep(event(NOW), broken)


def test_takes_the_sight_in_which_the_plate_was_read_best() -> None:
    sights = Sights()
    for confidence in (0.5, 0.97, 0.8):
        sights.saw("car", sight(confidence=confidence))
    sights.saw("gone", sight())
    sights.keep_only({"car"})
    best = sights.take("car")
    assert best is not None
    assert best.reading.characters[0].confidence == 0.97
    assert sights.take("car") is None
    assert sights.take("gone") is None


def test_every_event_of_the_agent_has_its_pictures(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The cars came on a day that is long past when this runs.
    monkeypatch.setattr(PictureStore, "sweep", lambda *_, **__: 0)
    desk = Desk()
    film(tmp_path / "west-in", CARS)
    with served(desk) as url:
        config = write_config(tmp_path, url, lanes={"west-in": "entry"})
        settings = load_settings(path=config, flags={}, environ={})
        Agent(settings=settings, reader=StripeReader()).run(stop=threading.Event())
    assert settings.pictures.folder == tmp_path / "lpr-pictures"
    kept = PictureStore(settings.pictures)
    for event_id in desk.accepted:
        for show in Show:
            assert kept.picture(UUID(str(event_id)), show)


@pytest.mark.parametrize(
    ("asked", "status"),
    [
        (f"{event(NOW)}/scene.jpg", 200),
        (f"{event(NOW)}/plate.jpg", 200),
        (f"{event(NOW)}/driver.jpg", 404),
        (f"{event(NOW, 2)}/scene.jpg", 404),
        ("../../etc/passwd/scene.jpg", 404),
        ("", 404),
    ],
)
def test_shows_a_picture_by_its_event(tmp_path: Path, asked: str, status: int) -> None:
    kept = store(tmp_path)
    kept.keep(event(NOW), sight())
    with server(kept) as running:
        try:
            answer = urllib.request.urlopen(f"{running.address}/pictures/{asked}")  # noqa: S310
        except urllib.error.HTTPError as error:
            answer = error
        with answer:
            assert answer.status == status
            assert (answer.headers["Content-Type"] == "image/jpeg") == (status == 200)


@pytest.mark.parametrize(
    ("key", "may"), [("Bearer k", True), ("Bearer x", False), ("", False), ("k", False)]
)
def test_others_than_the_box_need_its_key(
    tmp_path: Path, *, key: str, may: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = store(tmp_path)
    kept.keep(event(NOW), sight())
    with server(kept) as running:
        monkeypatch.setattr("lpr.health.ip_address", lambda _: ip_address("10.0.0.9"))
        request = urllib.request.Request(  # noqa: S310
            f"{running.address}/pictures/{event(NOW)}/plate.jpg", headers={"Authorization": key}
        )
        try:
            urllib.request.urlopen(request).close()  # noqa: S310
        except urllib.error.HTTPError as error:
            error.close()
            assert not may
        else:
            assert may


def server(kept: PictureStore) -> HealthServer:
    return HealthServer(
        "127.0.0.1", 0, health=_no_health, pictures=kept, device_key=lambda: Secret("k")
    )


def _no_health() -> Health:
    raise NotImplementedError
