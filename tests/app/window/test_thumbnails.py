"""Thumbnails come in the order in which they are wanted, within their budget, and never twice."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from PIL import Image

from picsight.window.grid.thumbnails import BATCH, ThumbnailRequest, Thumbnails
from picsight_engine.foundation.errors import StorageError

NOWHERE = Path("/nowhere.jpg")


@pytest.fixture(scope="module")
def jpeg():
    out = io.BytesIO()
    Image.new("RGB", (256, 171), (200, 30, 40)).save(out, "JPEG")
    return out.getvalue()


def requests(photos, side=40):
    return [ThumbnailRequest(photo, side, side, 4.0, NOWHERE) for photo in photos]


def test_a_thumbnail_arrives_at_its_size_with_round_corners(qtbot, jobs, pictures, jpeg):
    thumbnails = Thumbnails(jobs, pictures)
    thumbnails.use(lambda _photo, _moment: jpeg)
    with qtbot.waitSignal(thumbnails.arrived) as arrived:
        thumbnails.request([ThumbnailRequest(7, 90, 60, 8.0, NOWHERE)])
    assert arrived.args == [{7}]
    image = thumbnails.pixmap(7).toImage()
    assert (image.width(), image.height()) == (90, 60)
    assert image.pixelColor(0, 0).alpha() < 60
    assert abs(image.pixelColor(45, 30).red() - 200) < 10


def test_thumbnails_come_in_the_order_wanted_and_unwanted_ones_are_left_out(qtbot, jobs, pictures, jpeg):
    asked = []
    thumbnails = Thumbnails(jobs, pictures)
    thumbnails.use(lambda photo, _moment: asked.append(photo) or jpeg)
    with qtbot.waitSignal(thumbnails.arrived):
        thumbnails.request(requests(range(100)))
        thumbnails.request(requests(range(500, 505)))
    qtbot.waitUntil(lambda: thumbnails.pixmap(504) is not None)
    assert asked == [*range(BATCH), *range(500, 505)]


def test_a_photo_without_a_thumbnail_is_asked_for_once_until_it_may_be_there(qtbot, jobs, pictures, jpeg):
    there = {}
    asked = []
    thumbnails = Thumbnails(jobs, pictures)
    thumbnails.use(lambda photo, _moment: asked.append(photo) or there.get(photo))
    with qtbot.waitSignal(thumbnails.arrived):
        thumbnails.request(requests([1]))
    thumbnails.request(requests([1]))
    assert 1 in thumbnails.missing
    assert asked == [1]
    there[1] = jpeg
    with qtbot.waitSignal(thumbnails.arrived):
        thumbnails.retry_missing()
    assert thumbnails.pixmap(1) is not None


def test_the_budget_holds_and_the_longest_unseen_goes_first(qtbot, jobs, pictures, jpeg):
    thumbnails = Thumbnails(jobs, pictures, budget=5 * 40 * 40 * 4)
    thumbnails.use(lambda _photo, _moment: jpeg)
    with qtbot.waitSignal(thumbnails.arrived):
        thumbnails.request(requests(range(5)))
    thumbnails.pixmap(0)
    with qtbot.waitSignal(thumbnails.arrived):
        thumbnails.request(requests([9]))
    assert thumbnails.pixmap(1) is None
    assert all(thumbnails.pixmap(photo) for photo in (0, 2, 3, 4, 9))


def test_a_library_that_cannot_be_read_leaves_grey_cells_and_is_asked_again(qtbot, jobs, pictures, jpeg):
    broken = [True]

    def fetch(_photo, _moment):
        if broken[0]:
            raise StorageError("The disk is gone.")
        return jpeg

    thumbnails = Thumbnails(jobs, pictures)
    thumbnails.use(fetch)
    thumbnails.request(requests([1]))
    qtbot.waitUntil(lambda: not thumbnails.is_busy)
    broken[0] = False
    with qtbot.waitSignal(thumbnails.arrived):
        thumbnails.request(requests([1]))
    assert thumbnails.pixmap(1) is not None


def test_a_large_cell_in_sight_is_read_from_the_photo_itself(qtbot, jobs, pictures, jpeg, tmp_path):
    Image.new("RGB", (900, 600), (30, 200, 40)).save(tmp_path / "green.jpg")
    thumbnails = Thumbnails(jobs, pictures)
    thumbnails.use(lambda _photo, _moment: jpeg)
    large = [ThumbnailRequest(k, 600, 400, 4.0, tmp_path / "green.jpg") for k in range(2)]

    def is_sharp(photo):
        pixmap = thumbnails.pixmap(photo)
        return pixmap is not None and pixmap.toImage().pixelColor(300, 200).green() > 150

    thumbnails.request(large, seen=1)
    qtbot.waitUntil(lambda: is_sharp(0))
    assert not is_sharp(1)


def test_a_large_cell_whose_file_is_gone_keeps_its_thumbnail(qtbot, jobs, pictures, jpeg):
    thumbnails = Thumbnails(jobs, pictures)
    thumbnails.use(lambda _photo, _moment: jpeg)
    thumbnails.request([ThumbnailRequest(1, 600, 400, 4.0, NOWHERE), *requests([2])], seen=2)
    qtbot.waitUntil(lambda: thumbnails.pixmap(2) is not None and not thumbnails.is_busy)
    assert thumbnails.pixmap(1).toImage().pixelColor(300, 200).red() > 150
